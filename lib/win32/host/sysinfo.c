/* SPDX-License-Identifier: MIT */
/* sysinfo.c: GetSystemInfo and its kin, the process's handle, Sleep. */
#include "win32/host/internal.h"

#include "barrow/processthreadsapi.h"
#include "barrow/synchapi.h"
#include "barrow/sysinfoapi.h"
#include "barrow/winbase.h"
#include "os/thread.h"
#include "win32/host/host_file.h"
#include "win32/host/host_process.h"

#include <string.h>

static WORD architecture(void)
{
#if defined(__x86_64__)
    return PROCESSOR_ARCHITECTURE_AMD64;
#elif defined(__aarch64__)
    return PROCESSOR_ARCHITECTURE_ARM64;
#else
    return PROCESSOR_ARCHITECTURE_UNKNOWN;
#endif
}

void GetSystemInfo(LPSYSTEM_INFO info)
{
    memset(info, 0, sizeof(*info));
    info->wProcessorArchitecture = architecture();
    info->dwPageSize = (DWORD)PAGE_BYTES;
    info->lpMinimumApplicationAddress = (LPVOID)LOWEST_ADDRESS;
    info->lpMaximumApplicationAddress = (LPVOID)HIGHEST_ADDRESS;
    info->dwActiveProcessorMask = host_processor_mask();
    info->dwNumberOfProcessors = host_processors();
    info->dwProcessorType = architecture() == PROCESSOR_ARCHITECTURE_AMD64 ? 8664 : 0;
    info->dwAllocationGranularity = GRANULE_BYTES;
}

BOOL GlobalMemoryStatusEx(LPMEMORYSTATUSEX status)
{
    struct host_memory memory;
    if (status == NULL || status->dwLength != sizeof(*status))
        return fail(ERROR_INVALID_PARAMETER);
    if (!host_memory(&memory) || memory.total == 0)
        return fail(ERROR_GEN_FAILURE);
    status->dwMemoryLoad = (DWORD)(100 - memory.available * 100 / memory.total);
    status->ullTotalPhys = memory.total;
    status->ullAvailPhys = memory.available;
    status->ullTotalPageFile = memory.total + memory.swap_total;
    status->ullAvailPageFile = memory.available + memory.swap_free;
    status->ullTotalVirtual = memory.address_space;
    status->ullAvailVirtual = memory.address_space - memory.address_space_used;
    status->ullAvailExtendedVirtual = 0;
    return TRUE;
}

void GlobalMemoryStatus(LPMEMORYSTATUS status)
{
    MEMORYSTATUSEX now = { .dwLength = sizeof(now) };
    DWORD before = GetLastError();
    memset(status, 0, sizeof(*status));
    status->dwLength = sizeof(*status);
    if (GlobalMemoryStatusEx(&now)) {
        status->dwMemoryLoad = now.dwMemoryLoad;
        status->dwTotalPhys = now.ullTotalPhys;
        status->dwAvailPhys = now.ullAvailPhys;
        status->dwTotalPageFile = now.ullTotalPageFile;
        status->dwAvailPageFile = now.ullAvailPageFile;
        status->dwTotalVirtual = now.ullTotalVirtual;
        status->dwAvailVirtual = now.ullAvailVirtual;
    }
    SetLastError(before);
}

HANDLE GetCurrentProcess(void)
{
    return (HANDLE)(LONG_PTR)-1;
}

DWORD GetCurrentProcessId(void)
{
    return (DWORD)host_process();
}

void Sleep(DWORD milliseconds)
{
    if (milliseconds == 0) {
        os_yield();
        return;
    }
    do {
        host_sleep(milliseconds);
    } while (milliseconds == INFINITE);
}
