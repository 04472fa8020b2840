/* SPDX-License-Identifier: MIT */
/* heap.c: HeapAlloc, HeapFree, HeapReAlloc, HeapSize. The quick ways are here, over the pool that
 * the heap or the thread has; all else is private_heap.c's, and malloc's for its own blocks. */
#include "heap.h"

#include "diag/message.h"
#include "heap/checked.h"
#include "heap/heap.h"
#include "os/process.h"
#include "private/attach.h"
#include "private/bounded.h"
#include "private/lock.h"
#include "private/nursery.h"

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

/* In the checked mode the program ends here. */
static void require_heap(const struct private_heap *heap, HANDLE handle)
{
    if (heap != NULL || !checked_is_on())
        return;
    message("%p: not a heap, or one that was destroyed", handle);
    os_abort();
}

struct private_heap *heap_from_handle(HANDLE handle)
{
    struct private_heap *heap = private_heap_of(handle);
    require_heap(heap, handle);
    if (heap == NULL)
        SetLastError(ERROR_INVALID_HANDLE);
    return heap;
}

/* What is not in a private heap's span may be malloc's, if the heap is the process heap. */
static bool is_malloc_block(const struct private_heap *heap, const void *block)
{
    return is_process_heap(heap) && heap_is_block(block);
}

static unsigned private_flags(DWORD flags)
{
    return ((flags & HEAP_ZERO_MEMORY) != 0 ? PRIVATE_ZERO : 0) |
           ((flags & HEAP_REALLOC_IN_PLACE_ONLY) != 0 ? PRIVATE_IN_PLACE : 0) |
           ((flags & HEAP_NO_SERIALIZE) != 0 ? PRIVATE_UNLOCKED : 0);
}

/* ---- failure ------------------------------------------------------------------------------ */

static void *fail_with(const struct private_heap *heap, DWORD flags, DWORD status, DWORD error)
{
    SetLastError(error);
    if (((flags | (heap != NULL ? heap->options : 0)) & HEAP_GENERATE_EXCEPTIONS) != 0)
        RaiseException(status, EXCEPTION_NONCONTINUABLE, 0, NULL);
    return NULL;
}

static void *no_heap(DWORD flags)
{
    return fail_with(NULL, flags, STATUS_ACCESS_VIOLATION, ERROR_INVALID_HANDLE);
}

static void *no_memory(const struct private_heap *heap, DWORD flags)
{
    return fail_with(heap, flags, STATUS_NO_MEMORY, ERROR_NOT_ENOUGH_MEMORY);
}

/* ---- HeapAlloc ---------------------------------------------------------------------------- */

static NOINLINE void *alloc_slow(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = private_heap_of(handle);
    require_heap(heap, handle);
    if (heap == NULL)
        return no_heap(flags);
    void *block = private_alloc(heap, 1, size, private_flags(flags));
    return likely(block != NULL) ? block : no_memory(heap, flags);
}

/* The thread's pool has no block at hand, or it must not be used now. */
static NOINLINE void *alloc_dry(struct private_heap *heap, DWORD flags, SIZE_T size,
                                struct pool *pool)
{
    bool may = atomic_load_explicit(&heap->held, memory_order_acquire) == 0;
    void *block = may ? nursery_alloc_size(pool, size) : NULL;
    pool_end(pool);
    return block != NULL ? block : alloc_slow(heap, flags, size);
}

/* A serialized bounded heap's quick way: its lock, if that is free, but none of private_lock's
 * other duties. False: the general way. */
static inline bool lock_bounded(struct private_heap *heap)
{
    if (!heap->serialized)
        return true;
    if (unlikely(!os_try_lock(&heap->mutex)))
        return false;
    heap->depth = 1;
    return true;
}

static inline void unlock_bounded(struct private_heap *heap)
{
    if (!heap->serialized)
        return;
    heap->depth = 0;
    os_unlock(&heap->mutex);
}

static NOINLINE void *alloc_bounded(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    void *block = NULL;
    if (lock_bounded(heap)) {
        block = bounded_quick_pop(heap->bounded, size);
        unlock_bounded(heap);
    }
    return likely(block != NULL) ? block : alloc_slow(handle, flags, size);
}

/* The shared heaps' way. Each way is a function of its own that the one before ends with, so that
 * none needs a frame. */
static NOINLINE void *alloc_elsewhere(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    struct pool *pool;
    void *block;
    if (heap->kind == HEAP_SHARED && likely(is_seated(heap, &pool))) {
        if (unlikely(!pool_begin(heap, pool)) || unlikely((block = pool_pop(pool, size)) == NULL))
            return alloc_dry(heap, flags, size, pool);
        pool_end(pool);
        return block;
    }
    if (heap->kind == HEAP_BOUNDED)
        return alloc_bounded(handle, flags, size);
    block = heap->kind == HEAP_OWNED ? nursery_alloc_size(&heap->pool, size) : NULL;
    return likely(block != NULL) ? block : alloc_slow(handle, flags, size);
}

static inline bool is_plain(DWORD flags)
{
    return (flags & (HEAP_ZERO_MEMORY | HEAP_GENERATE_EXCEPTIONS)) == 0;
}

LPVOID WINAPI HeapAlloc(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    if (unlikely(!is_slot(handle)) || unlikely(!is_plain(flags)) || unlikely(size > POOL_SMALL_MAX))
        return alloc_slow(handle, flags, size);
    /* the pool of a heap of another kind, or of none any more, is empty */
    void *block = pool_pop(&heap->pool, size);
    return likely(block != NULL) ? block : alloc_elsewhere(handle, flags, size);
}

/* ---- HeapFree ----------------------------------------------------------------------------- */

static NOINLINE BOOL free_slow(HANDLE handle, DWORD flags, LPVOID block)
{
    if (block == NULL)
        return TRUE;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (private_free(heap, block, private_flags(flags)))
        return TRUE;
    if (is_malloc_block(heap, block)) {
        heap_free(block, "HeapFree");
        return TRUE;
    }
    heap_corrupt("HeapFree", handle, block);
    return FALSE;
}

static NOINLINE BOOL end_at_rest(struct pool *pool, struct span *slab)
{
    pool_slab_rests(pool, slab);
    pool_end(pool);
    return TRUE;
}

static NOINLINE BOOL free_shared(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = handle;
    struct pool *pool;
    if (unlikely(!is_seated(heap, &pool)))
        return free_slow(handle, flags, block);
    struct span *slab = pool_begin(heap, pool) ? pool_mark_free(pool, block) : NULL;
    if (unlikely(slab == NULL)) {
        pool_end(pool);
        return free_slow(handle, flags, block);
    }
    if (unlikely(pool_put_rests(slab, block)))
        return end_at_rest(pool, slab);
    pool_end(pool);
    return TRUE;
}

static NOINLINE BOOL free_bounded(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = handle;
    bool done = false;
    if (lock_bounded(heap)) {
        done = bounded_free(heap->bounded, block);
        unlock_bounded(heap);
    }
    return likely(done) ? TRUE : free_slow(handle, flags, block);
}

static NOINLINE BOOL free_elsewhere(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = handle;
    if (likely(is_slot(handle)) && heap->kind == HEAP_SHARED)
        return free_shared(handle, flags, block);
    if (is_slot(handle) && heap->kind == HEAP_BOUNDED)
        return free_bounded(handle, flags, block);
    return free_slow(handle, flags, block);
}

/* A pool at the handle's address that owns the block's slab is that of a live heap with one thread:
 * so the handle needs no other check. */
BOOL WINAPI HeapFree(HANDLE handle, DWORD flags, LPVOID block)
{
    struct pool *pool = handle;
    struct span *slab = likely(pool != NULL) ? pool_mark_free(pool, block) : NULL;
    return likely(slab != NULL) ? pool_put(pool, slab, block)
                                : free_elsewhere(handle, flags, block);
}

/* ---- HeapSize ----------------------------------------------------------------------------- */

SIZE_T WINAPI HeapSize(HANDLE handle, DWORD flags, LPCVOID block)
{
    (void)flags;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return (SIZE_T)-1;
    size_t size = private_size(heap, block);
    if (size == PRIVATE_NO_BLOCK && is_malloc_block(heap, block))
        return heap_usable_size(block, "HeapSize");
    if (size == PRIVATE_NO_BLOCK)
        SetLastError(ERROR_INVALID_PARAMETER);
    return size;
}

/* ---- HeapReAlloc -------------------------------------------------------------------------- */

static void *resize_malloc_block(void *block, SIZE_T size, DWORD flags)
{
    size_t old = heap_usable_size(block, "HeapReAlloc");
    void *moved = (flags & HEAP_REALLOC_IN_PLACE_ONLY) == 0
                      ? heap_realloc(block, size, "HeapReAlloc")
                  : heap_resize_in_place(block, size, "HeapReAlloc") ? block
                                                                     : NULL;
    if (moved != NULL && (flags & HEAP_ZERO_MEMORY) != 0 && size > old)
        memset((char *)moved + old, 0, size - old);
    return moved;
}

LPVOID WINAPI HeapReAlloc(HANDLE handle, DWORD flags, LPVOID block, SIZE_T size)
{
    struct private_heap *heap = private_heap_of(handle);
    bool valid;
    if (heap == NULL)
        return no_heap(flags);
    if (block == NULL)
        return fail_null(NO_ERROR);
    void *moved = private_realloc(heap, block, size, private_flags(flags), &valid);
    if (!valid && is_malloc_block(heap, block)) {
        valid = true;
        moved = size <= PTRDIFF_MAX ? resize_malloc_block(block, size, flags) : NULL;
    }
    if (moved != NULL)
        return moved;
    if (valid)
        return no_memory(heap, flags);
    heap_corrupt("HeapReAlloc", handle, block);
    return fail_with(heap, flags, STATUS_ACCESS_VIOLATION, ERROR_INVALID_PARAMETER);
}
