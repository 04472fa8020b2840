/* SPDX-License-Identifier: MIT */
/* sysinfoapi.h: the sizes of pages and of the address space, the memory of the machine, the time.
 * Any thread may call these. */
#ifndef BARROW_SYSINFOAPI_H
#define BARROW_SYSINFOAPI_H

#include "errhandlingapi.h"
#include "minwinbase.h"

#define PROCESSOR_ARCHITECTURE_INTEL   0u
#define PROCESSOR_ARCHITECTURE_AMD64   9u
#define PROCESSOR_ARCHITECTURE_ARM64   12u
#define PROCESSOR_ARCHITECTURE_UNKNOWN 0xFFFFu

typedef struct _SYSTEM_INFO {
    __extension__ union {
        DWORD dwOemId;
        __extension__ struct {
            WORD wProcessorArchitecture;
            WORD wReserved;
        };
    };
    DWORD dwPageSize;
    LPVOID lpMinimumApplicationAddress;
    LPVOID lpMaximumApplicationAddress;
    DWORD_PTR dwActiveProcessorMask;
    DWORD dwNumberOfProcessors;
    DWORD dwProcessorType;
    DWORD dwAllocationGranularity;
    WORD wProcessorLevel;
    WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

typedef struct _MEMORYSTATUSEX {
    DWORD dwLength; /* set by the caller */
    DWORD dwMemoryLoad;
    DWORDLONG ullTotalPhys;
    DWORDLONG ullAvailPhys;
    DWORDLONG ullTotalPageFile;
    DWORDLONG ullAvailPageFile;
    DWORDLONG ullTotalVirtual;
    DWORDLONG ullAvailVirtual;
    DWORDLONG ullAvailExtendedVirtual;
} MEMORYSTATUSEX, *LPMEMORYSTATUSEX;

BARROW_LAYOUT(sizeof(SYSTEM_INFO) == 48);
BARROW_LAYOUT(sizeof(MEMORYSTATUSEX) == 64);

#define GetSystemInfo                  barrow_GetSystemInfo
#define GetNativeSystemInfo            barrow_GetSystemInfo
#define GlobalMemoryStatusEx           barrow_GlobalMemoryStatusEx
#define GetTickCount                   barrow_GetTickCount
#define GetTickCount64                 barrow_GetTickCount64
#define GetSystemTimeAsFileTime        barrow_GetSystemTimeAsFileTime
#define GetSystemTimePreciseAsFileTime barrow_GetSystemTimeAsFileTime
#define GetSystemTime                  barrow_GetSystemTime
#define GetLocalTime                   barrow_GetLocalTime

#ifdef __cplusplus
extern "C" {
#endif

/* Never fails. dwAllocationGranularity is 64 KiB. */
BARROW_API void WINAPI GetSystemInfo(LPSYSTEM_INFO info);

/* ERROR_INVALID_PARAMETER when dwLength is not the structure's size. "Page file" figures are the
 * kernel's commit limit and what is left of it. */
BARROW_API BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX status);

/* Milliseconds since the machine was started; the first form wraps around after 49.7 days. Never
 * fails. */
BARROW_API DWORD WINAPI GetTickCount(void);
BARROW_API ULONGLONG WINAPI GetTickCount64(void);

/* The time in UTC, as a count of 100 ns since 1601, and as a date; and local time as a date. Never
 * fails. */
BARROW_API void WINAPI GetSystemTimeAsFileTime(LPFILETIME time);
BARROW_API void WINAPI GetSystemTime(LPSYSTEMTIME time);
BARROW_API void WINAPI GetLocalTime(LPSYSTEMTIME time);

#ifdef __cplusplus
}
#endif

#endif
