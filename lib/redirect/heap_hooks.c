/* SPDX-License-Identifier: MIT */
/* heap_hooks.c: the heap functions that a C run-time calls. All that a run-time allocates, for its
 * callers or for itself, passes here: that makes the redirection complete.
 *
 * Functions that take memory (HeapAlloc) are replaced in run-times and in the program's own
 * modules. Those that are given a block are replaced everywhere, since a block may be handed on to
 * anyone: they ask whose it is. Calls that are not for us go to ntdll, below which there is no slot
 * that we have changed, so that they cannot come back. */
#include "backend.h"
#include "hooks.h"

struct redirect_counts redirect_counts;
bool redirect_counting;

/* Of kernelbase, since RtlWalkHeap has another structure. */
static BOOL(WINAPI *system_heap_walk)(HANDLE, PROCESS_HEAP_ENTRY *);

static void *WINAPI heap_alloc(HANDLE heap, DWORD flags, SIZE_T size)
{
    if (!runtime_is_heap(heap))
        return RtlAllocateHeap(heap, flags, size);
    redirect_count(&redirect_counts.heap);
    return backend_alloc(flags, size);
}

static void *WINAPI heap_realloc(HANDLE heap, DWORD flags, void *block, SIZE_T size)
{
    if (!backend_owns(block)) {
        redirect_count(&redirect_counts.foreign);
        return RtlReAllocateHeap(heap, flags, block, size);
    }
    redirect_count(&redirect_counts.resized);
    return backend_realloc(flags, block, size);
}

static BOOL WINAPI heap_free(HANDLE heap, DWORD flags, void *block)
{
    if (!backend_owns(block)) {
        redirect_count(&redirect_counts.foreign);
        return RtlFreeHeap(heap, flags, block);
    }
    redirect_count(&redirect_counts.freed);
    return backend_free(block);
}

static SIZE_T WINAPI heap_size(HANDLE heap, DWORD flags, const void *block)
{
    return backend_owns(block) ? backend_size(block) : RtlSizeHeap(heap, flags, block);
}

static BOOL WINAPI heap_validate(HANDLE heap, DWORD flags, const void *block)
{
    if (block)
        return backend_owns(block) ? backend_validate(block) : RtlValidateHeap(heap, flags, block);
    return (!runtime_is_heap(heap) || backend_validate(NULL)) && RtlValidateHeap(heap, flags, NULL);
}

/* A walk goes through our blocks first, then through those that the system's heap still has from
 * before. The run-times keep nothing of the entry but the address, the size and whether it is in
 * use. */
static BOOL WINAPI heap_walk(HANDLE heap, PROCESS_HEAP_ENTRY *entry)
{
    if (!runtime_is_heap(heap) || (entry->lpData && !backend_owns(entry->lpData)))
        return system_heap_walk(heap, entry);
    if (backend_walk(entry))
        return TRUE;
    if (GetLastError() != ERROR_NO_MORE_ITEMS)
        return FALSE;
    entry->lpData = NULL;
    return system_heap_walk(heap, entry);
}

/* The run-times' _heapmin takes 0 for a failure, and having given back all there was for 0. */
static SIZE_T WINAPI heap_compact(HANDLE heap, DWORD flags)
{
    SIZE_T left = RtlCompactHeap(heap, flags);
    if (!runtime_is_heap(heap))
        return left;
    SIZE_T ours = backend_compact();
    if (ours > left)
        left = ours;
    return left ? left : 1;
}

const struct named_hook heap_hooks[] = {
    { "HeapAlloc", heap_alloc, MODULE_PROGRAM | MODULE_RUNTIME },
    { "RtlAllocateHeap", heap_alloc, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapCompact", heap_compact, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapWalk", heap_walk, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapFree", heap_free, MODULE_ANY },
    { "RtlFreeHeap", heap_free, MODULE_ANY },
    { "HeapReAlloc", heap_realloc, MODULE_ANY },
    { "RtlReAllocateHeap", heap_realloc, MODULE_ANY },
    { "HeapSize", heap_size, MODULE_ANY },
    { "RtlSizeHeap", heap_size, MODULE_ANY },
    { "HeapValidate", heap_validate, MODULE_ANY },
    { "RtlValidateHeap", heap_validate, MODULE_ANY },
    { NULL, NULL, 0 },
};

void heap_hooks_start(void)
{
    static const WCHAR *const names[] = { L"kernelbase.dll", L"kernel32.dll" };
    for (int i = 0; i < 2 && !system_heap_walk; i++) {
        HMODULE module = GetModuleHandleW(names[i]);
        if (module)
            system_heap_walk = (void *)GetProcAddress(module, "HeapWalk");
    }
}
