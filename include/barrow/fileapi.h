/* SPDX-License-Identifier: MIT */
/* fileapi.h: files, as far as file mappings need them.
 *
 * Paths are those of the system, in UTF-8 (A) or UTF-16 (W); a backslash separates folders as a
 * slash does, and a leading \\?\ is skipped. There are no drive letters. Every call may be made
 * from any thread. FALSE or INVALID_HANDLE_VALUE on failure, with the last error set. */
#ifndef BARROW_FILEAPI_H
#define BARROW_FILEAPI_H

#include "handleapi.h"
#include "minwinbase.h"

#define CREATE_NEW        1u
#define CREATE_ALWAYS     2u
#define OPEN_EXISTING     3u
#define OPEN_ALWAYS       4u
#define TRUNCATE_EXISTING 5u

#define INVALID_FILE_SIZE        ((DWORD)0xFFFFFFFFu)
#define INVALID_SET_FILE_POINTER ((DWORD)0xFFFFFFFFu)

#define CreateFileA      barrow_CreateFileA
#define CreateFileW      barrow_CreateFileW
#define DeleteFileA      barrow_DeleteFileA
#define DeleteFileW      barrow_DeleteFileW
#define FlushFileBuffers barrow_FlushFileBuffers
#define GetFileSize      barrow_GetFileSize
#define GetFileSizeEx    barrow_GetFileSizeEx
#define ReadFile         barrow_ReadFile
#define SetEndOfFile     barrow_SetEndOfFile
#define SetFilePointer   barrow_SetFilePointer
#define SetFilePointerEx barrow_SetFilePointerEx
#define WriteFile        barrow_WriteFile

#ifdef UNICODE
#define CreateFile CreateFileW
#define DeleteFile DeleteFileW
#else
#define CreateFile CreateFileA
#define DeleteFile DeleteFileA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Opens or makes a file. share binds programs that use this library. CREATE_ALWAYS and OPEN_ALWAYS
 * set the last error to ERROR_ALREADY_EXISTS or 0 on success. flags: FILE_FLAG_DELETE_ON_CLOSE,
 * FILE_FLAG_WRITE_THROUGH, FILE_FLAG_BACKUP_SEMANTICS (for folders); FILE_ATTRIBUTE_READONLY makes
 * a new file read-only; the rest is advice and ignored. Errors: ERROR_FILE_NOT_FOUND,
 * ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED, ERROR_FILE_EXISTS, ERROR_SHARING_VIOLATION,
 * ERROR_INVALID_PARAMETER, ERROR_USER_MAPPED_FILE, ERROR_TOO_MANY_OPEN_FILES. */
BARROW_API HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share,
                                     LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                                     DWORD flags, HANDLE model);
BARROW_API HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share,
                                     LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                                     DWORD flags, HANDLE model);

/* Removes a file's name. ERROR_SHARING_VIOLATION while a handle is open without FILE_SHARE_DELETE,
 * ERROR_ACCESS_DENIED while it is mapped, and those of opening. */
BARROW_API BOOL WINAPI DeleteFileA(LPCSTR name);
BARROW_API BOOL WINAPI DeleteFileW(LPCWSTR name);

/* Reads or writes at the file's position, or at the offset in *overlapped; always synchronous.
 * Reading at the end stores 0 and is no error, but ERROR_HANDLE_EOF with overlapped.
 * Errors: ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED, ERROR_NOACCESS, ERROR_DISK_FULL,
 * ERROR_INVALID_PARAMETER (neither transferred nor overlapped is given). */
BARROW_API BOOL WINAPI ReadFile(HANDLE file, LPVOID buffer, DWORD bytes, LPDWORD transferred,
                                LPOVERLAPPED overlapped);
BARROW_API BOOL WINAPI WriteFile(HANDLE file, LPCVOID buffer, DWORD bytes, LPDWORD transferred,
                                 LPOVERLAPPED overlapped);

/* Waits until data and metadata are on the disk. ERROR_ACCESS_DENIED without GENERIC_WRITE. */
BARROW_API BOOL WINAPI FlushFileBuffers(HANDLE file);

/* The size. The first form answers INVALID_FILE_SIZE on failure, and sets the last error to
 * NO_ERROR when that is the low half of the size itself. */
BARROW_API DWORD WINAPI GetFileSize(HANDLE file, LPDWORD high);
BARROW_API BOOL WINAPI GetFileSizeEx(HANDLE file, PLARGE_INTEGER size);

/* Moves the position; method is FILE_BEGIN, FILE_CURRENT or FILE_END. ERROR_NEGATIVE_SEEK. */
BARROW_API DWORD WINAPI SetFilePointer(HANDLE file, LONG low, PLONG high, DWORD method);
BARROW_API BOOL WINAPI SetFilePointerEx(HANDLE file, LARGE_INTEGER distance,
                                        PLARGE_INTEGER position, DWORD method);

/* Cuts or extends the file to its position. ERROR_USER_MAPPED_FILE when a mapping is in the way. */
BARROW_API BOOL WINAPI SetEndOfFile(HANDLE file);

#ifdef __cplusplus
}
#endif

#endif
