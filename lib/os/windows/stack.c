/* SPDX-License-Identifier: MIT */
/* The system walks the stack by the tables that compilers leave for exceptions. Modules are told by
 * VirtualQuery, which needs no lock of the loader's. */
#include "os/stack.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { OWN_MOST = 8 /* frames of ours below the caller */ };

void os_stack_prepare(void) {}

/* Where the module starts that an address is in. */
static const char *module_of(const void *address)
{
    MEMORY_BASIC_INFORMATION range;
    if (VirtualQuery(address, &range, sizeof range) == 0 || range.Type != MEM_IMAGE)
        return NULL;
    return range.AllocationBase;
}

/* In a program that is linked with the archive there is no telling what is ours. */
static bool is_own(const void *address)
{
    const char *here = module_of((const void *)(uintptr_t)is_own);
    return here != (const char *)GetModuleHandleW(NULL) && module_of(address) == here;
}

size_t os_stack(uintptr_t *addresses, size_t most)
{
    enum { ROOM = 64 };
    void *all[ROOM];
    size_t want = most + OWN_MOST < ROOM ? most + OWN_MOST : ROOM, first = 0;
    size_t n = RtlCaptureStackBackTrace(0, (DWORD)want, all, NULL);
    while (first < n && is_own(all[first]))
        first++;
    n = n - first < most ? n - first : most;
    memcpy(addresses, all + first, n * sizeof *addresses);
    return n;
}

void os_stack_name(uintptr_t address, char *text, size_t room)
{
    char path[MAX_PATH];
    const char *module = module_of((const void *)address);
    if (module == NULL || GetModuleFileNameA((HMODULE)(uintptr_t)module, path, sizeof path) == 0) {
        snprintf(text, room, "0x%zx", (size_t)address);
        return;
    }
    const char *slash = strrchr(path, '\\');
    snprintf(text, room, "%.60s+0x%zx", slash != NULL ? slash + 1 : path,
             (size_t)(address - (uintptr_t)module));
}
