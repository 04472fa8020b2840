/* SPDX-License-Identifier: MIT */
/* working_set.c: QueryWorkingSet: every page of the process that is in memory, by a walk over its
 * regions and the kernel's page map. */
#include "win32/host/host_map.h"
#include "win32/virtual/virtual.h"

#include "barrow/psapi.h"

#define CHUNK 512

struct listing {
    PSAPI_WORKING_SET_BLOCK *blocks;
    size_t capacity;
    size_t count; /* pages found, possibly more than capacity */
};

/* The numbers by which this call names protections. */
static ULONG_PTR protection_number(DWORD protect)
{
    ULONG_PTR number = 0;
    for (DWORD kind = protect & 0xFFu; kind > 1; kind >>= 1)
        number++;
    static const unsigned char numbers[] = { 0, 1, 4, 5, 2, 3, 6, 7 };
    number = numbers[number];
    number |= (protect & PAGE_NOCACHE) != 0 ? 8 : 0;
    return number | ((protect & PAGE_GUARD) != 0 ? 16 : 0);
}

static void add_page(struct listing *listing, uintptr_t page, DWORD protect, bool shared)
{
    if (listing->count < listing->capacity) {
        PSAPI_WORKING_SET_BLOCK *block = &listing->blocks[listing->count];
        block->Flags = 0;
        block->Protection = protection_number(protect) & 31;
        block->ShareCount = shared;
        block->Shared = shared;
        block->VirtualPage = page / PAGE_BYTES & ((UINT64_C(1) << 52) - 1);
    }
    listing->count++;
}

static void add_region(struct listing *listing, const MEMORY_BASIC_INFORMATION *region)
{
    uint64_t words[CHUNK];
    uintptr_t end = (uintptr_t)region->BaseAddress + region->RegionSize;
    for (uintptr_t at = (uintptr_t)region->BaseAddress; at < end; at += CHUNK * PAGE_BYTES) {
        size_t pages = (end - at) / PAGE_BYTES < CHUNK ? (end - at) / PAGE_BYTES : CHUNK;
        if (host_pagemap_read(at, pages, words) != 0)
            return;
        for (size_t i = 0; i < pages; i++) {
            if ((words[i] & OS_PAGE_PRESENT) != 0)
                add_page(listing, at + i * PAGE_BYTES, region->Protect,
                         (words[i] & OS_PAGE_SHARED) != 0);
        }
    }
}

static DWORD list_pages(struct listing *listing)
{
    MEMORY_BASIC_INFORMATION region;
    DWORD error = 0;
    win32_lock();
    for (uintptr_t at = 0; at < END_OF_USER && error == 0; at += region.RegionSize) {
        error = query_pages(at, END_OF_USER, &region);
        if (error == 0 && region.State == MEM_COMMIT)
            add_region(listing, &region);
    }
    win32_unlock();
    return error;
}

BOOL QueryWorkingSet(HANDLE process, PVOID buffer, DWORD size)
{
    PPSAPI_WORKING_SET_INFORMATION information = buffer;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (size < sizeof(information->NumberOfEntries))
        return fail(ERROR_BAD_LENGTH);
    if (buffer == NULL)
        return fail(ERROR_NOACCESS);
    struct listing listing = { .blocks = information->WorkingSetInfo,
                               .capacity = size / sizeof(PSAPI_WORKING_SET_BLOCK) - 1 };
    DWORD error = list_pages(&listing);
    if (error != 0)
        return fail(error);
    information->NumberOfEntries = listing.count;
    return listing.count <= listing.capacity ? TRUE : fail(ERROR_BAD_LENGTH);
}
