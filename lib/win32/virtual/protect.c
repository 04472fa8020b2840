/* SPDX-License-Identifier: MIT */
/* protect.c: see protect.h. */
#include "win32/virtual/protect.h"

#include "win32/host/host_map.h"

bool protect_is_valid(DWORD protect)
{
    DWORD kind = PROTECT_KIND(protect);
    DWORD modifiers = protect & ~0xFFu;
    if (kind == 0 || (kind & (kind - 1)) != 0)
        return false;
    if ((modifiers & ~(PAGE_GUARD | PROTECT_CACHE)) != 0)
        return false;
    if ((modifiers & PROTECT_CACHE) == PROTECT_CACHE)
        return false;
    return modifiers == 0 || kind != PAGE_NOACCESS;
}

unsigned protect_access(DWORD protect)
{
    if ((protect & PAGE_GUARD) != 0)
        return OS_NONE;
    switch (PROTECT_KIND(protect)) {
    case PAGE_READONLY:
        return OS_READ;
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
        return OS_READ | OS_WRITE;
    case PAGE_EXECUTE: /* execute-only code is readable on x86-64 Windows as well */
    case PAGE_EXECUTE_READ:
        return OS_READ | OS_EXEC;
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return OS_READ | OS_WRITE | OS_EXEC;
    default:
        return OS_NONE;
    }
}

DWORD protect_of_access(unsigned access, bool copy)
{
    bool exec = (access & OS_EXEC) != 0;
    if ((access & OS_WRITE) != 0) {
        if (copy)
            return exec ? PAGE_EXECUTE_WRITECOPY : PAGE_WRITECOPY;
        return exec ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
    }
    if ((access & OS_READ) != 0)
        return exec ? PAGE_EXECUTE_READ : PAGE_READONLY;
    return exec ? PAGE_EXECUTE : PAGE_NOACCESS;
}

/* What a view's protection allows its pages: copy-on-write counts as reading, executing as reading
 * too. */
static unsigned allowance(DWORD protect)
{
    switch (PROTECT_KIND(protect)) {
    case PAGE_READONLY:
    case PAGE_WRITECOPY:
        return OS_READ;
    case PAGE_READWRITE:
        return OS_READ | OS_WRITE;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_WRITECOPY:
        return OS_READ | OS_EXEC;
    case PAGE_EXECUTE_READWRITE:
        return OS_READ | OS_WRITE | OS_EXEC;
    default:
        return OS_NONE;
    }
}

bool protect_fits_view(DWORD view, DWORD wanted)
{
    return (allowance(wanted) & ~allowance(view)) == 0;
}
