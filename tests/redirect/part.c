/* SPDX-License-Identifier: MIT */
/* part.c: a DLL that does what ways.h says, with a run-time of its own. */
#define PART_BUILD
#include "part.h"

#include <stdlib.h>
#include <windows.h>

/* Made when the DLL is loaded, before its caller can do anything. */
static void *at_load;

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved);

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved)
{
    (void)self, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        at_load = malloc(33);
    return TRUE;
}

void *part_at_load(void)
{
    return at_load;
}

void part_before(void)
{
    ways_before();
}

int part_after(ways_owns *owns)
{
    return ways_after(owns);
}

int part_check(ways_owns *owns)
{
    return ways_check(owns);
}

int part_checks(void)
{
    return ways_checks();
}
