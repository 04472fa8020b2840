/* SPDX-License-Identifier: MIT */
/* virtual_lock.c: VirtualLock, VirtualUnlock, and the bounds of the working set, of which the lower
 * one limits how much may be locked. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/host_maps.h"

/* Windows' own defaults. Of the minimum, so many pages cannot be locked. */
#define DEFAULT_MINIMUM ((SIZE_T)50 * PAGE_BYTES)
#define DEFAULT_MAXIMUM ((SIZE_T)345 * PAGE_BYTES)
#define LEAST_MINIMUM   ((SIZE_T)20 * PAGE_BYTES)
#define NOT_LOCKABLE    ((SIZE_T)8 * PAGE_BYTES)

static struct interval_map locked_pages; /* 1 where a page is locked */
static size_t locked_bytes;
static SIZE_T minimum_set, maximum_set; /* 0: the default */

static SIZE_T minimum_bytes(void)
{
    return minimum_set != 0 ? minimum_set : DEFAULT_MINIMUM;
}

static SIZE_T maximum_bytes(void)
{
    return maximum_set != 0 ? maximum_set : DEFAULT_MAXIMUM;
}

bool locked_get(uintptr_t page)
{
    ASSERT(win32_lock_is_mine());
    return interval_map_get(&locked_pages, page) != 0;
}

static size_t count_locked(uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    size_t bytes = 0;
    for (uintptr_t at = start, next; at < end; at = next) {
        next = interval_map_next(&locked_pages, at, end);
        bytes += interval_map_get(&locked_pages, at) != 0 ? next - at : 0;
    }
    return bytes;
}

void locked_forget(uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (locked_bytes == 0 || count_locked(start, end) == 0 || !interval_map_ready())
        return;
    locked_bytes -= count_locked(start, end);
    interval_map_set(&locked_pages, start, end, 0);
}

void locked_fork_child(void)
{
    interval_map_clear(&locked_pages);
    locked_bytes = 0;
}

/* A guard page makes the first lock fail and is a guard no more. */
static DWORD strip_guard(uintptr_t page, DWORD protect)
{
    ASSERT(win32_lock_is_mine());
    struct area *area = area_find(page);
    DWORD error = protect_pages(area, page, page + PAGE_BYTES, protect & ~PAGE_GUARD);
    return error != 0 ? error : STATUS_GUARD_PAGE_VIOLATION;
}

static DWORD check_lockable(uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    MEMORY_BASIC_INFORMATION info;
    for (uintptr_t at = start; at < end; at += info.RegionSize) {
        DWORD error = query_pages(at, end, &info);
        if (error != 0)
            return error;
        if (info.State != MEM_COMMIT)
            return ERROR_INVALID_ADDRESS;
        if ((info.Protect & PAGE_GUARD) != 0)
            return strip_guard(at, info.Protect);
        if (PROTECT_KIND(info.Protect) == PAGE_NOACCESS)
            return ERROR_NOACCESS;
    }
    return 0;
}

static DWORD lock_range(uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    DWORD error = check_lockable(start, end);
    if (error != 0)
        return error;
    size_t more = end - start - count_locked(start, end);
    if (locked_bytes + more > minimum_bytes() - NOT_LOCKABLE)
        return ERROR_WORKING_SET_QUOTA;
    if (!interval_map_ready())
        return ERROR_NOT_ENOUGH_MEMORY;
    if (host_map_lock_on_fault(start, end - start) != 0)
        return ERROR_WORKING_SET_QUOTA;
    interval_map_set(&locked_pages, start, end, 1);
    locked_bytes += more;
    return 0;
}

/* As on Windows, all pages of the range are unlocked even when some were not locked. */
static DWORD unlock_range(uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    size_t locked = count_locked(start, end);
    if (!interval_map_ready())
        return ERROR_NOT_ENOUGH_MEMORY;
    if (locked != 0) {
        host_map_unlock(start, end - start);
        interval_map_set(&locked_pages, start, end, 0);
        locked_bytes -= locked;
    }
    if (locked == end - start)
        return 0;
    DWORD error = check_lockable(start, end);
    return error == ERROR_INVALID_ADDRESS ? error : ERROR_NOT_LOCKED;
}

static DWORD with_range(uintptr_t start, uintptr_t end, DWORD (*act)(uintptr_t, uintptr_t))
{
    win32_lock();
    DWORD error = act(start, end);
    win32_unlock();
    return error;
}

/* Pages are locked with the lock held, which takes no time, and read in without it. */
BOOL VirtualLock(LPVOID address, SIZE_T size)
{
    uintptr_t start, end;
    if (size == 0 || !page_range((uintptr_t)address, size, &start, &end))
        return fail(ERROR_INVALID_PARAMETER);
    DWORD error = with_range(start, end, lock_range);
    if (error == 0 && host_map_lock(start, end - start) != 0) {
        with_range(start, end, unlock_range);
        error = ERROR_WORKING_SET_QUOTA;
    }
    return error != 0 ? fail(error) : TRUE;
}

/* Pages that were not locked leave the working set, which may wait for a disk. */
BOOL VirtualUnlock(LPVOID address, SIZE_T size)
{
    uintptr_t start, end;
    if (size == 0 || !page_range((uintptr_t)address, size, &start, &end))
        return fail(ERROR_INVALID_PARAMETER);
    DWORD error = with_range(start, end, unlock_range);
    if (error == ERROR_NOT_LOCKED)
        host_map_page_out(start, end - start);
    return error != 0 ? fail(error) : TRUE;
}

BOOL GetProcessWorkingSetSizeEx(HANDLE process, PSIZE_T minimum, PSIZE_T maximum, PDWORD flags)
{
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (minimum == NULL || maximum == NULL)
        return fail(ERROR_NOACCESS);
    win32_lock();
    *minimum = minimum_bytes();
    *maximum = maximum_bytes();
    win32_unlock();
    if (flags != NULL)
        *flags = 0;
    return TRUE;
}

BOOL GetProcessWorkingSetSize(HANDLE process, PSIZE_T minimum, PSIZE_T maximum)
{
    return GetProcessWorkingSetSizeEx(process, minimum, maximum, NULL);
}

static bool next_mapping(uintptr_t at, struct host_mapping *mapping)
{
    win32_lock();
    int error = host_mapping_at(at, at == 0 ? OS_MAPS_NOW : OS_MAPS_OF_A_WALK, mapping);
    win32_unlock();
    return error == 0;
}

/* Both -1: trim. Asked of every private mapping in turn, without the lock, for the kernel may wait
 * for a disk; what it refuses stays. */
static void page_out_all(void)
{
    struct host_mapping mapping;
    for (uintptr_t at = 0; next_mapping(at, &mapping); at = mapping.end) {
        if (!mapping.shared && mapping.access != OS_NONE)
            host_map_page_out(mapping.start, mapping.end - mapping.start);
    }
}

BOOL SetProcessWorkingSetSizeEx(HANDLE process, SIZE_T minimum, SIZE_T maximum, DWORD flags)
{
    (void)flags; /* hard and soft bounds: the kernel has neither */
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (minimum == (SIZE_T)-1 && maximum == (SIZE_T)-1) {
        page_out_all();
        return TRUE;
    }
    if (minimum == 0 || maximum < minimum || maximum > HIGHEST_ADDRESS)
        return fail(ERROR_INVALID_PARAMETER);
    if (minimum < LEAST_MINIMUM)
        minimum = LEAST_MINIMUM;
    if (maximum < minimum)
        maximum = minimum;
    win32_lock();
    minimum_set = minimum;
    maximum_set = maximum;
    win32_unlock();
    return TRUE;
}

BOOL SetProcessWorkingSetSize(HANDLE process, SIZE_T minimum, SIZE_T maximum)
{
    return SetProcessWorkingSetSizeEx(process, minimum, maximum, 0);
}
