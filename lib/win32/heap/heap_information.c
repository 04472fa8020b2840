/* SPDX-License-Identifier: MIT */
/* heap_information.c: HeapSetInformation, HeapQueryInformation. */
#include "win32/heap/heap.h"

#include "heap/purge.h"
#include "private/walk.h"

enum {
    STANDARD = 0,
    LOW_FRAGMENTATION = 2,
    BLOCKS_FOR_IT = 18 /* of one size, before Windows makes a heap one of low fragmentation */
};

static bool can_have_low_fragmentation(const struct private_heap *heap)
{
    return heap->kind == HEAP_SHARED;
}

static ULONG compatibility(struct private_heap *heap)
{
    if (!can_have_low_fragmentation(heap))
        return STANDARD;
    if (!heap->low_fragmentation) {
        private_lock(heap);
        heap->low_fragmentation = private_most_of_a_size(heap) >= BLOCKS_FOR_IT;
        private_unlock(heap);
    }
    return heap->low_fragmentation ? LOW_FRAGMENTATION : STANDARD;
}

static BOOL set_compatibility(struct private_heap *heap, const ULONG *value, SIZE_T length)
{
    if (length < sizeof *value)
        return fail(ERROR_INSUFFICIENT_BUFFER);
    if (value == NULL)
        return fail(ERROR_NOACCESS);
    if (*value == STANDARD && compatibility(heap) == STANDARD)
        return TRUE;
    if (*value != LOW_FRAGMENTATION || !can_have_low_fragmentation(heap))
        return fail(ERROR_GEN_FAILURE);
    heap->low_fragmentation = true;
    return TRUE;
}

static BOOL optimize(HANDLE handle, const HEAP_OPTIMIZE_RESOURCES_INFORMATION *wish, SIZE_T length)
{
    struct private_heap *heap = handle != NULL ? heap_from_handle(handle) : NULL;
    if (handle != NULL && heap == NULL)
        return FALSE;
    if (length < sizeof *wish)
        return fail(ERROR_INSUFFICIENT_BUFFER);
    if (wish == NULL)
        return fail(ERROR_NOACCESS);
    if (wish->Version != HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION || wish->Flags != 0)
        return fail(ERROR_INVALID_PARAMETER);
    if (heap == NULL || is_process_heap(heap))
        purge_all();
    if (heap != NULL)
        private_compact(heap);
    else
        private_compact_shared();
    return TRUE;
}

BOOL WINAPI HeapSetInformation(HANDLE handle, HEAP_INFORMATION_CLASS information_class,
                               PVOID information, SIZE_T length)
{
    if (information_class == HeapEnableTerminationOnCorruption) {
        heap_terminate_on_corruption();
        return TRUE;
    }
    if (information_class == HeapOptimizeResources)
        return optimize(handle, information, length);
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    return information_class == HeapCompatibilityInformation
               ? set_compatibility(heap, information, length)
               : fail(ERROR_INVALID_PARAMETER);
}

BOOL WINAPI HeapQueryInformation(HANDLE handle, HEAP_INFORMATION_CLASS information_class,
                                 PVOID information, SIZE_T length, PSIZE_T returned)
{
    if (handle == NULL)
        return fail(ERROR_NOACCESS);
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (information_class != HeapCompatibilityInformation)
        return fail(ERROR_INVALID_PARAMETER);
    if (returned != NULL)
        *returned = sizeof(ULONG);
    if (length < sizeof(ULONG))
        return fail(ERROR_INSUFFICIENT_BUFFER);
    if (information == NULL)
        return fail(ERROR_NOACCESS);
    *(ULONG *)information = compatibility(heap);
    return TRUE;
}
