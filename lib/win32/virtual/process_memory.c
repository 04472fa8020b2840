/* SPDX-License-Identifier: MIT */
/* process_memory.c: GetProcessMemoryInfo, QueryWorkingSetEx, EmptyWorkingSet. */
#include "win32/virtual/virtual.h"

#include "barrow/psapi.h"
#include "win32/host/host_map.h"
#include "win32/host/host_process.h"

#include <stdatomic.h>
#include <string.h>

static _Atomic uint64_t private_peak;

static uint64_t raise_peak(uint64_t now)
{
    uint64_t peak = atomic_load(&private_peak);
    while (now > peak && !atomic_compare_exchange_weak(&private_peak, &peak, now))
        continue;
    return now > peak ? now : peak;
}

BOOL GetProcessMemoryInfo(HANDLE process, PPROCESS_MEMORY_COUNTERS counters, DWORD size)
{
    PROCESS_MEMORY_COUNTERS_EX all;
    struct host_counters now;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (size < sizeof(PROCESS_MEMORY_COUNTERS))
        return fail(ERROR_INSUFFICIENT_BUFFER);
    if (counters == NULL)
        return fail(ERROR_NOACCESS);
    if (!host_counters(&now))
        return fail(ERROR_GEN_FAILURE);
    size = size < sizeof(all) ? sizeof(PROCESS_MEMORY_COUNTERS) : sizeof(all);
    memset(&all, 0, sizeof(all));
    all.cb = size;
    all.PageFaultCount = (DWORD)now.page_faults;
    all.WorkingSetSize = now.resident;
    all.PeakWorkingSetSize = now.resident_peak > now.resident ? now.resident_peak : now.resident;
    all.PagefileUsage = all.PrivateUsage = now.private_bytes;
    all.PeakPagefileUsage = raise_peak(now.private_bytes);
    memcpy(counters, &all, size);
    return TRUE;
}

/* The views of this process that show the same page of a section, at most 7, as Windows counts. */
static ULONG_PTR share_count(const MEMORY_BASIC_INFORMATION *info)
{
    return info->Type == MEM_PRIVATE ? 0 : 1;
}

static void describe_page(uintptr_t page, PSAPI_WORKING_SET_EX_BLOCK *block)
{
    MEMORY_BASIC_INFORMATION info;
    uint64_t word;
    block->Flags = 0;
    if (page >= END_OF_USER || query_pages(page, page + PAGE_BYTES, &info) != 0 ||
        info.State != MEM_COMMIT)
        return;
    if (host_pagemap_read(page, 1, &word) != 0 || (word & OS_PAGE_PRESENT) == 0)
        return;
    struct area *area = area_find(page);
    block->Valid = 1;
    block->ShareCount = share_count(&info) & 7;
    block->Win32Protection = info.Protect & 0x7FF;
    block->Shared = (word & OS_PAGE_SHARED) != 0;
    block->Locked = locked_get(page);
    block->LargePage = area != NULL && area->large;
}

BOOL QueryWorkingSetEx(HANDLE process, PVOID buffer, DWORD size)
{
    PSAPI_WORKING_SET_EX_INFORMATION *entries = buffer;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (size % sizeof(*entries) != 0 || size == 0)
        return fail(ERROR_BAD_LENGTH);
    if (buffer == NULL)
        return fail(ERROR_NOACCESS);
    buffer_touch(buffer, size);
    win32_lock();
    for (size_t i = 0; i < size / sizeof(*entries); i++) {
        uintptr_t page = round_down((uintptr_t)entries[i].VirtualAddress, PAGE_BYTES);
        describe_page(page, &entries[i].VirtualAttributes);
    }
    win32_unlock();
    return TRUE;
}

BOOL EmptyWorkingSet(HANDLE process)
{
    return SetProcessWorkingSetSize(process, (SIZE_T)-1, (SIZE_T)-1);
}
