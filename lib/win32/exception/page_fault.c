/* SPDX-License-Identifier: MIT */
/* fault.c: faults that the library itself has an answer to: guard pages, and pages of a SEC_RESERVE
 * section that were committed through another view. */
#include "win32/virtual/protect.h"
#include "win32/virtual/virtual.h"

#include "win32/host/host_process.h"

static enum host_fault resolve_in(struct area *area, uintptr_t page)
{
    bool resolved = false;
    DWORD protect = interval_map_get(&area->protect, page);
    if (area->section != NULL)
        view_resolve_fault(area, page, &resolved);
    if (resolved && (protect & PAGE_GUARD) == 0)
        return OS_FAULT_RESOLVED;
    if ((protect & PAGE_GUARD) == 0)
        return OS_FAULT_OTHER;
    return protect_pages(area, page, page + PAGE_BYTES, protect & ~PAGE_GUARD) == 0
               ? OS_FAULT_GUARD
               : OS_FAULT_OTHER;
}

/* Runs in a signal handler. A thread that holds the lock was given a bad buffer to fill: nothing
 * can be resolved then. */
static enum host_fault resolve(uintptr_t address)
{
    if (win32_lock_is_mine())
        return OS_FAULT_OTHER;
    win32_lock();
    struct area *area = area_find(address);
    enum host_fault what =
        area != NULL ? resolve_in(area, round_down(address, PAGE_BYTES)) : OS_FAULT_OTHER;
    win32_unlock();
    return what;
}

void fault_handler_needed(void)
{
    host_fault_handler(resolve, STATUS_GUARD_PAGE_VIOLATION, STATUS_ACCESS_VIOLATION);
}
