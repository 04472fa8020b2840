/* SPDX-License-Identifier: MIT */
/* A DLL that works with blocks when threads and the process end. It is told before the heap's own
 * DLL is, which it needs. */
#include <barrow/barrow.h>
#include <string.h>
#include <windows.h>

enum { BLOCKS = 200 };

static void *blocks[BLOCKS];

__declspec(dllexport) volatile LONG last_dll_detached;

static void work(size_t times)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = i * times % 70000;
        barrow_free(blocks[i]);
        memset(blocks[i] = barrow_malloc(size), (int)i, size);
    }
    barrow_free(barrow_malloc(3 << 20));
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends)
{
    (void)module;
    if (reason == DLL_THREAD_DETACH) {
        barrow_free(memset(barrow_malloc(1000), 1, 1000));
        InterlockedIncrement(&last_dll_detached);
    } else if (reason == DLL_PROCESS_ATTACH || process_ends != NULL) {
        work(reason == DLL_PROCESS_ATTACH ? 331 : 517);
    }
    if (reason == DLL_PROCESS_DETACH)
        barrow_malloc_trim(0);
    return TRUE;
}
