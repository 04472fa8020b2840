/* SPDX-License-Identifier: MIT */
/* write_watch.c: GetWriteWatch and ResetWriteWatch over host_watch.h.
 *
 * The kernel's marks live in the page tables and go when pages are decommitted. Windows keeps those
 * of pages whose protection was changed since they were written: so VirtualProtect saves them in the
 * area's own bit field, and both are asked. */
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"
#include "win32/host/host_watch.h"

#define RUNS 64

static size_t page_index(const struct area *area, uintptr_t page)
{
    return (page - area_base(area)) / PAGE_BYTES;
}

static _Atomic bool any_watched;

static bool is_marked(const struct area *area, uintptr_t page)
{
    size_t i = page_index(area, page);
    return area->marks != NULL && (area->marks[i / 64] >> (i % 64) & 1) != 0;
}

static void mark(struct area *area, uintptr_t page, bool written)
{
    size_t i = page_index(area, page);
    uint64_t bit = UINT64_C(1) << (i % 64);
    area->marks[i / 64] = written ? area->marks[i / 64] | bit : area->marks[i / 64] & ~bit;
}

/* Pages that were reserved until now start as not written; committed ones keep their marks. */
DWORD watch_committed(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    bool fresh_area = area_find(start) != area; /* not in the table yet: all is new */
    for (uintptr_t at = start, next; at < end; at = next) {
        next = fresh_area ? end : interval_map_next(&area->protect, at, end);
        if (!fresh_area && interval_map_get(&area->protect, at) != 0)
            continue;
        if (host_watch_clean(at, next - at) != 0)
            return ERROR_NOT_ENOUGH_MEMORY;
    }
    return 0;
}

DWORD watch_start(struct area *area)
{
    ASSERT(win32_lock_is_mine());
    if (host_watch_start(area_base(area), area->size) != 0)
        return ERROR_NOT_SUPPORTED;
    area->watched = true;
    any_watched = true;
    return 0;
}

/* Calls act for the written pages of [start, end), ascending, until it answers false. */
static DWORD each_kernel_mark(struct area *area, uintptr_t start, uintptr_t end,
                              bool (*act)(struct area *, uintptr_t, void *), void *context)
{
    struct host_watch_run runs[RUNS];
    size_t count;
    for (uintptr_t at = start; at < end;) {
        if (host_watch_written(at, end - at, runs, RUNS, &count) != 0)
            return ERROR_GEN_FAILURE;
        for (size_t i = 0; i < count; i++) {
            for (at = (uintptr_t)runs[i].start; at < runs[i].end; at += PAGE_BYTES) {
                if (!act(area, at, context))
                    return 0;
            }
        }
        if (count < RUNS)
            break;
    }
    return 0;
}

static bool save_mark(struct area *area, uintptr_t page, void *context)
{
    ASSERT(win32_lock_is_mine());
    (void)context;
    mark(area, page, true);
    return true;
}

DWORD watch_protecting(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    DWORD error = 0;
    if (area->marks == NULL && (area->marks = area_bitmap_new(area)) == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    for (uintptr_t at = start, next; at < end && error == 0; at = next) {
        next = interval_map_next(&area->protect, at, end);
        if (interval_map_get(&area->protect, at) != 0)
            error = each_kernel_mark(area, at, next, save_mark, NULL);
    }
    return error;
}

static void mark_all(struct area *area, uintptr_t start, uintptr_t end)
{
    ASSERT(win32_lock_is_mine() && start < end);
    if (area->marks == NULL && (area->marks = area_bitmap_new(area)) == NULL)
        return;
    for (uintptr_t page = start; page < end && page < area_end(area); page += PAGE_BYTES) {
        if (interval_map_get(&area->protect, page) != 0)
            mark(area, page, true);
    }
}

void watch_buffer(const void *buffer, size_t size)
{
    uintptr_t start, end;
    if (!any_watched || size == 0 || !page_range((uintptr_t)buffer, size, &start, &end))
        return;
    win32_lock();
    struct area *area = area_find(start);
    if (area != NULL && area->watched)
        mark_all(area, start, end);
    win32_unlock();
}

void buffer_touch(void *buffer, size_t size)
{
    uintptr_t end = (uintptr_t)buffer + size;
    for (uintptr_t at = (uintptr_t)buffer; at < end; at = round_down(at, PAGE_BYTES) + PAGE_BYTES)
        __atomic_fetch_or((uint8_t *)at, 0, __ATOMIC_RELAXED);
}

struct collection {
    PVOID *pages;
    ULONG_PTR capacity, count;
    bool reset;
};

static bool collect(struct area *area, uintptr_t page, void *context)
{
    ASSERT(win32_lock_is_mine());
    struct collection *c = context;
    if (c->count == c->capacity)
        return false;
    c->pages[c->count++] = (PVOID)page;
    if (c->reset && is_marked(area, page))
        mark(area, page, false);
    return true;
}

/* Saved marks first become part of the answer in order of address: page by page where there are
 * any, run by run where there are none. */
static DWORD collect_run(struct area *area, uintptr_t start, uintptr_t end, bool committed,
                         struct collection *c)
{
    if (area->marks == NULL)
        return committed ? each_kernel_mark(area, start, end, collect, c) : 0;
    if (committed) {
        DWORD error = each_kernel_mark(area, start, end, save_mark, NULL);
        if (error != 0)
            return error;
    }
    for (uintptr_t page = start; page < end && c->count < c->capacity; page += PAGE_BYTES) {
        if (is_marked(area, page))
            collect(area, page, c);
    }
    return 0;
}

static DWORD collect_written(struct area *area, uintptr_t start, uintptr_t end,
                             struct collection *c)
{
    DWORD error = 0;
    for (uintptr_t at = start, next; at < end && error == 0 && c->count < c->capacity; at = next) {
        next = interval_map_next(&area->protect, at, end);
        error = collect_run(area, at, next, interval_map_get(&area->protect, at) != 0, c);
    }
    return error;
}

static DWORD clean_page(struct area *area, uintptr_t page)
{
    ASSERT(win32_lock_is_mine());
    if (interval_map_get(&area->protect, page) == 0)
        return 0;
    return host_watch_clean(page, PAGE_BYTES) == 0 ? 0 : ERROR_GEN_FAILURE;
}

/* The watched area that holds all of the range, or NULL. */
static struct area *watched_area(uintptr_t address, size_t size, uintptr_t *start, uintptr_t *end)
{
    if (size == 0 || !page_range(address, size, start, end))
        return NULL;
    struct area *area = area_find(*start);
    return area != NULL && area->watched && *end <= area_end(area) ? area : NULL;
}

static DWORD get_watch(struct collection *c, uintptr_t address, size_t size)
{
    uintptr_t start, end;
    struct area *area = watched_area(address, size, &start, &end);
    if (area == NULL)
        return ERROR_INVALID_PARAMETER;
    DWORD error = collect_written(area, start, end, c);
    for (ULONG_PTR i = 0; c->reset && i < c->count && error == 0; i++)
        error = clean_page(area, (uintptr_t)c->pages[i]);
    return error;
}

UINT GetWriteWatch(DWORD flags, PVOID base, SIZE_T size, PVOID *addresses, ULONG_PTR *count,
                   LPDWORD granularity)
{
    DWORD error;
    if (count == NULL || granularity == NULL) {
        error = ERROR_NOACCESS;
    } else if ((flags & ~WRITE_WATCH_FLAG_RESET) != 0 || *count == 0) {
        error = ERROR_INVALID_PARAMETER;
    } else if (addresses == NULL) {
        error = ERROR_NOACCESS;
    } else {
        size_t most = size / PAGE_BYTES + 2;
        struct collection c = { addresses, *count, 0, flags != 0 };
        buffer_touch(addresses, (*count < most ? *count : most) * sizeof(*addresses));
        win32_lock();
        error = get_watch(&c, (uintptr_t)base, size);
        win32_unlock();
        if (error == 0) {
            *count = c.count;
            *granularity = (DWORD)PAGE_BYTES;
        }
    }
    if (error != 0)
        SetLastError(error);
    return error != 0 ? ~0u : 0;
}

static DWORD reset_watch(uintptr_t address, size_t size)
{
    uintptr_t start, end;
    struct area *area = watched_area(address, size, &start, &end);
    if (area == NULL)
        return ERROR_INVALID_PARAMETER;
    for (uintptr_t page = start; page < end && area->marks != NULL; page += PAGE_BYTES)
        mark(area, page, false);
    for (uintptr_t at = start, next; at < end; at = next) {
        next = interval_map_next(&area->protect, at, end);
        if (interval_map_get(&area->protect, at) != 0 && host_watch_clean(at, next - at) != 0)
            return ERROR_GEN_FAILURE;
    }
    return 0;
}

UINT ResetWriteWatch(LPVOID base, SIZE_T size)
{
    win32_lock();
    DWORD error = reset_watch((uintptr_t)base, size);
    win32_unlock();
    if (error != 0)
        SetLastError(error);
    return error != 0 ? ~0u : 0;
}
