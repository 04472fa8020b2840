/* SPDX-License-Identifier: MIT */
/* view.c: what is particular to the pages of views. For those of SEC_RESERVE sections see also
 * view_open.c.
 *
 * A page of a copy-on-write view that was written is a private page; the kernel's page map tells.
 */
#include "win32/section/section.h"
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_map.h"

#include <errno.h>

/* Pages of the page map that are read at once: few at first, for a run may be short. */
enum { CHUNK_MIN = 16, CHUNK_MAX = 4096 };

static uint64_t section_page(const struct area *view, uintptr_t page)
{
    return (view->offset + (page - area_base(view))) / PAGE_BYTES;
}

bool view_is_committed(const struct area *view, uintptr_t page)
{
    return view->section->committed == NULL ||
           section_page_committed(view->section, section_page(view, page));
}

static bool is_copied(uint64_t word)
{
    return (word & (OS_PAGE_PRESENT | OS_PAGE_SWAPPED)) != 0 && (word & OS_PAGE_SHARED) == 0;
}

bool view_is_memory(const struct area *view)
{
    return !view->section->is_file;
}

static DWORD pagemap_error(int error)
{
    return error == ENOENT || error == EACCES ? ERROR_NOT_SUPPORTED : win32_error(error);
}

/* The end of the run of pages, within [page, *limit), that are all copied or all not. Without the
 * page map there is no answer: to take pages for shared ones would lose what was written to them. */
static DWORD copied_run(uintptr_t page, uintptr_t *limit, bool *copied)
{
    static uint64_t words[CHUNK_MAX]; /* guarded by win32_lock */
    uintptr_t at = page;
    *copied = false;
    for (size_t chunk = CHUNK_MIN; at < *limit; chunk = chunk < CHUNK_MAX ? 4 * chunk : chunk) {
        size_t left = (*limit - at) / PAGE_BYTES, pages = left < chunk ? left : chunk;
        int error = host_pagemap_read(at, pages, words);
        if (error != 0)
            return pagemap_error(error);
        for (size_t i = 0; i < pages; i++, at += PAGE_BYTES) {
            if (at == page)
                *copied = is_copied(words[0]);
            if (is_copied(words[i]) != *copied) {
                *limit = at;
                return 0;
            }
        }
    }
    return 0;
}

/* Copy-on-write becomes plain writing for the pages that were copied. */
static DWORD protect_when_copied(DWORD protect)
{
    DWORD rest = protect & ~PROTECT_COPY;
    return rest | ((protect & PAGE_WRITECOPY) != 0 ? PAGE_READWRITE : PAGE_EXECUTE_READWRITE);
}

/* The end of the run of pages, within [page, limit), that are all committed or all not. Looks at 64
 * pages at a time where it can: a view may have millions. */
static uintptr_t committed_run(const struct area *view, uintptr_t page, uintptr_t limit,
                               bool *committed)
{
    *committed = view_is_committed(view, page);
    uint64_t alike = *committed ? UINT64_MAX : 0;
    for (uintptr_t at = page; at < limit;) {
        uint64_t number = section_page(view, at);
        if (number % 64 == 0 && limit - at >= 64 * PAGE_BYTES &&
            atomic_load_explicit(&view->section->committed[number / 64], memory_order_acquire) ==
                alike)
            at += 64 * PAGE_BYTES;
        else if (view_is_committed(view, at) == *committed)
            at += PAGE_BYTES;
        else
            return at;
    }
    return limit;
}

uintptr_t view_committed_run(const struct area *view, uintptr_t page, uintptr_t limit,
                             DWORD *protect)
{
    bool committed;
    limit = interval_map_next(&view->protect, page, limit);
    *protect = interval_map_get(&view->protect, page);
    if (view->section->committed == NULL)
        return limit;
    limit = committed_run(view, page, limit, &committed);
    if (!committed)
        *protect = 0;
    return limit;
}

DWORD view_run(const struct area *view, uintptr_t page, uintptr_t *limit, DWORD *protect)
{
    bool copied;
    *limit = view_committed_run(view, page, *limit, protect);
    if ((*protect & PROTECT_COPY) == 0)
        return 0;
    DWORD error = copied_run(page, limit, &copied);
    if (error == 0 && copied)
        *protect = protect_when_copied(*protect);
    return error;
}

static int remap(const struct area *view, uintptr_t start, uintptr_t end, DWORD protect, bool copy)
{
    uintptr_t address = start;
    uint64_t offset = view->section->start + view->offset + (start - area_base(view));
    return host_map_file(&address, end - start, protect_access(protect), OS_REPLACE,
                         view->section->fd, offset, copy);
}

/* Pages of a shared view turn into copy-on-write ones, or back: the kernel needs another mapping.
 * Pages that were copied stay private, as on Windows. */
static DWORD change_sharing(const struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    bool copied;
    for (uintptr_t at = start, next; at < end; at = next) {
        next = end;
        DWORD unknown = copied_run(at, &next, &copied);
        if (unknown != 0)
            return unknown;
        int error = copied ? host_map_protect(at, next - at, protect_access(protect))
                           : remap(view, at, next, protect, (protect & PROTECT_COPY) != 0);
        if (error != 0)
            return win32_error(error);
    }
    return 0;
}

static DWORD apply_run(const struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    bool shared_view = (view->alloc_protect & PROTECT_COPY) == 0;
    DWORD old = interval_map_get(&view->protect, start);
    if (shared_view && ((old | protect) & PROTECT_COPY) != 0)
        return change_sharing(view, start, end, protect);
    int error = host_map_protect(start, end - start, protect_access(protect));
    return error == ENOMEM ? ERROR_COMMITMENT_LIMIT : error != 0 ? win32_error(error) : 0;
}

static DWORD apply(struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    if (!interval_map_ready())
        return ERROR_NOT_ENOUGH_MEMORY;
    for (uintptr_t at = start, next; at < end; at = next) {
        next = interval_map_next(&view->protect, at, end);
        DWORD error = apply_run(view, at, next, protect);
        if (error != 0)
            return error;
    }
    if ((protect & PAGE_GUARD) != 0)
        fault_handler_needed();
    area_set_protect(view, start, end, protect);
    view_mark_opened(view, start, end);
    return 0;
}

DWORD view_protect(struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    if (!protect_fits_view(view->alloc_protect, protect))
        return ERROR_INVALID_PARAMETER;
    return apply(view, start, end, protect);
}

DWORD view_commit(struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    struct section *section = view->section;
    if (section->is_file)
        return ERROR_ACCESS_DENIED;
    if (!protect_fits_view(view->alloc_protect, protect))
        return ERROR_INVALID_PARAMETER;
    uint64_t first = section_page(view, start), last = section_page(view, end);
    DWORD error = section->committed != NULL ? section_commit_pages(section, first, last) : 0;
    if (error != 0)
        return error;
    error = apply(view, start, end, protect);
    if (error == ERROR_COMMITMENT_LIMIT && section->committed != NULL && view_open_all(view))
        error = apply(view, start, end, protect);
    if (error != 0)
        return error;
    if (section->committed != NULL)
        view_open_in_all(section->views, first * PAGE_BYTES, last * PAGE_BYTES);
    return 0;
}

void view_link(struct area *view)
{
    view->in_section.low = view->offset;
    view->in_section.high = view->offset + view->size;
    range_tree_insert(&view->section->views, &view->in_section);
}

void view_unmap(struct area *view)
{
    range_tree_remove(&view->section->views, &view->in_section);
    locked_forget(area_base(view), area_end(view));
    area_retire(view);
}
