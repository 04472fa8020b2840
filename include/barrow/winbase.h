/* SPDX-License-Identifier: MIT */
/* winbase.h: Global and Local memory, the narrow forms of the calls of file mapping, the texts of
 * errors, and questions about memory.
 *
 * Global and Local memory are blocks of the process heap. A GMEM_FIXED block's handle is its
 * address. A GMEM_MOVEABLE block's handle is not: GlobalLock gives the address. 65,536 moveable
 * blocks can be alive. Any thread may call these; the block's own contents are the program's to
 * guard. */
#ifndef BARROW_WINBASE_H
#define BARROW_WINBASE_H

#include "debugapi.h"
#include "fileapi.h"
#include "libloaderapi.h"
#include "memoryapi.h"
#include "processthreadsapi.h"
#include "profileapi.h"
#include "synchapi.h"
#include "sysinfoapi.h"
#include "timezoneapi.h"

#include <stdarg.h>

#define GMEM_FIXED          0x0000u
#define GMEM_MOVEABLE       0x0002u
#define GMEM_NOCOMPACT      0x0010u
#define GMEM_NODISCARD      0x0020u
#define GMEM_ZEROINIT       0x0040u
#define GMEM_MODIFY         0x0080u
#define GMEM_DISCARDABLE    0x0100u
#define GMEM_NOT_BANKED     0x1000u
#define GMEM_LOWER          GMEM_NOT_BANKED
#define GMEM_SHARE          0x2000u
#define GMEM_DDESHARE       0x2000u
#define GMEM_NOTIFY         0x4000u
#define GMEM_DISCARDED      0x4000u
#define GMEM_INVALID_HANDLE 0x8000u
#define GMEM_LOCKCOUNT      0x00FFu
#define GHND                (GMEM_MOVEABLE | GMEM_ZEROINIT)
#define GPTR                (GMEM_FIXED | GMEM_ZEROINIT)

#define LMEM_FIXED          0x0000u
#define LMEM_MOVEABLE       0x0002u
#define LMEM_NOCOMPACT      0x0010u
#define LMEM_NODISCARD      0x0020u
#define LMEM_ZEROINIT       0x0040u
#define LMEM_MODIFY         0x0080u
#define LMEM_DISCARDABLE    0x0F00u
#define LMEM_DISCARDED      0x4000u
#define LMEM_INVALID_HANDLE 0x8000u
#define LMEM_LOCKCOUNT      0x00FFu
#define LHND                (LMEM_MOVEABLE | LMEM_ZEROINIT)
#define LPTR                (LMEM_FIXED | LMEM_ZEROINIT)
#define NONZEROLHND         LMEM_MOVEABLE
#define NONZEROLPTR         LMEM_FIXED

#define MOVEFILE_REPLACE_EXISTING      0x00000001u
#define MOVEFILE_COPY_ALLOWED          0x00000002u
#define MOVEFILE_DELAY_UNTIL_REBOOT    0x00000004u
#define MOVEFILE_WRITE_THROUGH         0x00000008u
#define MOVEFILE_CREATE_HARDLINK       0x00000010u
#define MOVEFILE_FAIL_IF_NOT_TRACKABLE 0x00000020u

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100u
#define FORMAT_MESSAGE_IGNORE_INSERTS  0x00000200u
#define FORMAT_MESSAGE_FROM_STRING     0x00000400u
#define FORMAT_MESSAGE_FROM_HMODULE    0x00000800u
#define FORMAT_MESSAGE_FROM_SYSTEM     0x00001000u
#define FORMAT_MESSAGE_ARGUMENT_ARRAY  0x00002000u
#define FORMAT_MESSAGE_MAX_WIDTH_MASK  0x000000FFu

typedef struct _MEMORYSTATUS {
    DWORD dwLength;
    DWORD dwMemoryLoad;
    SIZE_T dwTotalPhys;
    SIZE_T dwAvailPhys;
    SIZE_T dwTotalPageFile;
    SIZE_T dwAvailPageFile;
    SIZE_T dwTotalVirtual;
    SIZE_T dwAvailVirtual;
} MEMORYSTATUS, *LPMEMORYSTATUS;

#define FILE_BEGIN   0u
#define FILE_CURRENT 1u
#define FILE_END     2u

#define FILE_FLAG_OPEN_REPARSE_POINT 0x00200000u
#define FILE_FLAG_BACKUP_SEMANTICS   0x02000000u
#define FILE_FLAG_DELETE_ON_CLOSE    0x04000000u
#define FILE_FLAG_SEQUENTIAL_SCAN    0x08000000u
#define FILE_FLAG_RANDOM_ACCESS      0x10000000u
#define FILE_FLAG_NO_BUFFERING       0x20000000u
#define FILE_FLAG_OVERLAPPED         0x40000000u
#define FILE_FLAG_WRITE_THROUGH      0x80000000u

#define GlobalAlloc        barrow_GlobalAlloc
#define GlobalFlags        barrow_GlobalFlags
#define GlobalFree         barrow_GlobalFree
#define GlobalHandle       barrow_GlobalHandle
#define GlobalLock         barrow_GlobalLock
#define GlobalReAlloc      barrow_GlobalReAlloc
#define GlobalSize         barrow_GlobalSize
#define GlobalUnlock       barrow_GlobalUnlock
#define LocalAlloc         barrow_LocalAlloc
#define LocalFlags         barrow_LocalFlags
#define LocalFree          barrow_LocalFree
#define LocalHandle        barrow_LocalHandle
#define LocalLock          barrow_LocalLock
#define LocalReAlloc       barrow_LocalReAlloc
#define LocalSize          barrow_LocalSize
#define LocalUnlock        barrow_LocalUnlock
#define CreateFileMappingA barrow_CreateFileMappingA
#define OpenFileMappingA   barrow_OpenFileMappingA
#define MoveFileA          barrow_MoveFileA
#define MoveFileW          barrow_MoveFileW
#define MoveFileExA        barrow_MoveFileExA
#define MoveFileExW        barrow_MoveFileExW
#define FormatMessageA     barrow_FormatMessageA
#define FormatMessageW     barrow_FormatMessageW
#define GlobalMemoryStatus barrow_GlobalMemoryStatus
#define IsBadReadPtr       barrow_IsBadReadPtr
#define IsBadHugeReadPtr   barrow_IsBadReadPtr
#define IsBadWritePtr      barrow_IsBadWritePtr
#define IsBadHugeWritePtr  barrow_IsBadWritePtr
#define IsBadCodePtr       barrow_IsBadCodePtr
#define IsBadStringPtrA    barrow_IsBadStringPtrA
#define IsBadStringPtrW    barrow_IsBadStringPtrW

#ifdef UNICODE
#define FormatMessage  FormatMessageW
#define MoveFile       MoveFileW
#define MoveFileEx     MoveFileExW
#define IsBadStringPtr IsBadStringPtrW
#else
#define FormatMessage  FormatMessageA
#define MoveFile       MoveFileA
#define MoveFileEx     MoveFileExA
#define IsBadStringPtr IsBadStringPtrA
#endif

#define GlobalDiscard(handle) GlobalReAlloc((handle), 0, GMEM_MOVEABLE)
#define LocalDiscard(handle)  LocalReAlloc((handle), 0, LMEM_MOVEABLE)

#ifdef __cplusplus
extern "C" {
#endif

/* A block of size bytes, or NULL with ERROR_NOT_ENOUGH_MEMORY. Size 0 and GMEM_MOVEABLE gives a
 * handle that is marked discarded. */
BARROW_API HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T size);
BARROW_API HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size);

/* Another size, or with GMEM_MODIFY other attributes. NULL and an unchanged block on failure:
 * ERROR_NOT_ENOUGH_MEMORY, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_NOACCESS. Without
 * GMEM_MOVEABLE a fixed or a locked block only changes in place. */
BARROW_API HGLOBAL WINAPI GlobalReAlloc(HGLOBAL handle, SIZE_T size, UINT flags);
BARROW_API HLOCAL WINAPI LocalReAlloc(HLOCAL handle, SIZE_T size, UINT flags);

/* The address, with the lock count raised (to 255 at most). NULL: ERROR_INVALID_HANDLE,
 * ERROR_DISCARDED. */
BARROW_API LPVOID WINAPI GlobalLock(HGLOBAL handle);
BARROW_API LPVOID WINAPI LocalLock(HLOCAL handle);

/* TRUE while still locked. FALSE with NO_ERROR when that was the last lock, with ERROR_NOT_LOCKED
 * when there was none. */
BARROW_API BOOL WINAPI GlobalUnlock(HGLOBAL handle);
BARROW_API BOOL WINAPI LocalUnlock(HLOCAL handle);

/* Bytes in the block, 0 when discarded or with ERROR_INVALID_HANDLE. */
BARROW_API SIZE_T WINAPI GlobalSize(HGLOBAL handle);
BARROW_API SIZE_T WINAPI LocalSize(HLOCAL handle);

/* Lock count and attributes; GMEM_INVALID_HANDLE with ERROR_INVALID_HANDLE. */
BARROW_API UINT WINAPI GlobalFlags(HGLOBAL handle);
BARROW_API UINT WINAPI LocalFlags(HLOCAL handle);

/* The handle of the block that starts at an address. NULL with ERROR_INVALID_HANDLE. */
BARROW_API HGLOBAL WINAPI GlobalHandle(LPCVOID address);
BARROW_API HLOCAL WINAPI LocalHandle(LPCVOID address);

/* NULL on success and for NULL; the handle itself on failure: ERROR_INVALID_HANDLE,
 * ERROR_NOACCESS. A locked block is freed all the same. */
BARROW_API HGLOBAL WINAPI GlobalFree(HGLOBAL handle);
BARROW_API HLOCAL WINAPI LocalFree(HLOCAL handle);

/* As CreateFileMappingW and OpenFileMappingW, with names in UTF-8. */
BARROW_API HANDLE WINAPI CreateFileMappingA(HANDLE file, LPSECURITY_ATTRIBUTES attributes,
                                            DWORD protect, DWORD size_high, DWORD size_low,
                                            LPCSTR name);
BARROW_API HANDLE WINAPI OpenFileMappingA(DWORD access, BOOL inherit, LPCSTR name);

/* Renames a file or folder. flags: MOVEFILE_REPLACE_EXISTING (a file; else ERROR_ALREADY_EXISTS),
 * MOVEFILE_COPY_ALLOWED (copies a file to another file system; else ERROR_NOT_SAME_DEVICE),
 * MOVEFILE_WRITE_THROUGH (waits until the new name is on the disk). MOVEFILE_DELAY_UNTIL_REBOOT and
 * MOVEFILE_CREATE_HARDLINK: ERROR_NOT_SUPPORTED. Errors: ERROR_FILE_NOT_FOUND,
 * ERROR_PATH_NOT_FOUND, ERROR_SHARING_VIOLATION (a handle of the file was opened without
 * FILE_SHARE_DELETE), ERROR_ACCESS_DENIED (the file to be replaced is a folder, is mapped, or is
 * open without FILE_SHARE_DELETE), ERROR_INVALID_PARAMETER. Any thread. */
BARROW_API BOOL WINAPI MoveFileA(LPCSTR from, LPCSTR to);
BARROW_API BOOL WINAPI MoveFileW(LPCWSTR from, LPCWSTR to);
BARROW_API BOOL WINAPI MoveFileExA(LPCSTR from, LPCSTR to, DWORD flags);
BARROW_API BOOL WINAPI MoveFileExW(LPCWSTR from, LPCWSTR to, DWORD flags);

/* Makes a text from a message with inserts: with FORMAT_MESSAGE_FROM_STRING the one at source, with
 * FORMAT_MESSAGE_FROM_SYSTEM that of the error `code` (of winerror.h, or an HRESULT made of one; in
 * English, with a line end). In the message %1 to %99 are inserts, optionally with a format of printf
 * between exclamation marks (%1!08X!), without floating point; %n is a line end, %0 the end, %t a
 * tab, and any other character after % is itself. arguments is the address of a va_list, or with
 * FORMAT_MESSAGE_ARGUMENT_ARRAY an array of DWORD_PTR; FORMAT_MESSAGE_IGNORE_INSERTS leaves inserts
 * as they are. The lowest byte of flags is a line length (0: lines as in the message; 255: only %n
 * ends a line). size is the size of buffer in characters; with FORMAT_MESSAGE_ALLOCATE_BUFFER, buffer
 * is where the address of a block goes that the caller frees with LocalFree, and size its least
 * number of characters. language is ignored. There are no message tables in modules.
 * Returns the text's length, or 0: ERROR_MR_MID_NOT_FOUND (no such error), ERROR_INSUFFICIENT_BUFFER,
 * ERROR_INVALID_PARAMETER (flags, a NULL source, a broken insert, an insert without arguments),
 * ERROR_NO_WORK_DONE (the text is empty), ERROR_NOT_ENOUGH_MEMORY. Any thread. */
BARROW_API DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD code, DWORD language,
                                       LPSTR buffer, DWORD size, va_list *arguments);
BARROW_API DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD code, DWORD language,
                                       LPWSTR buffer, DWORD size, va_list *arguments);

/* The older form of GlobalMemoryStatusEx. Never fails. */
BARROW_API void WINAPI GlobalMemoryStatus(LPMEMORYSTATUS status);

/* Nonzero when some byte of the range cannot be read, written or executed now; for strings, of the
 * part up to the terminating zero or to `limit` characters. A size of 0 is never bad. A guard page in
 * the range is bad once. Another thread may change the answer at any time, so programs should handle
 * the exception instead. Any thread. */
BARROW_API BOOL WINAPI IsBadReadPtr(const void *address, UINT_PTR bytes);
BARROW_API BOOL WINAPI IsBadWritePtr(LPVOID address, UINT_PTR bytes);
BARROW_API BOOL WINAPI IsBadCodePtr(FARPROC address);
BARROW_API BOOL WINAPI IsBadStringPtrA(LPCSTR text, UINT_PTR limit);
BARROW_API BOOL WINAPI IsBadStringPtrW(LPCWSTR text, UINT_PTR limit);

#ifdef __cplusplus
}
#endif

#endif
