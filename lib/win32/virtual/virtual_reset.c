/* SPDX-License-Identifier: MIT */
/* virtual_reset.c: memory whose contents are not needed for now, or no more: MEM_RESET and
 * MEM_RESET_UNDO, OfferVirtualMemory and ReclaimVirtualMemory, DiscardVirtualMemory; and the
 * opposite, PrefetchVirtualMemory.
 *
 * Reset pages are given to the kernel to take when it needs memory (MADV_FREE); it takes whole
 * pages, which then read as zero. To know at the undo whether one was taken, reset notes which
 * pages held anything but zeros; undo writes to each page, which ends the kernel's claim, and looks
 * whether it still does. A page of zeros is intact either way. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"

static bool holds_data(uintptr_t page)
{
    const uint64_t *words = (const uint64_t *)page;
    for (size_t i = 0; i < PAGE_BYTES / sizeof(*words); i++) {
        if (words[i] != 0)
            return true;
    }
    return false;
}

static size_t page_index(const struct area *area, uintptr_t page)
{
    return (page - area_base(area)) / PAGE_BYTES;
}

static void set_bit(uint64_t *bits, size_t i, bool value)
{
    if (value)
        bits[i / 64] |= UINT64_C(1) << (i % 64);
    else
        bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static bool get_bit(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

/* Notes the pages of one run that hold data; pages that were never touched are not looked at, as
 * that would make them part of the process. */
static DWORD note_data(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    uint64_t words[512];
    for (uintptr_t at = start; at < end;) {
        size_t pages = (end - at) / PAGE_BYTES < 512 ? (end - at) / PAGE_BYTES : 512;
        if (host_pagemap_read(at, pages, words) != 0)
            return ERROR_GEN_FAILURE;
        for (size_t i = 0; i < pages; i++, at += PAGE_BYTES) {
            bool touched = (words[i] & (OS_PAGE_PRESENT | OS_PAGE_SWAPPED)) != 0;
            set_bit(area->kept, page_index(area, at), touched && holds_data(at));
        }
    }
    return 0;
}

/* Calls act for each run of committed pages in [start, end) that are readable and writable. */
static DWORD each_writable_run(struct area *area, uintptr_t start, uintptr_t end,
                               DWORD (*act)(struct area *, uintptr_t, uintptr_t))
{
    DWORD error = 0;
    for (uintptr_t at = start, next; at < end && error == 0; at = next) {
        next = interval_map_next(&area->protect, at, end);
        unsigned access = protect_access(interval_map_get(&area->protect, at));
        if ((access & OS_WRITE) != 0)
            error = act(area, at, next);
    }
    return error;
}

static DWORD reset_run(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    DWORD error = note_data(area, start, end);
    if (error == 0)
        host_map_lazy_free(start, end - start); /* a refusal, as for locked pages, harms nothing */
    return error;
}

/* Pages that cannot be written are left as they are: their contents stay, which reset allows. */
DWORD reset_pages(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (area->section != NULL) /* a file's pages have a place to go to */
        return view_is_memory(area) ? 0 : ERROR_INVALID_ADDRESS;
    if (area->large)
        return 0;
    if (area->kept == NULL && (area->kept = area_bitmap_new(area)) == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    return each_writable_run(area, start, end, reset_run);
}

/* An atomic no-op write: another thread may be writing the page for real. */
static void claim_page(uintptr_t page)
{
    ASSERT(win32_lock_is_mine());
    __atomic_fetch_or((uint8_t *)page, 0, __ATOMIC_RELAXED);
}

void forget_reset(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    for (uintptr_t page = start; page < end && area->kept != NULL; page += PAGE_BYTES)
        set_bit(area->kept, page_index(area, page), false);
}

static DWORD undo_run(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    DWORD error = 0;
    for (uintptr_t page = start; page < end; page += PAGE_BYTES) {
        if (!get_bit(area->kept, page_index(area, page)))
            continue;
        claim_page(page);
        if (!holds_data(page))
            error = ERROR_GEN_FAILURE;
        set_bit(area->kept, page_index(area, page), false);
    }
    return error;
}

DWORD undo_reset(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (area->kept == NULL || area->section != NULL)
        return 0;
    return each_writable_run(area, start, end, undo_run);
}

static DWORD discard_run(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    (void)area;
    return host_map_discard(start, end - start) == 0 ? 0 : ERROR_GEN_FAILURE;
}

/* Offer, reclaim and discard want whole, committed, writable pages of private memory. */
static DWORD with_private_pages(uintptr_t start, size_t size,
                                DWORD (*act)(struct area *, uintptr_t, uintptr_t))
{
    uintptr_t end = start + size;
    if (size == 0 || !is_aligned(start, PAGE_BYTES) || !is_aligned(size, PAGE_BYTES) || end < start)
        return ERROR_INVALID_PARAMETER;
    win32_lock();
    struct area *area = area_find(start);
    DWORD error = 0;
    if (area == NULL || end > area_end(area) || area->section != NULL)
        error = ERROR_INVALID_PARAMETER;
    for (uintptr_t at = start; at < end && error == 0;
         at = interval_map_next(&area->protect, at, end)) {
        if ((protect_access(interval_map_get(&area->protect, at)) & OS_WRITE) == 0)
            error = ERROR_INVALID_PARAMETER;
    }
    if (error == 0)
        error = act(area, start, end);
    win32_unlock();
    return error;
}

static DWORD discard_pages(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    return each_writable_run(area, start, end, discard_run);
}

DWORD DiscardVirtualMemory(PVOID address, SIZE_T size)
{
    return with_private_pages((uintptr_t)address, size, discard_pages);
}

DWORD OfferVirtualMemory(PVOID address, SIZE_T size, OFFER_PRIORITY priority)
{
    if (priority < VmOfferPriorityVeryLow || priority > VmOfferPriorityNormal)
        return ERROR_INVALID_PARAMETER;
    return with_private_pages((uintptr_t)address, size, reset_pages);
}

static DWORD reclaim_pages(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    return undo_reset(area, start, end) == 0 ? 0 : ERROR_BUSY;
}

DWORD ReclaimVirtualMemory(const void *address, SIZE_T size)
{
    return with_private_pages((uintptr_t)address, size, reclaim_pages);
}

BOOL PrefetchVirtualMemory(HANDLE process, ULONG_PTR count, PWIN32_MEMORY_RANGE_ENTRY ranges,
                           ULONG flags)
{
    uintptr_t start, end;
    if (!is_this_process(process))
        return fail(ERROR_INVALID_HANDLE);
    if (count == 0 || ranges == NULL || flags != 0)
        return fail(ERROR_INVALID_PARAMETER);
    for (ULONG_PTR i = 0; i < count; i++) { /* advice: what cannot be read ahead is passed over */
        uintptr_t at = (uintptr_t)ranges[i].VirtualAddress;
        if (page_range(at, ranges[i].NumberOfBytes, &start, &end) && end > start)
            host_map_will_need(start, end - start);
    }
    return TRUE;
}
