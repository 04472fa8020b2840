/* SPDX-License-Identifier: MIT */
/* view_open.c: pages of views of SEC_RESERVE sections, which any process may commit at any time.
 *
 * A page is committed when its bit in the section's shared field is set. The kernel's protection of
 * the page in a view is the table's when the page's bit in the view's own field "opened" is set; else
 * the page has no access, and its first access is a fault (see page_fault.c).
 *
 * Named sections: a committed page has memory in the section's file, and a reserved one has none. So
 * where the kernel traps accesses to holes (see host_hole.h), all pages of a view are open from the
 * start, and a page becomes accessible in every process when one commits it: without a fault, so also
 * for threads that block SIGSEGV. An access to a reserved page is a SIGBUS; its page is closed then,
 * so that the access is made again and becomes the SIGSEGV that programs know.
 *
 * Other sections, and kernels that trap no holes: pages begin closed. Committing opens them in all
 * views of this process. In another process the first fault opens the run of such pages around it,
 * and so does a VirtualQuery that says that a page is committed. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_hole.h"
#include "win32/host/host_map.h"

#include <errno.h>
#include <string.h>

static size_t page_index(const struct area *view, uintptr_t page)
{
    return (page - area_base(view)) / PAGE_BYTES;
}

void view_mark_opened(struct area *view, uintptr_t start, uintptr_t end)
{
    for (uintptr_t page = start; page < end && view->opened != NULL; page += PAGE_BYTES) {
        size_t i = page_index(view, page);
        view->opened[i / 64] |= UINT64_C(1) << (i % 64);
    }
}

bool view_is_open(const struct area *view, uintptr_t page)
{
    size_t i = page_index(view, page);
    return view->opened == NULL || (view->opened[i / 64] >> (i % 64) & 1) != 0;
}

/* Mappings have run out: a view whose committed and reserved pages the kernel needn't tell apart is as
 * few mappings as the table has protections. An access to a reserved page is not caught then. */
bool view_open_all(struct area *view)
{
    bool opened = true;
    for (uintptr_t at = area_base(view), next; at < area_end(view); at = next) {
        next = interval_map_next(&view->protect, at, area_end(view));
        unsigned access = protect_access(interval_map_get(&view->protect, at));
        if (host_map_protect(at, next - at, access) == 0)
            view_mark_opened(view, at, next);
        else
            opened = false;
    }
    return opened;
}

static bool open_pages(struct area *view, uintptr_t start, uintptr_t end, DWORD protect)
{
    int error = host_map_protect(start, end - start, protect_access(protect));
    if (error == ENOMEM && view_open_all(view))
        return true;
    if (error == 0)
        view_mark_opened(view, start, end);
    return error == 0;
}

void view_open_pages(struct area *view, uintptr_t start, uintptr_t end)
{
    for (uintptr_t at = start, next; at < end; at = next) {
        DWORD protect;
        next = view_committed_run(view, at, end, &protect);
        if (protect != 0)
            open_pages(view, at, next, protect);
    }
}

bool view_open_run(struct area *view, uintptr_t page)
{
    DWORD protect;
    uintptr_t end = view_committed_run(view, page, area_end(view), &protect);
    uintptr_t low = interval_map_start(&view->protect, page), start = page;
    ASSERT(protect != 0);
    while (start > low && view_is_committed(view, start - PAGE_BYTES) &&
           !view_is_open(view, start - PAGE_BYTES))
        start -= PAGE_BYTES;
    return open_pages(view, start, end, protect);
}

bool view_close_page(struct area *view, uintptr_t page)
{
    size_t i = page_index(view, page);
    if (!view->traps_holes || host_map_protect(page, PAGE_BYTES, OS_NONE) != 0)
        return false;
    view->opened[i / 64] &= ~(UINT64_C(1) << (i % 64));
    view->has_closed = true;
    return true;
}

static bool can_trap_holes(const struct area *view)
{
    return host_hole_trap(area_base(view), view->size) == 0;
}

void view_open_new(struct area *view, bool reserved_are_holes)
{
    view->traps_holes = reserved_are_holes && can_trap_holes(view);
    if (!view->traps_holes || !view_open_all(view))
        view_open_pages(view, area_base(view), area_end(view));
}

/* The pages of a view that were open stay so where holes are trapped again. Else they are closed, and
 * the committed ones opened. */
static void open_in_child(struct area *view)
{
    if (!view->traps_holes || can_trap_holes(view))
        return;
    view->traps_holes = false;
    if (host_map_protect(area_base(view), view->size, OS_NONE) != 0)
        return;
    memset(view->opened, 0, area_bitmap_bytes(view));
    view_open_pages(view, area_base(view), area_end(view));
}

void view_fork_child(void)
{
    if (host_hole_forget())
        area_each(open_in_child);
}

static void open_part(struct range_node *node, uint64_t start, uint64_t end)
{
    struct area *view = (struct area *)((char *)node - offsetof(struct area, in_section));
    uint64_t low = start > view->offset ? start - view->offset : 0;
    uint64_t high = end - view->offset < view->size ? end - view->offset : view->size;
    if (!view->traps_holes || view->has_closed)
        view_open_pages(view, area_base(view) + low, area_base(view) + high);
}

void view_open_in_all(struct range_node *views, uint64_t start, uint64_t end)
{
    range_tree_each(views, start, end, open_part);
}
