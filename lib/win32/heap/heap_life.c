/* SPDX-License-Identifier: MIT */
/* heap_life.c: HeapCreate, HeapDestroy, the heaps there are; what concerns a heap as a whole. */
#include "win32/heap/heap.h"

#include "heap/hold.h"
#include "heap/process.h"
#include "heap/purge.h"

HANDLE WINAPI HeapCreate(DWORD options, SIZE_T initial, SIZE_T maximum)
{
    struct private_wish wish = {
        .owned = (options & HEAP_NO_SERIALIZE) != 0,
        .executable = (options & HEAP_CREATE_ENABLE_EXECUTE) != 0,
        .initial = initial,
        .maximum = maximum,
        .options =
            options & (HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS | HEAP_CREATE_ENABLE_EXECUTE),
    };
    process_heap_start();
    struct private_heap *heap = private_process_heap() != NULL ? private_create(&wish) : NULL;
    return heap != NULL ? heap : fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

BOOL WINAPI HeapDestroy(HANDLE handle)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (is_process_heap(heap))
        return fail(ERROR_INVALID_HANDLE);
    private_destroy(heap);
    return TRUE;
}

HANDLE WINAPI GetProcessHeap(void)
{
    return private_process_heap();
}

DWORD WINAPI GetProcessHeaps(DWORD count, PHANDLE heaps)
{
    if (heaps == NULL && count != 0)
        return (DWORD)fail(ERROR_NOACCESS);
    return (DWORD)private_heaps((struct private_heap **)(void *)heaps, count);
}

/* ---- the whole heap ----------------------------------------------------------------------- */

BOOL WINAPI HeapLock(HANDLE handle)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    private_lock(heap);
    if (is_process_heap(heap) && heap->depth == 1)
        hold_malloc();
    return TRUE;
}

BOOL WINAPI HeapUnlock(HANDLE handle)
{
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (is_process_heap(heap) && os_lock_is_mine(&heap->mutex) && heap->depth == 1)
        release_malloc();
    return private_unlock(heap) ? TRUE : fail(ERROR_NOT_LOCKED);
}

SIZE_T WINAPI HeapCompact(HANDLE handle, DWORD flags)
{
    (void)flags;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return 0;
    if (is_process_heap(heap))
        purge_all();
    size_t largest = private_compact(heap);
    if (largest == 0)
        SetLastError(NO_ERROR);
    return largest;
}
