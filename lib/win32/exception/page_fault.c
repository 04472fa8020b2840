/* SPDX-License-Identifier: MIT */
/* page_fault.c: faults that the library itself has an answer to: guard pages, pages of a SEC_RESERVE
 * section that another process has committed or that nobody has, and accesses that the tables permit by the time the
 * handler has the lock, since another thread has answered the same fault. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/face_lock.h"
#include "win32/host/host_map.h"
#include "win32/host/host_process.h"

/* The last access that this thread was sent back to make again, and what the tables were then. */
static THREAD_LOCAL struct {
    uintptr_t page;
    uint64_t changes;
} retried;

static bool permits(DWORD protect, enum host_access access)
{
    static const unsigned needed[] = {
        [OS_ACCESS_READ] = OS_READ, [OS_ACCESS_WRITE] = OS_WRITE, [OS_ACCESS_EXECUTE] = OS_EXEC
    };
    return (protect_access(protect) & needed[access]) != 0;
}

/* The kernel may refuse what the tables permit, for the program can change protection on its own: so
 * each state of the tables is worth one more access. */
static enum host_fault try_again(uintptr_t page)
{
    uint64_t changes = area_changes();
    if (retried.page == page && retried.changes == changes)
        return OS_FAULT_OTHER;
    retried.page = page;
    retried.changes = changes;
    return OS_FAULT_RESOLVED;
}

static DWORD table_protect(const struct area *area, uintptr_t page)
{
    DWORD protect = interval_map_get(&area->protect, page);
    if (area->section != NULL)
        view_committed_run(area, page, page + PAGE_BYTES, &protect);
    return protect;
}

/* When mappings have run out, a page can't be told from the guard pages around it: then all of them
 * are guards no more. */
static enum host_fault disarm(struct area *area, uintptr_t page, DWORD protect)
{
    DWORD plain = protect & ~PAGE_GUARD;
    if (protect_pages(area, page, page + PAGE_BYTES, plain) == 0)
        return OS_FAULT_GUARD;
    uintptr_t start = interval_map_start(&area->protect, page);
    uintptr_t end = interval_map_next(&area->protect, page, area_end(area));
    return protect_pages(area, start, end, plain) == 0 ? OS_FAULT_GUARD : OS_FAULT_OTHER;
}

static enum host_fault resolve_in(struct area *area, uintptr_t page, enum host_access access)
{
    DWORD protect = table_protect(area, page);
    if ((protect & PAGE_GUARD) != 0)
        return disarm(area, page, protect);
    if (!permits(protect, access))
        return OS_FAULT_OTHER;
    if (area->section != NULL && !view_is_open(area, page))
        return view_open_run(area, page) ? OS_FAULT_RESOLVED : OS_FAULT_OTHER;
    return try_again(page);
}

/* Runs in a signal handler. A thread that is inside was given a bad buffer to fill: nothing can be
 * resolved then. */
static enum host_fault resolve(uintptr_t address, enum host_access access)
{
    if (face_is_inside())
        return OS_FAULT_OTHER;
    win32_lock();
    struct area *area = area_find(address);
    enum host_fault what =
        area != NULL ? resolve_in(area, round_down(address, PAGE_BYTES), access) : OS_FAULT_OTHER;
    win32_unlock();
    return what;
}

static enum host_fault resolve_hole_in(struct area *area, uintptr_t page)
{
    if (area->opened == NULL)
        return OS_FAULT_OTHER;
    if (table_protect(area, page) != 0) /* another process has committed it meanwhile */
        return try_again(page);
    return view_close_page(area, page) ? OS_FAULT_RESOLVED : OS_FAULT_OTHER;
}

/* As resolve, for accesses to holes. */
static enum host_fault resolve_hole(uintptr_t address)
{
    if (face_is_inside())
        return OS_FAULT_OTHER;
    win32_lock();
    struct area *area = area_find(address);
    enum host_fault what =
        area != NULL ? resolve_hole_in(area, round_down(address, PAGE_BYTES)) : OS_FAULT_OTHER;
    win32_unlock();
    return what;
}

void hole_handler_needed(void)
{
    host_hole_handler(resolve_hole);
}

void fault_handler_needed(void)
{
    face_block_signals();
    host_fault_handler(resolve, STATUS_GUARD_PAGE_VIOLATION, STATUS_ACCESS_VIOLATION);
}
