/* SPDX-License-Identifier: MIT */
/* virtual_query.c: VirtualQuery. Memory of ours is answered from the table of areas; all other from
 * the kernel's list of mappings, cut where an area of ours begins: the kernel may have merged one
 * of ours and one of the program's into one mapping. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/host_maps.h"

#include <errno.h>
#include <string.h>

static DWORD query_area(struct area *area, uintptr_t page, uintptr_t limit,
                        MEMORY_BASIC_INFORMATION *info)
{
    ASSERT(win32_lock_is_mine() && limit > page);
    uintptr_t end = limit < area_end(area) ? round_up(limit, PAGE_BYTES) : area_end(area);
    DWORD protect, error = 0;
    if (area->section != NULL) {
        error = view_run(area, page, &end, &protect);
        if (error == 0 && protect != 0 && !view_is_open(area, page))
            view_open_run(area, page);
    } else {
        protect = interval_map_get(&area->protect, page);
        end = interval_map_next(&area->protect, page, end);
    }
    info->AllocationBase = (PVOID)area_base(area);
    info->AllocationProtect = area->alloc_protect;
    info->RegionSize = end - page;
    info->State = protect != 0 ? MEM_COMMIT : MEM_RESERVE;
    info->Protect = protect;
    info->Type = area->section != NULL ? MEM_MAPPED : MEM_PRIVATE;
    return error;
}

static void query_free(uintptr_t page, uintptr_t end, MEMORY_BASIC_INFORMATION *info)
{
    ASSERT(win32_lock_is_mine());
    info->RegionSize = end - page;
    info->State = MEM_FREE;
    info->Protect = PAGE_NOACCESS;
}

/* A module's segments lie one behind the other and are mapped from one file: its base is where the
 * first of them begins, and it is a module when one of them is executable. */
static bool same_file(const struct host_mapping *a, const struct host_mapping *b)
{
    return a->inode == b->inode && a->device == b->device && !a->shared && !b->shared;
}

static void find_module(const struct host_mapping *mapping, uintptr_t *base, bool *image)
{
    ASSERT(win32_lock_is_mine());
    struct host_mapping other;
    *base = mapping->start;
    *image = (mapping->access & OS_EXEC) != 0;
    while (host_mapping_at(*base - 1, OS_MAPS_SAME, &other) == 0 && other.end == *base &&
           same_file(mapping, &other)) {
        *base = other.start;
        *image |= (other.access & OS_EXEC) != 0;
    }
    uintptr_t end = mapping->end;
    while (!*image && host_mapping_at(end, OS_MAPS_SAME, &other) == 0 && other.start == end &&
           same_file(mapping, &other)) {
        end = other.end;
        *image = (other.access & OS_EXEC) != 0;
    }
}

static void query_mapping(const struct host_mapping *mapping, uintptr_t low, uintptr_t high,
                          uintptr_t page, MEMORY_BASIC_INFORMATION *info)
{
    uintptr_t base = mapping->start;
    uintptr_t end = mapping->end < high ? mapping->end : high;
    bool image = false;
    bool file = mapping->inode != 0;
    if (file && !mapping->shared)
        find_module(mapping, &base, &image);
    bool reserved = mapping->access == OS_NONE && !file;
    DWORD protect = protect_of_access(mapping->access, file && !mapping->shared);
    info->AllocationBase = (PVOID)(base > low ? base : low);
    info->AllocationProtect = protect;
    info->RegionSize = end - page;
    info->State = reserved ? MEM_RESERVE : MEM_COMMIT;
    info->Protect = reserved ? 0 : protect;
    info->Type = image ? MEM_IMAGE : (file ? MEM_MAPPED : MEM_PRIVATE);
}

/* Where the last answer that this thread got ended, and what the table of areas was then: a query
 * from there on continues a walk over the address space. */
static THREAD_LOCAL struct {
    uintptr_t next;
    uint64_t changes;
} walk;

static enum host_maps_age age_wanted(uintptr_t page)
{
    bool continues = page != 0 && page == walk.next && walk.changes == area_changes();
    return continues ? OS_MAPS_OF_A_WALK : OS_MAPS_NOW;
}

static void note_answer(const MEMORY_BASIC_INFORMATION *info)
{
    walk.next = (uintptr_t)info->BaseAddress + info->RegionSize;
    walk.changes = area_changes();
    if (walk.next >= END_OF_USER)
        host_maps_forget();
}

/* low and high: the gap between areas of ours that the page lies in. */
static DWORD query_gap(uintptr_t page, uintptr_t low, uintptr_t high, enum host_maps_age age,
                       MEMORY_BASIC_INFORMATION *info)
{
    struct host_mapping mapping;
    int error = host_mapping_at(page > low ? page : low, age, &mapping);
    if (error != 0 && error != ENOENT)
        return ERROR_GEN_FAILURE;
    if (high > END_OF_USER)
        high = END_OF_USER;
    if (error == 0 && mapping.start <= page)
        query_mapping(&mapping, low, high, page, info);
    else
        query_free(page, error == 0 && mapping.start < high ? mapping.start : high, info);
    return 0;
}

DWORD query_pages(uintptr_t address, uintptr_t limit, MEMORY_BASIC_INFORMATION *info)
{
    uintptr_t page = round_down(address, PAGE_BYTES);
    memset(info, 0, sizeof(*info));
    info->BaseAddress = (PVOID)page;
    struct area *area = area_spanning(page);
    if (area != NULL && page < area_end(area))
        return query_area(area, page, limit, info);
    uintptr_t high = area_next_start(page), leftover = area_leftover_end(page);
    if (leftover != 0) {
        query_free(page, leftover, info);
        return 0;
    }
    if (area == NULL)
        return query_gap(page, area_previous_end(page), high, age_wanted(page), info);
    /* The rest of an area's last granule is free, and so may be what follows. */
    uintptr_t low = area_base(area) + area->span;
    MEMORY_BASIC_INFORMATION next;
    query_free(page, low, info);
    if (low < high && query_gap(low, low, high, age_wanted(page), &next) == 0 &&
        next.State == MEM_FREE)
        info->RegionSize += next.RegionSize;
    return 0;
}

SIZE_T VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION buffer, SIZE_T length)
{
    MEMORY_BASIC_INFORMATION info;
    if ((uintptr_t)address >= END_OF_USER)
        return (SIZE_T)fail(ERROR_INVALID_PARAMETER);
    if (length < sizeof(info))
        return (SIZE_T)fail(ERROR_BAD_LENGTH);
    if (buffer == NULL)
        return (SIZE_T)fail(ERROR_NOACCESS);
    win32_lock();
    DWORD error = query_pages((uintptr_t)address, END_OF_USER, &info);
    if (error == 0)
        note_answer(&info);
    win32_unlock();
    if (error != 0)
        return (SIZE_T)fail(error);
    *buffer = info;
    return sizeof(info);
}

SIZE_T VirtualQueryEx(HANDLE process, LPCVOID address, PMEMORY_BASIC_INFORMATION buffer,
                      SIZE_T length)
{
    if (!is_this_process(process))
        return (SIZE_T)fail(ERROR_INVALID_HANDLE);
    return VirtualQuery(address, buffer, length);
}
