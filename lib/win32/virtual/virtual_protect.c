/* SPDX-License-Identifier: MIT */
/* virtual_protect.c: VirtualProtect, on areas of ours and on memory that others mapped. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"

static DWORD protect_area(struct area *area, uintptr_t start, uintptr_t end, DWORD protect,
                          DWORD *old)
{
    MEMORY_BASIC_INFORMATION info;
    if (end > area_end(area) || !pages_committed(area, start, end))
        return ERROR_INVALID_ADDRESS;
    protect = (protect & ~PROTECT_CACHE) | (area->alloc_protect & PROTECT_CACHE);
    DWORD error = query_pages(start, start + PAGE_BYTES, &info);
    if (error != 0)
        return error;
    *old = info.Protect;
    if (area->section != NULL)
        return view_protect(area, start, end, protect);
    if ((protect & PROTECT_COPY) != 0)
        return ERROR_INVALID_PARAMETER;
    if (area->watched)
        error = watch_protecting(area, start, end);
    return error != 0 ? error : protect_pages(area, start, end, protect);
}

/* Foreign memory: all of the range must be committed, in one allocation. Guard pages would need a
 * table that the owner of the memory knows nothing of. */
static DWORD protect_foreign(uintptr_t start, uintptr_t end, DWORD protect, DWORD *old)
{
    MEMORY_BASIC_INFORMATION info;
    PVOID base = NULL;
    if ((protect & PAGE_GUARD) != 0)
        return ERROR_INVALID_PARAMETER;
    for (uintptr_t at = start; at < end; at += info.RegionSize) {
        DWORD error = query_pages(at, end, &info);
        if (error != 0)
            return error;
        if (info.State != MEM_COMMIT || (at != start && info.AllocationBase != base))
            return ERROR_INVALID_ADDRESS;
        base = info.AllocationBase;
        if (at == start)
            *old = info.Protect;
    }
    int error = host_map_protect(start, end - start, protect_access(protect));
    return error != 0 ? win32_error(error) : 0;
}

BOOL VirtualProtect(LPVOID address, SIZE_T size, DWORD protect, PDWORD old)
{
    uintptr_t start, end;
    DWORD previous = 0;
    if (old == NULL)
        return fail(ERROR_NOACCESS);
    if (size == 0 || !protect_is_valid(protect))
        return fail(ERROR_INVALID_PARAMETER);
    if (!page_range((uintptr_t)address, size, &start, &end))
        return fail(ERROR_INVALID_PARAMETER);
    win32_lock();
    struct area *area = area_find(start);
    DWORD error = area != NULL ? protect_area(area, start, end, protect, &previous)
                               : protect_foreign(start, end, protect, &previous);
    win32_unlock();
    *old = error == 0 ? previous : PAGE_NOACCESS; /* as Windows 10 does */
    return error == 0 ? TRUE : fail(error);
}

BOOL VirtualProtectEx(HANDLE process, LPVOID address, SIZE_T size, DWORD protect, PDWORD old)
{
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    return VirtualProtect(address, size, protect, old);
}
