/* SPDX-License-Identifier: MIT */
/* psapi.h: the process's own memory as the kernel counts it. */
#ifndef BARROW_PSAPI_H
#define BARROW_PSAPI_H

#include "errhandlingapi.h"

/* Linux has no paged or non-paged pools: the Quota figures are 0. */
typedef struct _PROCESS_MEMORY_COUNTERS {
    DWORD cb;
    DWORD PageFaultCount;              /* minor and major */
    SIZE_T PeakWorkingSetSize;         /* VmHWM */
    SIZE_T WorkingSetSize;             /* VmRSS */
    SIZE_T QuotaPeakPagedPoolUsage;    /* 0 */
    SIZE_T QuotaPagedPoolUsage;        /* 0 */
    SIZE_T QuotaPeakNonPagedPoolUsage; /* 0 */
    SIZE_T QuotaNonPagedPoolUsage;     /* 0 */
    SIZE_T PagefileUsage;              /* as PrivateUsage */
    SIZE_T PeakPagefileUsage;          /* highest PagefileUsage seen by this call */
} PROCESS_MEMORY_COUNTERS, *PPROCESS_MEMORY_COUNTERS;

typedef struct _PROCESS_MEMORY_COUNTERS_EX {
    DWORD cb;
    DWORD PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
    SIZE_T PrivateUsage; /* anonymous pages in memory and in swap */
} PROCESS_MEMORY_COUNTERS_EX, *PPROCESS_MEMORY_COUNTERS_EX;

typedef union _PSAPI_WORKING_SET_EX_BLOCK {
    ULONG_PTR Flags;
    __extension__ struct {
        ULONG_PTR Valid : 1;      /* the page is in memory; the fields below count then */
        ULONG_PTR ShareCount : 3; /* mappers known, at most 7 */
        ULONG_PTR Win32Protection : 11;
        ULONG_PTR Shared : 1; /* a page of a file or of shared memory */
        ULONG_PTR Node : 6;   /* 0 */
        ULONG_PTR Locked : 1;
        ULONG_PTR LargePage : 1;
        ULONG_PTR Reserved : 7;
        ULONG_PTR Bad : 1; /* 0 */
        ULONG_PTR ReservedUlong : 32;
    };
} PSAPI_WORKING_SET_EX_BLOCK, *PPSAPI_WORKING_SET_EX_BLOCK;

typedef struct _PSAPI_WORKING_SET_EX_INFORMATION {
    PVOID VirtualAddress;
    PSAPI_WORKING_SET_EX_BLOCK VirtualAttributes;
} PSAPI_WORKING_SET_EX_INFORMATION, *PPSAPI_WORKING_SET_EX_INFORMATION;

typedef union _PSAPI_WORKING_SET_BLOCK {
    ULONG_PTR Flags;
    __extension__ struct {
        ULONG_PTR
        Protection : 5; /* 1 read, 2 execute, 4 write, 5 copy on write, 8 no cache, 16 guard */
        ULONG_PTR ShareCount : 3;
        ULONG_PTR Shared : 1;
        ULONG_PTR Reserved : 3;
        ULONG_PTR VirtualPage : 52; /* the address / 4096 */
    };
} PSAPI_WORKING_SET_BLOCK, *PPSAPI_WORKING_SET_BLOCK;

typedef struct _PSAPI_WORKING_SET_INFORMATION {
    ULONG_PTR NumberOfEntries;
    PSAPI_WORKING_SET_BLOCK WorkingSetInfo[1];
} PSAPI_WORKING_SET_INFORMATION, *PPSAPI_WORKING_SET_INFORMATION;

BARROW_LAYOUT(sizeof(PSAPI_WORKING_SET_BLOCK) == 8);
BARROW_LAYOUT(sizeof(PROCESS_MEMORY_COUNTERS) == 72);
BARROW_LAYOUT(sizeof(PROCESS_MEMORY_COUNTERS_EX) == 80);
BARROW_LAYOUT(sizeof(PSAPI_WORKING_SET_EX_INFORMATION) == 16);

/* The names under which kernel32 has them. */
#define K32GetProcessMemoryInfo barrow_GetProcessMemoryInfo
#define K32QueryWorkingSetEx    barrow_QueryWorkingSetEx
#define K32EmptyWorkingSet      barrow_EmptyWorkingSet
#define GetProcessMemoryInfo    barrow_GetProcessMemoryInfo
#define QueryWorkingSetEx       barrow_QueryWorkingSetEx
#define EmptyWorkingSet         barrow_EmptyWorkingSet
#define QueryWorkingSet         barrow_QueryWorkingSet
#define GetMappedFileNameA      barrow_GetMappedFileNameA
#define GetMappedFileNameW      barrow_GetMappedFileNameW
#define K32QueryWorkingSet      barrow_QueryWorkingSet
#define K32GetMappedFileNameA   barrow_GetMappedFileNameA
#define K32GetMappedFileNameW   barrow_GetMappedFileNameW

#ifdef UNICODE
#define GetMappedFileName GetMappedFileNameW
#else
#define GetMappedFileName GetMappedFileNameA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Fills in the plain or, when size is large enough, the _EX form. ERROR_INSUFFICIENT_BUFFER,
 * ERROR_INVALID_HANDLE (not the calling process). */
BARROW_API BOOL WINAPI GetProcessMemoryInfo(HANDLE process, PPROCESS_MEMORY_COUNTERS counters,
                                            DWORD size);

/* For each entry's address, whether the page is in memory, and how; from /proc/self/pagemap.
 * ERROR_BAD_LENGTH (size is no whole number of entries), ERROR_INVALID_HANDLE. */
BARROW_API BOOL WINAPI QueryWorkingSetEx(HANDLE process, PVOID buffer, DWORD size);

/* Lists the process's pages that are in memory. NumberOfEntries becomes their number, also when the
 * buffer is too small for all of them: ERROR_BAD_LENGTH. ERROR_INVALID_HANDLE, ERROR_NOACCESS. */
BARROW_API BOOL WINAPI QueryWorkingSet(HANDLE process, PVOID buffer, DWORD size);

/* The path of the file whose view is mapped at the address, as the kernel knows it; cut to the
 * buffer. Returns the number of characters, or 0: ERROR_UNEXP_NET_ERR (no view is there),
 * ERROR_FILE_INVALID (a view of memory), ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (buffer is
 * NULL), ERROR_INSUFFICIENT_BUFFER (size is 0). */
BARROW_API DWORD WINAPI GetMappedFileNameA(HANDLE process, LPVOID address, LPSTR buffer,
                                           DWORD size);
BARROW_API DWORD WINAPI GetMappedFileNameW(HANDLE process, LPVOID address, LPWSTR buffer,
                                           DWORD size);

/* Asks the kernel to page out what it can. ERROR_INVALID_HANDLE. */
BARROW_API BOOL WINAPI EmptyWorkingSet(HANDLE process);

#ifdef __cplusplus
}
#endif

#endif
