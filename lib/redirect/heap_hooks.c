/* SPDX-License-Identifier: MIT */
/* heap_hooks.c: the heap functions for blocks. All that a run-time allocates, for its callers or for
 * itself, passes here: that makes the redirection complete.
 *
 * Functions that take memory (HeapAlloc) are replaced in run-times and in the program's own
 * modules. Those that are given a block are replaced everywhere, since a block may be handed on to
 * anyone: they ask whose it is; and first, since other threads may be running. Calls that are not for us go to ntdll, below which there is no slot
 * that we have changed, so that they cannot come back. */
#include "redirect/backend.h"
#include "redirect/hooks.h"
#include "redirect/ntdll.h"

struct redirect_counts redirect_counts;
bool redirect_counting;

static void *or_failure(void *block, DWORD flags)
{
    if (likely(block != NULL))
        return block;
    if (flags & HEAP_GENERATE_EXCEPTIONS)
        RaiseException((DWORD)STATUS_NO_MEMORY, EXCEPTION_NONCONTINUABLE, 0, NULL);
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
}

static void *WINAPI hook_alloc(HANDLE heap, DWORD flags, SIZE_T size)
{
    if (!runtime_is_heap(heap)) {
        redirect_count(&redirect_counts.elsewhere);
        return RtlAllocateHeap(heap, flags, size);
    }
    redirect_count(&redirect_counts.heap);
    return or_failure(backend_alloc(size, flags & HEAP_ZERO_MEMORY), flags);
}

/* ---- functions that are given a block ----------------------------------------------------- */

ALWAYS_INLINE void *resize(HANDLE heap, DWORD flags, void *block, SIZE_T size, const char *call)
{
    if (!backend_owns(block)) {
        redirect_count(&redirect_counts.foreign);
        return RtlReAllocateHeap(heap, flags, block, size);
    }
    redirect_count(&redirect_counts.resized);
    return or_failure(backend_realloc(block, size, flags, call), flags);
}

ALWAYS_INLINE BOOL release(HANDLE heap, DWORD flags, void *block, const char *call)
{
    if (!backend_owns(block)) {
        redirect_count_if(block != NULL, &redirect_counts.foreign);
        return RtlFreeHeap(heap, flags, block);
    }
    redirect_count(&redirect_counts.freed);
    backend_free(block, call);
    return TRUE;
}

ALWAYS_INLINE SIZE_T size_of(HANDLE heap, DWORD flags, const void *block, const char *call)
{
    return backend_owns(block) ? backend_size(block, call) : RtlSizeHeap(heap, flags, block);
}

/* kernel32's and ntdll's names, so that a message has the one that was called. On Windows both may
 * be one function. */
#define INSTANCES(prefix, resize_name, free_name, size_name)                                       \
    static void *WINAPI prefix##_resize(HANDLE heap, DWORD flags, void *block, SIZE_T size)        \
    {                                                                                              \
        return resize(heap, flags, block, size, resize_name);                                      \
    }                                                                                              \
    static BOOL WINAPI prefix##_free(HANDLE heap, DWORD flags, void *block)                        \
    {                                                                                              \
        return release(heap, flags, block, free_name);                                             \
    }                                                                                              \
    static SIZE_T WINAPI prefix##_size(HANDLE heap, DWORD flags, const void *block)                \
    {                                                                                              \
        return size_of(heap, flags, block, size_name);                                             \
    }

INSTANCES(hook, "HeapReAlloc", "HeapFree", "HeapSize")
INSTANCES(rtl, "RtlReAllocateHeap", "RtlFreeHeap", "RtlSizeHeap")

enum { TAKING = MODULE_PROGRAM | MODULE_RUNTIME };

const struct named_hook heap_hooks[] = {
    { "HeapAlloc", (void *)hook_alloc, TAKING },
    { "RtlAllocateHeap", (void *)hook_alloc, TAKING },
    { "HeapFree", (void *)hook_free, EVERYWHERE_FIRST },
    { "RtlFreeHeap", (void *)rtl_free, EVERYWHERE_FIRST },
    { "HeapReAlloc", (void *)hook_resize, EVERYWHERE_FIRST },
    { "RtlReAllocateHeap", (void *)rtl_resize, EVERYWHERE_FIRST },
    { "HeapSize", (void *)hook_size, EVERYWHERE_FIRST },
    { "RtlSizeHeap", (void *)rtl_size, EVERYWHERE_FIRST },
    { NULL, NULL, 0 },
};
