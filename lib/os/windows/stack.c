/* SPDX-License-Identifier: MIT */
/* stack.c: the system walks the stack by the unwind tables of exceptions. An address's module is found by
 * VirtualQuery, which does not take the loader's lock. */
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
    enum { STACK_MAX = 64 };
    void *all[STACK_MAX];
    size_t want = most + OWN_MOST < STACK_MAX ? most + OWN_MOST : STACK_MAX, first = 0;
    size_t n = RtlCaptureStackBackTrace(0, (DWORD)want, all, NULL);
    while (first < n && is_own(all[first]))
        first++;
    n = n - first < most ? n - first : most;
    memcpy(addresses, all + first, n * sizeof *addresses);
    return n;
}

void os_stack_name(uintptr_t address, char *text, size_t capacity)
{
    char path[MAX_PATH];
    const char *module = module_of((const void *)address);
    if (module == NULL || GetModuleFileNameA((HMODULE)(uintptr_t)module, path, sizeof path) == 0) {
        snprintf(text, capacity, "0x%zx", (size_t)address);
        return;
    }
    const char *slash = strrchr(path, '\\');
    snprintf(text, capacity, "%.60s+0x%zx", slash != NULL ? slash + 1 : path,
             (size_t)(address - (uintptr_t)module));
}
