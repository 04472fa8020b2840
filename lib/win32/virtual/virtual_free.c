/* SPDX-License-Identifier: MIT */
/* virtual_free.c: VirtualFree: decommit and release. */
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"

/* Maps fresh, inaccessible memory over the pages: one call gives the memory back, takes its charge
 * off (which MADV_DONTNEED does not) and lets the mapping merge with its neighbours. Watched pages
 * must stay the mapping that is registered with the kernel. When mappings have run out, the pages
 * lose their contents and stay accessible; what is written to them until they are committed again is
 * dropped by virtual_alloc.c then. */
static int drop_pages(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (!area->watched && host_map_anonymous(&start, end - start, OS_NONE, OS_REPLACE) == 0)
        return 0;
    int error = host_map_discard(start, end - start);
    if (error == 0 && host_map_protect(start, end - start, OS_NONE) != 0)
        area->loose = true;
    return error;
}

static DWORD decommit(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (interval_map_get(&area->protect, start) == 0 &&
        interval_map_next(&area->protect, start, end) == end)
        return 0;
    if (!interval_map_ready())
        return ERROR_NOT_ENOUGH_MEMORY;
    int error = drop_pages(area, start, end);
    if (error != 0)
        return win32_error(error);
    area_set_protect(area, start, end, 0);
    forget_reset(area, start, end);
    locked_forget(start, end);
    return 0;
}

static DWORD decommit_range(uintptr_t address, size_t size)
{
    ASSERT(win32_lock_is_mine());
    uintptr_t start, end;
    if (!page_range(address, size, &start, &end))
        return ERROR_INVALID_PARAMETER;
    struct area *area = area_find(start);
    if (area == NULL)
        return ERROR_INVALID_ADDRESS;
    if (area->section != NULL || area->large)
        return ERROR_INVALID_PARAMETER;
    if (size == 0) {
        if (start != area_base(area))
            return ERROR_INVALID_ADDRESS;
        end = area_end(area);
    }
    return end > area_end(area) ? ERROR_INVALID_PARAMETER : decommit(area, start, end);
}

static DWORD release(uintptr_t address)
{
    ASSERT(win32_lock_is_mine());
    struct area *area = area_find(address);
    if (area == NULL)
        return ERROR_INVALID_ADDRESS;
    if (area->section != NULL)
        return ERROR_INVALID_PARAMETER;
    if (round_down(address, PAGE_BYTES) != area_base(area))
        return ERROR_INVALID_ADDRESS;
    locked_forget(area_base(area), area_end(area));
    area_retire(area);
    return 0;
}

BOOL VirtualFree(LPVOID address, SIZE_T size, DWORD type)
{
    if (type != MEM_RELEASE && type != MEM_DECOMMIT)
        return fail(ERROR_INVALID_PARAMETER);
    if (type == MEM_RELEASE && size != 0)
        return fail(ERROR_INVALID_PARAMETER);
    win32_lock();
    DWORD error = type == MEM_RELEASE ? release((uintptr_t)address)
                                      : decommit_range((uintptr_t)address, size);
    win32_unlock();
    return error != 0 ? fail(error) : TRUE;
}

BOOL VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type)
{
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    return VirtualFree(address, size, type);
}
