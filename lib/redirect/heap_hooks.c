/* SPDX-License-Identifier: MIT */
/* heap_hooks.c: the heap functions that a C run-time calls. All that a run-time allocates, for its
 * callers or for itself, passes here: that makes the redirection complete.
 *
 * Functions that take memory (HeapAlloc) are replaced in run-times and in the program's own
 * modules. Those that are given a block are replaced everywhere, since a block may be handed on to
 * anyone: they ask whose it is. Calls that are not for us go to ntdll, below which there is no slot
 * that we have changed, so that they cannot come back. */
#include "heap/purge.h"
#include "redirect/backend.h"
#include "redirect/hooks.h"
#include "redirect/ntdll.h"

struct redirect_counts redirect_counts;
bool redirect_counting;

/* Of kernelbase, since RtlWalkHeap has another structure. */
static BOOL(WINAPI *system_heap_walk)(HANDLE, PROCESS_HEAP_ENTRY *);

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
    if (!runtime_is_heap(heap))
        return RtlAllocateHeap(heap, flags, size);
    redirect_count(&redirect_counts.heap);
    return or_failure(backend_alloc(size, flags & HEAP_ZERO_MEMORY), flags);
}

static void *WINAPI hook_realloc(HANDLE heap, DWORD flags, void *block, SIZE_T size)
{
    if (!backend_owns(block)) {
        redirect_count(&redirect_counts.foreign);
        return RtlReAllocateHeap(heap, flags, block, size);
    }
    redirect_count(&redirect_counts.resized);
    return or_failure(backend_realloc(block, size, flags), flags);
}

static BOOL WINAPI hook_free(HANDLE heap, DWORD flags, void *block)
{
    if (!backend_owns(block)) {
        redirect_count_if(block != NULL, &redirect_counts.foreign);
        return RtlFreeHeap(heap, flags, block);
    }
    redirect_count(&redirect_counts.freed);
    backend_free(block);
    return TRUE;
}

static SIZE_T WINAPI hook_size(HANDLE heap, DWORD flags, const void *block)
{
    return backend_owns(block) ? backend_size(block) : RtlSizeHeap(heap, flags, block);
}

static BOOL WINAPI hook_validate(HANDLE heap, DWORD flags, const void *block)
{
    return backend_owns(block) ? backend_is_block(block) : RtlValidateHeap(heap, flags, block);
}

static bool walk_ours(PROCESS_HEAP_ENTRY *entry)
{
    void *data = entry->lpData;
    size_t size;
    if (!backend_walk(&data, &size))
        return false;
    *entry = (PROCESS_HEAP_ENTRY){
        .lpData = data,
        .cbData = size > MAXDWORD ? MAXDWORD : (DWORD)size,
        .wFlags = PROCESS_HEAP_ENTRY_BUSY,
    };
    return true;
}

/* A walk goes through our blocks in use first, then through what the system's heap still has. The
 * run-times remember nothing between two calls but the entry's address. */
static BOOL WINAPI hook_walk(HANDLE heap, PROCESS_HEAP_ENTRY *entry)
{
    if (runtime_is_heap(heap) && (!entry->lpData || backend_owns(entry->lpData))) {
        if (walk_ours(entry))
            return TRUE;
        entry->lpData = NULL;
    }
    return system_heap_walk(heap, entry);
}

/* The run-times' _heapmin takes 0 for a failure, and after a purge it may be the truth. */
static SIZE_T WINAPI hook_compact(HANDLE heap, DWORD flags)
{
    SIZE_T left = RtlCompactHeap(heap, flags);
    if (!runtime_is_heap(heap))
        return left;
    purge_all();
    return left ? left : 1;
}

const struct named_hook heap_hooks[] = {
    { "HeapAlloc", (void *)hook_alloc, MODULE_PROGRAM | MODULE_RUNTIME },
    { "RtlAllocateHeap", (void *)hook_alloc, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapCompact", (void *)hook_compact, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapWalk", (void *)hook_walk, MODULE_PROGRAM | MODULE_RUNTIME },
    { "HeapFree", (void *)hook_free, MODULE_ANY },
    { "RtlFreeHeap", (void *)hook_free, MODULE_ANY },
    { "HeapReAlloc", (void *)hook_realloc, MODULE_ANY },
    { "RtlReAllocateHeap", (void *)hook_realloc, MODULE_ANY },
    { "HeapSize", (void *)hook_size, MODULE_ANY },
    { "RtlSizeHeap", (void *)hook_size, MODULE_ANY },
    { "HeapValidate", (void *)hook_validate, MODULE_ANY },
    { "RtlValidateHeap", (void *)hook_validate, MODULE_ANY },
    { NULL, NULL, 0 },
};

void heap_hooks_start(void)
{
    static const WCHAR *const names[] = { L"kernelbase.dll", L"kernel32.dll" };
    for (int i = 0; i < 2 && !system_heap_walk; i++) {
        HMODULE module = GetModuleHandleW(names[i]);
        if (module)
            system_heap_walk = (BOOL(WINAPI *)(HANDLE, PROCESS_HEAP_ENTRY *))(void *)GetProcAddress(
                module, "HeapWalk");
    }
}
