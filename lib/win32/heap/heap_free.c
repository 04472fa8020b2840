/* SPDX-License-Identifier: MIT */
/* heap_free.c: HeapFree, and its quick ways, as in heap_alloc.c. */
#include "heap/heap.h"
#include "private/attach.h"
#include "private/bounded.h"
#include "private/lock.h"
#include "win32/heap/heap.h"

static NOINLINE BOOL free_slow(HANDLE handle, DWORD flags, LPVOID block)
{
    if (block == NULL)
        return TRUE;
    struct private_heap *heap = heap_from_handle(handle);
    if (heap == NULL)
        return FALSE;
    if (private_free(heap, block, heap_private_flags(flags)))
        return TRUE;
    if (heap_is_mallocs(heap, block)) {
        heap_free(block, "HeapFree");
        return TRUE;
    }
    heap_corrupt("HeapFree", handle, block);
    return FALSE;
}

/* ---- heaps of one thread ------------------------------------------------------------------ */

static NOINLINE BOOL free_owned(HANDLE handle, DWORD flags, LPVOID block)
{
    return private_free_own(handle, block) ? TRUE : free_slow(handle, flags, block);
}

/* ---- heaps with a pool at hand ------------------------------------------------------------ */

/* If that did not do: once more with the heap's own pool at hand, or all the way. */
ALWAYS_INLINE BOOL end_slow(HANDLE handle, DWORD flags, LPVOID block, struct pool *pool, bool done)
{
    pool_end(pool);
    if (likely(done))
        return TRUE;
    return attach_is_other(handle, pool) ? HeapFree(handle, flags, block)
                                         : free_slow(handle, flags, block);
}

/* ---- shared heaps ------------------------------------------------------------------------- */

static NOINLINE BOOL end_at_rest(struct pool *pool, struct span *slab)
{
    pool_slab_rests(pool, slab);
    pool_end(pool);
    return TRUE;
}

/* The pool at hand is another heap's, may not be used now, or does not have the block. */
static NOINLINE BOOL free_shared_slow(HANDLE handle, DWORD flags, LPVOID block, struct pool *pool)
{
    bool done = pool_is_free_for(handle, pool) && private_free_own(pool, block);
    return end_slow(handle, flags, block, pool, done);
}

ALWAYS_INLINE BOOL free_shared(HANDLE handle, DWORD flags, LPVOID block)
{
    struct pool *pool = thread_words()->at_hand;
    struct span *slab = pool_begin(handle, pool) ? pool_mark_free(pool, block) : NULL;
    if (unlikely(slab == NULL))
        return free_shared_slow(handle, flags, block, pool);
    if (unlikely(pool_put_rests(slab, block)))
        return end_at_rest(pool, slab);
    pool_end(pool);
    return TRUE;
}

/* ---- bounded heaps ------------------------------------------------------------------------ */

static NOINLINE BOOL free_mapped(HANDLE handle, DWORD flags, LPVOID block, struct pool *pool)
{
    struct private_heap *heap = handle;
    pool_end(pool);
    return heap->backend->free(heap, block) ? TRUE : free_slow(handle, flags, block);
}

static NOINLINE BOOL free_in_turn_slow(HANDLE handle, DWORD flags, LPVOID block, struct pool *pool)
{
    struct private_heap *heap = handle;
    if (likely(is_place(handle, PLACE_BOUNDED_SERIALIZED)) && heap->kind == HEAP_MAPPED)
        return free_mapped(handle, flags, block, pool);
    bool done = pool_is_free_for(handle, pool) && bounded_free_slow(heap->bounded, block);
    return end_slow(handle, flags, block, pool, done);
}

/* A serialized one: the thread may have the right of way. */
ALWAYS_INLINE BOOL free_in_turn(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = handle;
    struct pool *pool = thread_words()->at_hand;
    if (!pool_begin(handle, pool) || unlikely(!bounded_quick_push(heap->bounded, block)))
        return free_in_turn_slow(handle, flags, block, pool);
    pool_end(pool);
    return TRUE;
}

static NOINLINE BOOL free_bounded_slow(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = private_heap_of(handle);
    return heap != NULL && bounded_free(heap->bounded, block) ? TRUE
                                                              : free_slow(handle, flags, block);
}

ALWAYS_INLINE BOOL free_bounded(HANDLE handle, DWORD flags, LPVOID block)
{
    struct private_heap *heap = handle;
    return likely(is_near_place(handle, PLACE_BOUNDED)) && likely(heap->bounded != NULL) &&
                   likely(bounded_quick_push(heap->bounded, block))
               ? TRUE
               : free_bounded_slow(handle, flags, block);
}

/* ---- the call ----------------------------------------------------------------------------- */

static NOINLINE BOOL free_elsewhere(HANDLE handle, DWORD flags, LPVOID block)
{
    if (is_in_place(handle, PLACE_OWNED))
        return is_in_place(handle, PLACE_BOUNDED) ? free_in_turn(handle, flags, block)
                                                  : free_owned(handle, flags, block);
    return is_in_place(handle, PLACE_BOUNDED) ? free_bounded(handle, flags, block)
                                              : free_shared(handle, flags, block);
}

/* A pool at the handle's address that owns the block's slab is that of a live heap with one thread:
 * so the handle needs no other check. */
BOOL WINAPI HeapFree(HANDLE handle, DWORD flags, LPVOID block)
{
    struct pool *pool = handle;
    struct span *slab =
        likely(is_in_place(handle, PLACE_OWNED)) ? pool_mark_free(pool, block) : NULL;
    return likely(slab != NULL) ? pool_put(pool, slab, block)
                                : free_elsewhere(handle, flags, block);
}
