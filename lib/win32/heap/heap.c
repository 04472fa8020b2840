/* SPDX-License-Identifier: MIT */
/* heap.c: HeapReAlloc, HeapSize, and what becomes of calls that fail. */
#include "win32/heap/heap.h"

#include "diag/message.h"
#include "heap/checked.h"
#include "heap/heap.h"
#include "os/process.h"

static _Atomic bool terminates;

void heap_terminate_on_corruption(void)
{
    atomic_store_explicit(&terminates, true, memory_order_relaxed);
}

void heap_corrupt(const char *call, HANDLE heap, const void *address)
{
    if (atomic_load_explicit(&terminates, memory_order_relaxed) || checked_is_on()) {
        message("%s(%p, %p): not a block in use of this heap, or the heap is damaged", call, heap,
                address);
        os_abort();
    }
    SetLastError(ERROR_INVALID_PARAMETER);
}

void heap_require(const struct private_heap *heap, HANDLE handle)
{
    if (heap != NULL || !checked_is_on())
        return;
    message("%p: not a heap, or one that was destroyed", handle);
    os_abort();
}

struct private_heap *heap_from_handle(HANDLE handle)
{
    struct private_heap *heap = private_heap_of(handle);
    heap_require(heap, handle);
    if (heap == NULL)
        SetLastError(ERROR_INVALID_HANDLE);
    return heap;
}

bool heap_is_mallocs(const struct private_heap *heap, const void *block)
{
    return is_process_heap(heap) && heap_is_block(block);
}

/* ---- failure ------------------------------------------------------------------------------ */

static void *fail_with(const struct private_heap *heap, DWORD flags, DWORD status, DWORD error)
{
    SetLastError(error);
    if (((flags | (heap != NULL ? heap->options : 0)) & HEAP_GENERATE_EXCEPTIONS) != 0)
        RaiseException(status, EXCEPTION_NONCONTINUABLE, 0, NULL);
    return NULL;
}

void *heap_unknown(DWORD flags)
{
    return fail_with(NULL, flags, STATUS_ACCESS_VIOLATION, ERROR_INVALID_HANDLE);
}

void *heap_exhausted(const struct private_heap *heap, DWORD flags)
{
    DWORD error =
        heap->kind == HEAP_MAPPED ? heap->backend->failure(heap) : ERROR_NOT_ENOUGH_MEMORY;
    return fail_with(heap, flags, STATUS_NO_MEMORY, error);
}

/* ---- HeapSize ----------------------------------------------------------------------------- */

SIZE_T WINAPI HeapSize(HANDLE handle, DWORD flags, LPCVOID block)
{
    (void)flags;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return (SIZE_T)-1;
    size_t size = private_size(heap, block);
    if (size == PRIVATE_NO_BLOCK && heap_is_mallocs(heap, block))
        return heap_usable_size(block, "HeapSize");
    if (size == PRIVATE_NO_BLOCK)
        SetLastError(ERROR_INVALID_PARAMETER);
    return size;
}

/* ---- HeapReAlloc -------------------------------------------------------------------------- */

static void *resize_malloc_block(void *block, SIZE_T size, DWORD flags)
{
    size_t old = heap_usable_size(block, "HeapReAlloc");
    bool stays = (flags & HEAP_REALLOC_IN_PLACE_ONLY) != 0;
    void *moved = NULL;
    if (stays || size <= old) /* one that shrinks stays, as on Windows */
        moved = heap_resize_in_place(block, size, "HeapReAlloc") ? block : NULL;
    if (moved == NULL && !stays)
        moved = heap_realloc(block, size, "HeapReAlloc");
    if (moved != NULL && (flags & HEAP_ZERO_MEMORY) != 0 && size > old)
        memset((char *)moved + old, 0, heap_usable_size(moved, "HeapReAlloc") - old);
    return moved;
}

LPVOID WINAPI HeapReAlloc(HANDLE handle, DWORD flags, LPVOID block, SIZE_T size)
{
    struct private_heap *heap = private_heap_of(handle);
    bool valid;
    if (heap == NULL)
        return heap_unknown(flags);
    if (block == NULL)
        return fail_null(NO_ERROR);
    void *moved = private_realloc(heap, block, size, heap_private_flags(flags), &valid);
    if (!valid && heap_is_mallocs(heap, block)) {
        valid = true;
        moved = size <= PTRDIFF_MAX ? resize_malloc_block(block, size, flags) : NULL;
    }
    if (moved != NULL)
        return moved;
    if (valid)
        return heap_exhausted(heap, flags);
    heap_corrupt("HeapReAlloc", handle, block);
    return fail_with(heap, flags, STATUS_ACCESS_VIOLATION, ERROR_INVALID_PARAMETER);
}
