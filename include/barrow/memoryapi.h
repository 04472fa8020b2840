/* SPDX-License-Identifier: MIT */
/* memoryapi.h: virtual memory and views of file mappings.
 *
 * Source: Microsoft's documentation of memoryapi.h; where the documentation is silent, what Windows
 * is seen to do. Every call may be made from any thread, and from a signal handler that runs for a
 * fault on the memory itself (commit on fault). BOOL results are FALSE, pointers NULL on failure,
 * with the last error set; a successful call keeps the last error, unless said otherwise.
 * Pages are as large as the system's (GetSystemInfo); reservations start at multiples of 64 KiB.
 *
 * A thread that blocks SIGSEGV is killed by the kernel when it touches a guard page. Pages of a
 * SEC_RESERVE mapping that another process has committed work there too, if the mapping has a name
 * and the kernel allows userfaultfd (Linux 5.11); else once VirtualQuery has shown them as
 * committed. */
#ifndef BARROW_MEMORYAPI_H
#define BARROW_MEMORYAPI_H

#include "errhandlingapi.h"

#define FILE_MAP_COPY        0x00000001u
#define FILE_MAP_WRITE       SECTION_MAP_WRITE
#define FILE_MAP_READ        SECTION_MAP_READ
#define FILE_MAP_ALL_ACCESS  SECTION_ALL_ACCESS
#define FILE_MAP_EXECUTE     0x00000020u
#define FILE_MAP_RESERVE     0x80000000u
#define FILE_MAP_LARGE_PAGES 0x20000000u

#define WRITE_WATCH_FLAG_RESET 0x01u

#define MEM_UNMAP_WITH_TRANSIENT_BOOST 0x00000001u
#define NUMA_NO_PREFERRED_NODE         0xFFFFFFFFu

typedef enum OFFER_PRIORITY {
    VmOfferPriorityVeryLow = 1,
    VmOfferPriorityLow,
    VmOfferPriorityBelowNormal,
    VmOfferPriorityNormal
} OFFER_PRIORITY;

typedef struct _WIN32_MEMORY_RANGE_ENTRY {
    PVOID VirtualAddress;
    SIZE_T NumberOfBytes;
} WIN32_MEMORY_RANGE_ENTRY, *PWIN32_MEMORY_RANGE_ENTRY;

#define VirtualAlloc               barrow_VirtualAlloc
#define VirtualAllocEx             barrow_VirtualAllocEx
#define VirtualAlloc2              barrow_VirtualAlloc2
#define VirtualFree                barrow_VirtualFree
#define VirtualFreeEx              barrow_VirtualFreeEx
#define VirtualProtect             barrow_VirtualProtect
#define VirtualProtectEx           barrow_VirtualProtectEx
#define VirtualQuery               barrow_VirtualQuery
#define VirtualQueryEx             barrow_VirtualQueryEx
#define VirtualLock                barrow_VirtualLock
#define VirtualUnlock              barrow_VirtualUnlock
#define GetWriteWatch              barrow_GetWriteWatch
#define ResetWriteWatch            barrow_ResetWriteWatch
#define DiscardVirtualMemory       barrow_DiscardVirtualMemory
#define OfferVirtualMemory         barrow_OfferVirtualMemory
#define ReclaimVirtualMemory       barrow_ReclaimVirtualMemory
#define PrefetchVirtualMemory      barrow_PrefetchVirtualMemory
#define GetLargePageMinimum        barrow_GetLargePageMinimum
#define CreateFileMappingW         barrow_CreateFileMappingW
#define OpenFileMappingW           barrow_OpenFileMappingW
#define MapViewOfFile              barrow_MapViewOfFile
#define MapViewOfFileEx            barrow_MapViewOfFileEx
#define UnmapViewOfFile            barrow_UnmapViewOfFile
#define FlushViewOfFile            barrow_FlushViewOfFile
#define GetProcessWorkingSetSize   barrow_GetProcessWorkingSetSize
#define GetProcessWorkingSetSizeEx barrow_GetProcessWorkingSetSizeEx
#define SetProcessWorkingSetSize   barrow_SetProcessWorkingSetSize
#define SetProcessWorkingSetSizeEx barrow_SetProcessWorkingSetSizeEx
#define VirtualAllocExNuma         barrow_VirtualAllocExNuma
#define VirtualAllocFromApp        barrow_VirtualAllocFromApp
#define VirtualAlloc2FromApp       barrow_VirtualAlloc2FromApp
#define VirtualProtectFromApp      barrow_VirtualProtectFromApp
#define MapViewOfFile2             barrow_MapViewOfFile2
#define MapViewOfFile3             barrow_MapViewOfFile3
#define MapViewOfFile3FromApp      barrow_MapViewOfFile3FromApp
#define MapViewOfFileNuma2         barrow_MapViewOfFileNuma2
#define MapViewOfFileExNuma        barrow_MapViewOfFileExNuma
#define MapViewOfFileFromApp       barrow_MapViewOfFileFromApp
#define UnmapViewOfFile2           barrow_UnmapViewOfFile2
#define UnmapViewOfFileEx          barrow_UnmapViewOfFileEx
#define CreateFileMappingNumaA     barrow_CreateFileMappingNumaA
#define CreateFileMappingNumaW     barrow_CreateFileMappingNumaW
#define CreateFileMappingFromApp   barrow_CreateFileMappingFromApp
#define CreateFileMapping2         barrow_CreateFileMapping2
#define OpenFileMappingFromApp     barrow_OpenFileMappingFromApp
#define ReadProcessMemory          barrow_ReadProcessMemory
#define WriteProcessMemory         barrow_WriteProcessMemory

#ifdef UNICODE
#define CreateFileMapping     CreateFileMappingW
#define OpenFileMapping       OpenFileMappingW
#define CreateFileMappingNuma CreateFileMappingNumaW
#else
#define CreateFileMapping     CreateFileMappingA
#define OpenFileMapping       OpenFileMappingA
#define CreateFileMappingNuma CreateFileMappingNumaA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Reserves, commits, or resets pages.
 * type: MEM_RESERVE and/or MEM_COMMIT, or MEM_RESET or MEM_RESET_UNDO alone; with MEM_RESERVE also
 * MEM_TOP_DOWN, MEM_WRITE_WATCH, MEM_LARGE_PAGES. Commit without an address reserves as well.
 * Result: the start of the pages concerned. Errors: ERROR_INVALID_PARAMETER (size, type,
 * protection, address), ERROR_INVALID_ADDRESS (taken, or not reserved in one piece),
 * ERROR_NOT_ENOUGH_MEMORY (address space), ERROR_COMMITMENT_LIMIT (memory), ERROR_NOT_SUPPORTED
 * (MEM_PHYSICAL; MEM_WRITE_WATCH where the kernel cannot), ERROR_NO_SYSTEM_RESOURCES (large pages),
 * ERROR_ACCESS_DENIED (commit in a view of a file), ERROR_GEN_FAILURE (MEM_RESET_UNDO came too
 * late). */
BARROW_API LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protect);

/* The same for the calling process; any other process is ERROR_INVALID_HANDLE. */
BARROW_API LPVOID WINAPI VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
                                        DWORD protect);

/* The same with bounds and alignment for the address (MemExtendedParameterAddressRequirements; with
 * it address must be NULL). process NULL is the calling one. Placeholders: ERROR_NOT_SUPPORTED. */
BARROW_API PVOID WINAPI VirtualAlloc2(HANDLE process, PVOID address, SIZE_T size, ULONG type,
                                      ULONG protect, MEM_EXTENDED_PARAMETER *parameters,
                                      ULONG parameter_count);

/* MEM_DECOMMIT gives pages back and keeps the addresses; MEM_RELEASE gives all of a reservation
 * back (size must be 0). Errors: ERROR_INVALID_PARAMETER, ERROR_INVALID_ADDRESS. */
BARROW_API BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type);
BARROW_API BOOL WINAPI VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type);

/* Changes the protection of committed pages of one allocation, all or none; the old protection of
 * the first page goes to *old. Errors: ERROR_INVALID_PARAMETER, ERROR_INVALID_ADDRESS,
 * ERROR_NOACCESS (old is NULL). */
BARROW_API BOOL WINAPI VirtualProtect(LPVOID address, SIZE_T size, DWORD protect, PDWORD old);
BARROW_API BOOL WINAPI VirtualProtectEx(HANDLE process, LPVOID address, SIZE_T size, DWORD protect,
                                        PDWORD old);

/* What is at an address, for any memory of the process: what this library mapped, from its tables;
 * all else as the kernel tells it. Result: bytes stored, or 0 with ERROR_BAD_LENGTH or
 * ERROR_INVALID_PARAMETER. */
BARROW_API SIZE_T WINAPI VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION buffer,
                                      SIZE_T length);
BARROW_API SIZE_T WINAPI VirtualQueryEx(HANDLE process, LPCVOID address,
                                        PMEMORY_BASIC_INFORMATION buffer, SIZE_T length);

/* Keeps pages in memory, or no longer. No count is kept. Errors: ERROR_WORKING_SET_QUOTA (the
 * minimum working set, see SetProcessWorkingSetSize, or RLIMIT_MEMLOCK), ERROR_INVALID_ADDRESS (not
 * committed), ERROR_NOACCESS, STATUS_GUARD_PAGE_VIOLATION (once), ERROR_NOT_LOCKED. */
BARROW_API BOOL WINAPI VirtualLock(LPVOID address, SIZE_T size);
BARROW_API BOOL WINAPI VirtualUnlock(LPVOID address, SIZE_T size);

/* The pages of a MEM_WRITE_WATCH reservation that were written since the last reset, ascending; at
 * most *count, which becomes the number stored. 0, or ~0 with ERROR_INVALID_PARAMETER or
 * ERROR_NOACCESS. After a fork the child's reservations are no longer watched: it sees every page
 * as written. */
BARROW_API UINT WINAPI GetWriteWatch(DWORD flags, PVOID base, SIZE_T size, PVOID *addresses,
                                     ULONG_PTR *count, LPDWORD granularity);
BARROW_API UINT WINAPI ResetWriteWatch(LPVOID base, SIZE_T size);

/* Contents no longer needed (undefined from now on, memory given back at once); needed only if
 * there is memory; needed again; and soon needed. Result: ERROR_SUCCESS or the error, the last error
 * is left alone. Ranges must be whole pages that are committed and, for the first three, private
 * and writable. ReclaimVirtualMemory: ERROR_BUSY when contents were lost. */
BARROW_API DWORD WINAPI DiscardVirtualMemory(PVOID address, SIZE_T size);
BARROW_API DWORD WINAPI OfferVirtualMemory(PVOID address, SIZE_T size, OFFER_PRIORITY priority);
BARROW_API DWORD WINAPI ReclaimVirtualMemory(const void *address, SIZE_T size);
BARROW_API BOOL WINAPI PrefetchVirtualMemory(HANDLE process, ULONG_PTR count,
                                             PWIN32_MEMORY_RANGE_ENTRY ranges, ULONG flags);

/* The size of a large page, 0 when the system keeps none ready. */
BARROW_API SIZE_T WINAPI GetLargePageMinimum(void);

/* A mapping of a file, or of zeroed memory when file is INVALID_HANDLE_VALUE; found by others
 * through its name. On success the last error becomes 0, or ERROR_ALREADY_EXISTS when the name was
 * there and its mapping was opened. NULL on failure: ERROR_INVALID_PARAMETER, ERROR_INVALID_HANDLE,
 * ERROR_FILE_INVALID (empty file), ERROR_ACCESS_DENIED, ERROR_NOT_ENOUGH_MEMORY, ERROR_DISK_FULL,
 * ERROR_BAD_EXE_FORMAT, ERROR_COMMITMENT_LIMIT, ERROR_PATH_NOT_FOUND (a name with a backslash). */
BARROW_API HANDLE WINAPI CreateFileMappingW(HANDLE file, LPSECURITY_ATTRIBUTES attributes,
                                            DWORD protect, DWORD size_high, DWORD size_low,
                                            LPCWSTR name);

/* A handle of the mapping of that name, good for the access asked for. NULL:
 * ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER, ERROR_ACCESS_DENIED. */
BARROW_API HANDLE WINAPI OpenFileMappingW(DWORD access, BOOL inherit, LPCWSTR name);

/* Makes a part of a mapping visible in memory. The offset is a multiple of 64 KiB; size 0 means to
 * the end. NULL: ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED (rights, or beyond the end),
 * ERROR_MAPPED_ALIGNMENT, ERROR_INVALID_ADDRESS, ERROR_INVALID_PARAMETER, ERROR_NOT_ENOUGH_MEMORY.
 */
BARROW_API LPVOID WINAPI MapViewOfFile(HANDLE mapping, DWORD access, DWORD offset_high,
                                       DWORD offset_low, SIZE_T size);
BARROW_API LPVOID WINAPI MapViewOfFileEx(HANDLE mapping, DWORD access, DWORD offset_high,
                                         DWORD offset_low, SIZE_T size, LPVOID address);

/* Takes a view away, by any address in it. ERROR_INVALID_ADDRESS. */
BARROW_API BOOL WINAPI UnmapViewOfFile(LPCVOID address);

/* The same with a page protection in place of an access, and with the offset as one number. process
 * is the calling one. type: 0, or MEM_RESERVE or MEM_TOP_DOWN, which have no effect here;
 * placeholders and large pages are ERROR_NOT_SUPPORTED. protect: PAGE_NOACCESS, or one that is within
 * the mapping's (else ERROR_ACCESS_DENIED), without modifiers (else ERROR_INVALID_PARAMETER). The
 * node of memory is ignored, and so are the parameters MemExtendedParameterNumaNode and
 * MemExtendedParameterAttributeFlags; MemExtendedParameterAddressRequirements is
 * ERROR_NOT_SUPPORTED. The forms FromApp refuse executable memory with ERROR_INVALID_PARAMETER. */
BARROW_API PVOID WINAPI MapViewOfFile2(HANDLE mapping, HANDLE process, ULONG64 offset,
                                       PVOID address, SIZE_T size, ULONG type, ULONG protect);
BARROW_API PVOID WINAPI MapViewOfFileNuma2(HANDLE mapping, HANDLE process, ULONG64 offset,
                                           PVOID address, SIZE_T size, ULONG type, ULONG protect,
                                           ULONG node);
BARROW_API PVOID WINAPI MapViewOfFile3(HANDLE mapping, HANDLE process, PVOID address,
                                       ULONG64 offset, SIZE_T size, ULONG type, ULONG protect,
                                       MEM_EXTENDED_PARAMETER *parameters, ULONG parameter_count);
BARROW_API PVOID WINAPI MapViewOfFile3FromApp(HANDLE mapping, HANDLE process, PVOID address,
                                              ULONG64 offset, SIZE_T size, ULONG type,
                                              ULONG protect, MEM_EXTENDED_PARAMETER *parameters,
                                              ULONG parameter_count);

/* MapViewOfFileEx with a node of memory, which is ignored; and MapViewOfFile with the offset as one
 * number and without FILE_MAP_EXECUTE (ERROR_INVALID_PARAMETER). */
BARROW_API LPVOID WINAPI MapViewOfFileExNuma(HANDLE mapping, DWORD access, DWORD offset_high,
                                             DWORD offset_low, SIZE_T size, LPVOID address,
                                             DWORD node);
BARROW_API PVOID WINAPI MapViewOfFileFromApp(HANDLE mapping, ULONG access, ULONG64 offset,
                                             SIZE_T size);

/* UnmapViewOfFile with flags: MEM_UNMAP_WITH_TRANSIENT_BOOST has no effect, MEM_PRESERVE_PLACEHOLDER
 * is ERROR_NOT_SUPPORTED, others are ERROR_INVALID_PARAMETER. */
BARROW_API BOOL WINAPI UnmapViewOfFileEx(PVOID address, ULONG flags);
BARROW_API BOOL WINAPI UnmapViewOfFile2(HANDLE process, PVOID address, ULONG flags);

/* CreateFileMapping with a node of memory (ignored), with the size as one number and without
 * executable protections, and with protection and SEC_ flags apart; access is ignored, since it
 * follows from the protection. OpenFileMappingFromApp is OpenFileMappingW. */
BARROW_API HANDLE WINAPI CreateFileMappingNumaA(HANDLE file, LPSECURITY_ATTRIBUTES attributes,
                                                DWORD protect, DWORD size_high, DWORD size_low,
                                                LPCSTR name, DWORD node);
BARROW_API HANDLE WINAPI CreateFileMappingNumaW(HANDLE file, LPSECURITY_ATTRIBUTES attributes,
                                                DWORD protect, DWORD size_high, DWORD size_low,
                                                LPCWSTR name, DWORD node);
BARROW_API HANDLE WINAPI CreateFileMappingFromApp(HANDLE file, PSECURITY_ATTRIBUTES attributes,
                                                  ULONG protect, ULONG64 size, PCWSTR name);
BARROW_API HANDLE WINAPI CreateFileMapping2(HANDLE file, SECURITY_ATTRIBUTES *attributes,
                                            ULONG access, ULONG protect, ULONG flags, ULONG64 size,
                                            PCWSTR name, MEM_EXTENDED_PARAMETER *parameters,
                                            ULONG parameter_count);
BARROW_API HANDLE WINAPI OpenFileMappingFromApp(ULONG access, BOOL inherit, PCWSTR name);

/* VirtualAllocEx with a node of memory, which is ignored. The forms FromApp refuse executable memory
 * with ERROR_INVALID_PARAMETER. */
BARROW_API LPVOID WINAPI VirtualAllocExNuma(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
                                            DWORD protect, DWORD node);
BARROW_API PVOID WINAPI VirtualAllocFromApp(PVOID address, SIZE_T size, ULONG type, ULONG protect);
BARROW_API PVOID WINAPI VirtualAlloc2FromApp(HANDLE process, PVOID address, SIZE_T size, ULONG type,
                                             ULONG protect, MEM_EXTENDED_PARAMETER *parameters,
                                             ULONG parameter_count);
BARROW_API BOOL WINAPI VirtualProtectFromApp(PVOID address, SIZE_T size, ULONG protect, PULONG old);

/* Copy between the caller's buffer and another address of the calling process, up to the first byte
 * that cannot be accessed; the number of bytes goes to the last argument unless that is NULL. Memory
 * that may be executed can be written without being writable. FALSE: ERROR_INVALID_HANDLE (another
 * process), ERROR_PARTIAL_COPY (the address cannot be read, or not all of it can be written),
 * ERROR_NOACCESS (the buffer, or memory that is not writable), ERROR_INVALID_ADDRESS (a write to
 * memory that is not committed), ERROR_ACCESS_DENIED or ERROR_NOT_SUPPORTED (a sandbox forbids the
 * system call). */
BARROW_API BOOL WINAPI ReadProcessMemory(HANDLE process, LPCVOID address, LPVOID buffer,
                                         SIZE_T bytes, SIZE_T *read);
BARROW_API BOOL WINAPI WriteProcessMemory(HANDLE process, LPVOID address, LPCVOID buffer,
                                          SIZE_T bytes, SIZE_T *written);

/* Starts writing changed pages of a view to its file; size 0 means to the end of the view.
 * ERROR_INVALID_ADDRESS. */
BARROW_API BOOL WINAPI FlushViewOfFile(LPCVOID address, SIZE_T size);

/* The working set's bounds: the minimum bounds VirtualLock, the maximum is only kept. Both
 * (SIZE_T)-1 asks the kernel to page the process out. ERROR_INVALID_PARAMETER (maximum below
 * minimum), ERROR_INVALID_HANDLE, ERROR_NOACCESS. */
BARROW_API BOOL WINAPI GetProcessWorkingSetSize(HANDLE process, PSIZE_T minimum, PSIZE_T maximum);
BARROW_API BOOL WINAPI GetProcessWorkingSetSizeEx(HANDLE process, PSIZE_T minimum, PSIZE_T maximum,
                                                  PDWORD flags);
BARROW_API BOOL WINAPI SetProcessWorkingSetSize(HANDLE process, SIZE_T minimum, SIZE_T maximum);
BARROW_API BOOL WINAPI SetProcessWorkingSetSizeEx(HANDLE process, SIZE_T minimum, SIZE_T maximum,
                                                  DWORD flags);

#ifdef __cplusplus
}
#endif

#endif
