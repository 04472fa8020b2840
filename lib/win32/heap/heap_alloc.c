/* SPDX-License-Identifier: MIT */
/* heap_alloc.c: HeapAlloc. The quick ways are here, one for each kind of heap: a block from the
 * pool that the heap or the thread has, or from a bounded heap's quick lists. Each ends with a call
 * of its slow way, so that none needs a frame. All else is private_heap.c's. */
#include "private/attach.h"
#include "private/bounded.h"
#include "private/lock.h"
#include "win32/heap/heap.h"

static NOINLINE void *alloc_slow(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = private_heap_of(handle);
    heap_require(heap, handle);
    if (heap == NULL)
        return heap_unknown(flags);
    void *block = private_alloc(heap, 1, size, heap_private_flags(flags));
    return likely(block != NULL) ? block : heap_exhausted(heap, flags);
}

/* Exceptions are for calls that fail, and those are slow ones. */
static inline bool is_plain(DWORD flags)
{
    return likely((flags & HEAP_ZERO_MEMORY) == 0);
}

static inline bool is_small(SIZE_T size)
{
    return likely(size <= POOL_SMALL_MAX);
}

/* ---- heaps of one thread ------------------------------------------------------------------ */

static NOINLINE void *alloc_owned(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    void *block = NULL;
    if (heap->kind == HEAP_OWNED && is_plain(flags))
        block = pool_alloc_dry(&heap->pool, size);
    return likely(block != NULL) ? block : alloc_slow(handle, flags, size);
}

/* The handle is not of the first segment of slots, if it is one. */
static NOINLINE void *alloc_owned_far(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    void *block = NULL;
    if (!is_far_place(handle, PLACE_OWNED))
        return alloc_slow(handle, flags, size);
    if (is_plain(flags) && is_small(size))
        block = pool_pop(&heap->pool, size);
    return likely(block != NULL) ? block : alloc_owned(handle, flags, size);
}

/* ---- heaps with a pool at hand ------------------------------------------------------------ */

/* Without a block from there: once more with the heap's own pool at hand, or all the way. */
ALWAYS_INLINE void *end_slow(HANDLE handle, DWORD flags, SIZE_T size, struct pool *pool,
                             void *block)
{
    pool_end(pool);
    if (likely(block != NULL))
        return block;
    return attach_is_other(handle, pool) ? HeapAlloc(handle, flags, size)
                                         : alloc_slow(handle, flags, size);
}

/* ---- shared heaps ------------------------------------------------------------------------- */

/* The pool at hand is another heap's, may not be used now, or has no block; or it is a heap of one thread. */
static NOINLINE void *alloc_shared_slow(HANDLE handle, DWORD flags, SIZE_T size, struct pool *pool)
{
    void *block = NULL;
    if (is_in_place(handle, PLACE_OWNED)) {
        pool_end(pool);
        return alloc_owned_far(handle, flags, size);
    }
    if (pool_is_free_for(handle, pool) && is_plain(flags))
        block = pool_alloc_dry(pool, size);
    return end_slow(handle, flags, size, pool, block);
}

ALWAYS_INLINE void *alloc_shared(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct pool *pool = thread_words()->at_hand;
    void *block;
    if (!pool_begin(handle, pool) || !is_plain(flags) || !is_small(size) ||
        unlikely((block = pool_pop(pool, size)) == NULL))
        return alloc_shared_slow(handle, flags, size, pool);
    pool_end(pool);
    return block;
}

/* ---- bounded heaps ------------------------------------------------------------------------ */

static NOINLINE void *alloc_mapped(HANDLE handle, DWORD flags, SIZE_T size, struct pool *pool)
{
    struct private_heap *heap = handle;
    pool_end(pool);
    void *block = heap->backend->alloc(heap, 1, size, !is_plain(flags));
    return likely(block != NULL) ? block : alloc_slow(handle, flags, size);
}

static NOINLINE void *alloc_in_turn_slow(HANDLE handle, DWORD flags, SIZE_T size, struct pool *pool)
{
    struct private_heap *heap = handle;
    void *block = NULL;
    if (likely(is_place(handle, PLACE_BOUNDED_SERIALIZED)) && heap->kind == HEAP_MAPPED)
        return alloc_mapped(handle, flags, size, pool);
    if (pool_is_free_for(handle, pool) && is_plain(flags))
        block = bounded_alloc_slow(heap->bounded, size, BOUNDED_UNIT, NULL);
    return end_slow(handle, flags, size, pool, block);
}

/* A serialized one: the thread may have the right of way. */
ALWAYS_INLINE void *alloc_in_turn(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    struct pool *pool = thread_words()->at_hand;
    void *block;
    if (!pool_begin(handle, pool) || !is_plain(flags) ||
        unlikely((block = bounded_quick_pop(heap->bounded, size)) == NULL))
        return alloc_in_turn_slow(handle, flags, size, pool);
    pool_end(pool);
    return block;
}

static NOINLINE void *alloc_bounded_slow(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = private_heap_of(handle);
    void *block = NULL;
    if (is_plain(flags) && heap != NULL)
        block = bounded_alloc(heap->bounded, size);
    return likely(block != NULL) ? block : alloc_slow(handle, flags, size);
}

ALWAYS_INLINE void *alloc_bounded(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    void *block;
    if (unlikely(!is_near_place(handle, PLACE_BOUNDED)) || unlikely(heap->bounded == NULL) ||
        !is_plain(flags) || unlikely((block = bounded_quick_pop(heap->bounded, size)) == NULL))
        return alloc_bounded_slow(handle, flags, size);
    return block;
}

/* ---- the call ----------------------------------------------------------------------------- */

LPVOID WINAPI HeapAlloc(HANDLE handle, DWORD flags, SIZE_T size)
{
    struct private_heap *heap = handle;
    if (unlikely(!is_near_place(handle, PLACE_OWNED)))
        return !is_in_place(handle, PLACE_BOUNDED) ? alloc_shared(handle, flags, size)
               : is_in_place(handle, PLACE_OWNED)  ? alloc_in_turn(handle, flags, size)
                                                   : alloc_bounded(handle, flags, size);
    /* the pool of a heap that is no more is empty */
    void *block;
    if (!is_plain(flags) || !is_small(size) ||
        unlikely((block = pool_pop(&heap->pool, size)) == NULL))
        return alloc_owned(handle, flags, size);
    return block;
}
