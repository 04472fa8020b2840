/* SPDX-License-Identifier: MIT */
/* fault.c: faults that the library itself has an answer to: guard pages, and pages of a SEC_RESERVE
 * section that were committed through another view. */
#include "protect.h"
#include "virtual.h"

#include "os/os_process.h"

static enum os_fault resolve_in(struct area *area, uintptr_t page)
{
    bool resolved = false;
    DWORD protect = stepmap_get(&area->protect, page);
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

/* Runs in a signal handler. The fault came from the program's own access, so this thread does not
 * hold the lock; a fault inside the library would be a defect of it. */
static enum os_fault resolve(uintptr_t address)
{
    win32_lock();
    struct area *area = area_find(address);
    enum os_fault what =
        area != NULL ? resolve_in(area, round_down(address, PAGE_BYTES)) : OS_FAULT_OTHER;
    win32_unlock();
    return what;
}

void fault_handler_needed(void)
{
    os_fault_handler(resolve, STATUS_GUARD_PAGE_VIOLATION, STATUS_ACCESS_VIOLATION);
}
