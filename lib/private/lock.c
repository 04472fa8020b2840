/* SPDX-License-Identifier: MIT */
#include "private/lock.h"

#include "os/child.h"
#include "os/thread.h"
#include "private/attach.h"

static uint32_t held(struct private_heap *heap)
{
    return atomic_load_explicit(&heap->held, memory_order_relaxed);
}

static void hold_off(struct private_heap *heap)
{
    attach_forbid(heap);
    os_barrier();
    /* acquire: pairs with the release in attach.c. A pool that is added later is not free. */
    for (struct pool *pool = atomic_load_explicit(&heap->pools, memory_order_acquire); pool != NULL;
         pool = pool->next_in_heap)
        os_work_await(&pool->working);
}

/* Then it is the program that lets one thread at a time use the heap; or the backend has a lock. */
static bool has_no_lock(const struct private_heap *heap)
{
    return heap->kind == HEAP_OWNED || (heap->kind == HEAP_BOUNDED && !heap->serialized) ||
           heap->kind == HEAP_MAPPED;
}

/* Then nobody else is at work without the mutex. */
static bool has_right_of_way(const struct private_heap *heap)
{
    return heap->right_of_way != NULL &&
           LOAD_RELAXED(&heap->right_of_way->thread) == os_thread_token();
}

/* True when the thread has the mutex for the first time. */
static bool acquire(struct private_heap *heap)
{
    if (!os_lock_is_mine(&heap->mutex)) {
        os_lock_acquire(&heap->mutex);
        heap->depth = 0;
    }
    return ++heap->depth == 1;
}

void private_lock(struct private_heap *heap)
{
    os_child_look();
    if (heap->kind == HEAP_MAPPED)
        heap->backend->lock(heap);
    if (!has_no_lock(heap) && acquire(heap) && held(heap) == 0 && !has_right_of_way(heap))
        hold_off(heap);
}

void private_lock_out(struct private_heap *heap)
{
    os_child_look();
    if (!has_no_lock(heap))
        acquire(heap);
}

bool private_lock_pinned(struct private_heap *heap)
{
    os_child_look();
    if (heap->kind == HEAP_MAPPED) {
        heap->backend->lock(heap);
        return true;
    }
    /* The destroyer may be the one that holds the lock, and it waits for the pin. */
    while (!os_lock_is_mine(&heap->mutex) && !os_lock_try_acquire(&heap->mutex)) {
        if (atomic_load_explicit(&heap->closing, memory_order_relaxed))
            return false;
        os_yield();
    }
    if (heap->depth++ == 0 && !has_no_lock(heap) && held(heap) == 0 && !has_right_of_way(heap))
        hold_off(heap);
    return true;
}

bool private_unlock(struct private_heap *heap)
{
    if (heap->kind == HEAP_MAPPED)
        return heap->backend->unlock(heap);
    if (has_no_lock(heap))
        return true;
    if (!os_lock_is_mine(&heap->mutex))
        return false;
    if (--heap->depth > 0)
        return true;
    if (held(heap) == HELD)
        attach_allow(heap);
    os_lock_release(&heap->mutex);
    return true;
}

/* ---- the right of way in a bounded heap --------------------------------------------------- */

/* Calls in a row that one thread must make to be given it, at first and at most: whoever takes it
 * away has all threads pass a barrier, which must not happen often. */
enum { IN_A_ROW_LEAST = 64, IN_A_ROW_MOST = 1 << 16 };

/* Another thread than the one that has it came, and has held it off. */
static void take_right_of_way(struct private_heap *heap)
{
    heap->right_of_way = NULL;
    atomic_store_explicit(&heap->held, CAREFUL, memory_order_relaxed);
    if (heap->calls_wanted < IN_A_ROW_MOST)
        heap->calls_wanted *= 2;
}

static void give_right_of_way(struct private_heap *heap)
{
    heap->calls_in_a_row = 0;
    if (!os_barrier_is_there() || (heap->right_of_way = attach_pool(heap)) == NULL)
        return;
    atomic_store_explicit(&heap->held, HELD, memory_order_relaxed); /* until the mutex is left */
}

/* Whose turn it is, in the mutex. */
static void count_call(struct private_heap *heap)
{
    if (has_right_of_way(heap))
        return;
    if (heap->right_of_way != NULL)
        take_right_of_way(heap);
    if (heap->calls_wanted == 0)
        heap->calls_wanted = IN_A_ROW_LEAST;
    if (heap->last_caller != os_thread_token()) {
        heap->last_caller = os_thread_token();
        heap->calls_in_a_row = 0;
    }
    if (++heap->calls_in_a_row >= heap->calls_wanted)
        give_right_of_way(heap);
}

/* ---- calls -------------------------------------------------------------------------------- */

static struct entry enter_locked(struct private_heap *heap)
{
    private_lock(heap);
    if (heap->kind == HEAP_SHARED)
        return (struct entry){ attach_common(heap), true };
    count_call(heap);
    return (struct entry){ NULL, true };
}

/* The thread goes its own way if it has the right of way. */
static struct entry enter_bounded(struct private_heap *heap)
{
    struct pool *pool = attach_seated(heap);
    if (pool == NULL)
        return enter_locked(heap);
    if (pool_begin(heap, pool))
        return (struct entry){ pool, false };
    pool_end(pool);
    return enter_locked(heap);
}

static void await_unlock(struct private_heap *heap)
{
    os_lock_acquire(&heap->mutex);
    os_lock_release(&heap->mutex);
}

static struct entry enter_shared(struct private_heap *heap, unsigned flags)
{
    for (;;) {
        struct pool *pool = held(heap) != CAREFUL ? attach_pool(heap) : NULL;
        if (pool == NULL)
            return enter_locked(heap);
        if (pool_begin(heap, pool) || (flags & PRIVATE_UNLOCKED) != 0 ||
            os_lock_is_mine(&heap->mutex))
            return (struct entry){ pool, false };
        pool_end(pool);
        await_unlock(heap);
    }
}

struct entry private_enter(struct private_heap *heap, unsigned flags)
{
    os_child_look();
    if (heap->kind == HEAP_SHARED)
        return enter_shared(heap, flags);
    if (heap->kind == HEAP_BOUNDED && (!heap->serialized || (flags & PRIVATE_UNLOCKED) != 0))
        return (struct entry){ NULL, false };
    if (heap->kind == HEAP_BOUNDED)
        return enter_bounded(heap);
    if (heap->kind == HEAP_MAPPED)
        return (struct entry){ NULL, false };
    return (struct entry){ &heap->pool, false };
}

void private_leave(struct private_heap *heap, struct entry entry)
{
    if (entry.locked)
        private_unlock(heap);
    else if (heap->kind != HEAP_OWNED && entry.pool != NULL)
        pool_end(entry.pool);
}

void lock_after_fork(struct private_heap *heap)
{
    if (os_lock_is_held(&heap->mutex) && !os_lock_is_mine(&heap->mutex)) {
        os_lock_reset(&heap->mutex);
        heap->depth = 0;
        if (held(heap) == HELD) /* attach_after_fork does the rest */
            atomic_store_explicit(&heap->held, 0, memory_order_relaxed);
    }
}
