/* SPDX-License-Identifier: MIT */
/* sysinfoapi.h: the sizes of pages and of the address space, the memory of the machine. */
#ifndef BARROW_SYSINFOAPI_H
#define BARROW_SYSINFOAPI_H

#include "errhandlingapi.h"

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

#define GetSystemInfo        barrow_GetSystemInfo
#define GetNativeSystemInfo  barrow_GetSystemInfo
#define GlobalMemoryStatusEx barrow_GlobalMemoryStatusEx

#ifdef __cplusplus
extern "C" {
#endif

/* Never fails. dwAllocationGranularity is 64 KiB. */
BARROW_API void WINAPI GetSystemInfo(LPSYSTEM_INFO info);

/* ERROR_INVALID_PARAMETER when dwLength is not the structure's size. "Page file" figures are the
 * kernel's commit limit and what is left of it. */
BARROW_API BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX status);

#ifdef __cplusplus
}
#endif

#endif
