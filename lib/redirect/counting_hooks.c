/* SPDX-License-Identifier: MIT */
/* counting_hooks.c: allocations of the program's own modules that barrow does not serve, counted for
 * the account at the end (BARROW_STATS). */
#include "redirect/hooks.h"
#include "redirect/ntdll.h"

static void count_commit(const void *memory, DWORD type, SIZE_T size)
{
    if (memory && type & MEM_COMMIT)
        InterlockedExchangeAdd64(&redirect_counts.committed, (LONG64)size);
}

static void *WINAPI virtual_alloc(void *address, SIZE_T size, DWORD type, DWORD access)
{
    void *memory = VirtualAlloc(address, size, type, access);
    count_commit(memory, type, size);
    return memory;
}

static NTSTATUS NTAPI nt_allocate(HANDLE process, void **address, ULONG_PTR bits, SIZE_T *size,
                                  ULONG type, ULONG access)
{
    NTSTATUS status = NtAllocateVirtualMemory(process, address, bits, size, type, access);
    if (status >= 0 && process == GetCurrentProcess())
        count_commit(*address, type, *size);
    return status;
}

static HLOCAL WINAPI local_alloc(UINT flags, SIZE_T size)
{
    redirect_count(&redirect_counts.local);
    return LocalAlloc(flags, size);
}

static HGLOBAL WINAPI global_alloc(UINT flags, SIZE_T size)
{
    redirect_count(&redirect_counts.local);
    return GlobalAlloc(flags, size);
}

const struct named_hook counting_hooks[] = {
    { "VirtualAlloc", (void *)virtual_alloc, MODULE_PROGRAM },
    { "NtAllocateVirtualMemory", (void *)nt_allocate, MODULE_PROGRAM },
    { "LocalAlloc", (void *)local_alloc, MODULE_PROGRAM },
    { "GlobalAlloc", (void *)global_alloc, MODULE_PROGRAM },
    { NULL, NULL, 0 },
};
