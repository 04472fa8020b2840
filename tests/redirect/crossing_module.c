/* SPDX-License-Identifier: MIT */
/* crossing_module.c: a DLL that needs nothing but kernel32, for crossing.c to load from memory. */
#include <windows.h>

__declspec(dllexport) BOOL give_back(void *block);
__declspec(dllexport) SIZE_T size_of(const void *block);
__declspec(dllexport) void *take(SIZE_T size);
BOOL WINAPI start(void *self, DWORD reason, void *reserved);

BOOL give_back(void *block)
{
    return HeapFree(GetProcessHeap(), 0, block);
}

SIZE_T size_of(const void *block)
{
    return HeapSize(GetProcessHeap(), 0, block);
}

void *take(SIZE_T size)
{
    return HeapAlloc(GetProcessHeap(), 0, size);
}

BOOL WINAPI start(void *self, DWORD reason, void *reserved)
{
    (void)self, (void)reason, (void)reserved;
    return TRUE;
}
