/* SPDX-License-Identifier: MIT */
/* whole_heap_hooks.c: the functions that concern a heap as a whole. The process heap, and a
 * run-time's, have two parts: barrow's, and what Windows' own heap holds from before or for the
 * system's modules. Each call is about both, HeapSummary about barrow's. */
#include "barrow/heapapi.h"
#include "heap/purge.h"
#include "private/private_heap.h"
#include "redirect/backend.h"
#include "redirect/hooks.h"
#include "redirect/ntdll.h"

typedef BOOL WINAPI heap_walk_call(HANDLE, PROCESS_HEAP_ENTRY *);
typedef BOOL WINAPI heap_summary_call(HANDLE, DWORD, HEAP_SUMMARY *);

/* Of kernelbase: the structures of RtlWalkHeap and its kin are others. */
static heap_walk_call *system_heap_walk;
static heap_summary_call *system_heap_summary;

static BOOL WINAPI hook_validate(HANDLE heap, DWORD flags, const void *block)
{
    if (backend_owns(block))
        return backend_is_block(block);
    if (!block && runtime_is_heap(heap) && !backend_is_sound())
        return FALSE;
    return RtlValidateHeap(heap, flags, block);
}

/* ---- the heap's lock ---------------------------------------------------------------------- */

/* barrow's part is always locked first, by everybody who locks: then no thread can have the
 * system's lock and wait for one that holds barrow. */
static BOOL WINAPI hook_lock(HANDLE heap)
{
    if (runtime_is_heap(heap))
        barrow_HeapLock(barrow_GetProcessHeap());
    return RtlLockHeap(heap);
}

/* For the system's modules: kernelbase locks the heap around each call for Local and Global memory.
 * Threads that only allocate go on, which saves a barrier across all processors. */
static BOOL WINAPI hook_lock_out(HANDLE heap)
{
    if (runtime_is_heap(heap))
        private_lock_out(barrow_GetProcessHeap());
    return RtlLockHeap(heap);
}

static BOOL WINAPI hook_unlock(HANDLE heap)
{
    BOOL done = RtlUnlockHeap(heap);
    if (done && runtime_is_heap(heap))
        barrow_HeapUnlock(barrow_GetProcessHeap());
    return done;
}

/* ---- walk, compact, figures --------------------------------------------------------------- */

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

/* What barrow has. Wine 8 has no function for the rest. */
static BOOL WINAPI hook_summary(HANDLE heap, DWORD flags, HEAP_SUMMARY *summary)
{
    return runtime_is_heap(heap) ? barrow_HeapSummary(barrow_GetProcessHeap(), flags, summary)
                                 : system_heap_summary(heap, flags, summary);
}

/* Windows judges the arguments. barrow's heap has low fragmentation from the start. */
static BOOL WINAPI hook_query(HANDLE heap, HEAP_INFORMATION_CLASS what, void *information,
                              SIZE_T length, SIZE_T *returned)
{
    enum { LOW_FRAGMENTATION = 2 };
    BOOL done = HeapQueryInformation(heap, what, information, length, returned);
    if (done && what == HeapCompatibilityInformation && runtime_is_heap(heap))
        *(ULONG *)information = LOW_FRAGMENTATION;
    return done;
}

static BOOL WINAPI hook_set(HANDLE heap, HEAP_INFORMATION_CLASS what, void *information,
                            SIZE_T length)
{
    enum { OPTIMIZE_RESOURCES = 3 };
    if ((int)what == OPTIMIZE_RESOURCES && (!heap || runtime_is_heap(heap)))
        purge_all();
    return HeapSetInformation(heap, what, information, length);
}

enum { TAKING = MODULE_PROGRAM | MODULE_RUNTIME, OF_SYSTEM = MODULE_SYSTEM | MODULE_CORE };

const struct named_hook whole_heap_hooks[] = {
    { "HeapCompact", (void *)hook_compact, TAKING },
    { "RtlCompactHeap", (void *)hook_compact, TAKING },
    { "HeapWalk", (void *)hook_walk, TAKING },
    { "HeapSummary", (void *)hook_summary, TAKING },
    { "HeapQueryInformation", (void *)hook_query, TAKING },
    { "HeapSetInformation", (void *)hook_set, TAKING },
    { "HeapLock", (void *)hook_lock, TAKING },
    { "RtlLockHeap", (void *)hook_lock, TAKING },
    { "HeapLock", (void *)hook_lock_out, OF_SYSTEM },
    { "RtlLockHeap", (void *)hook_lock_out, OF_SYSTEM },
    { "HeapUnlock", (void *)hook_unlock, EVERYWHERE_FIRST },
    { "RtlUnlockHeap", (void *)hook_unlock, EVERYWHERE_FIRST },
    { "HeapValidate", (void *)hook_validate, EVERYWHERE_FIRST },
    { "RtlValidateHeap", (void *)hook_validate, EVERYWHERE_FIRST },
    { NULL, NULL, 0 },
};

static FARPROC of_kernel(const char *name)
{
    HMODULE base = GetModuleHandleW(L"kernelbase.dll");
    FARPROC found = base ? GetProcAddress(base, name) : NULL;
    return found ? found : GetProcAddress(GetModuleHandleW(L"kernel32.dll"), name);
}

void whole_heap_hooks_start(void)
{
    system_heap_walk = (heap_walk_call *)(void *)of_kernel("HeapWalk");
    system_heap_summary = (heap_summary_call *)(void *)of_kernel("HeapSummary");
}
