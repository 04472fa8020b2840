/* SPDX-License-Identifier: MIT */
#include "private/lock.h"

#include "os/thread.h"
#include "private/attach.h"

static uint32_t held(struct private_heap *heap)
{
    return atomic_load_explicit(&heap->held, memory_order_relaxed);
}

static void hold_off(struct private_heap *heap)
{
    atomic_store_explicit(&heap->held, HELD, memory_order_seq_cst);
    os_barrier();
    /* acquire: pairs with the release in attach.c. A pool that is added later sees `held`. */
    for (struct pool *pool = atomic_load_explicit(&heap->pools, memory_order_acquire); pool != NULL;
         pool = pool->next_in_heap)
        os_work_await(&pool->working);
}

/* Then it is the program that lets one thread at a time use the heap. */
static bool has_no_lock(const struct private_heap *heap)
{
    return heap->kind == HEAP_OWNED || (heap->kind == HEAP_BOUNDED && !heap->serialized);
}

void private_lock(struct private_heap *heap)
{
    if (has_no_lock(heap))
        return;
    if (os_lock_is_mine(&heap->mutex)) {
        heap->depth++;
        return;
    }
    os_lock(&heap->mutex);
    heap->depth = 1;
    if (heap->kind == HEAP_SHARED && held(heap) == 0)
        hold_off(heap);
}

bool private_lock_pinned(struct private_heap *heap)
{
    /* The destroyer may be the one that holds the lock, and it waits for the pin. */
    while (!os_lock_is_mine(&heap->mutex) && !os_try_lock(&heap->mutex)) {
        if (atomic_load_explicit(&heap->closing, memory_order_relaxed))
            return false;
        os_yield();
    }
    if (heap->depth++ == 0 && heap->kind == HEAP_SHARED && held(heap) == 0)
        hold_off(heap);
    return true;
}

bool private_unlock(struct private_heap *heap)
{
    if (has_no_lock(heap))
        return true;
    if (!os_lock_is_mine(&heap->mutex))
        return false;
    if (--heap->depth > 0)
        return true;
    if (held(heap) == HELD) /* release: pairs with os_work_begin */
        atomic_store_explicit(&heap->held, 0, memory_order_release);
    os_unlock(&heap->mutex);
    return true;
}

/* ---- calls -------------------------------------------------------------------------------- */

static struct entry enter_locked(struct private_heap *heap)
{
    private_lock(heap);
    return (struct entry){ heap->kind == HEAP_BOUNDED ? NULL : attach_common(heap), true };
}

static void await_unlock(struct private_heap *heap)
{
    os_lock(&heap->mutex);
    os_unlock(&heap->mutex);
}

static struct entry enter_shared(struct private_heap *heap, unsigned flags)
{
    for (;;) {
        struct pool *pool;
        if (held(heap) == CAREFUL ||
            (!is_seated(heap, &pool) && (pool = attach_pool(heap)) == NULL))
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
    if (heap->kind == HEAP_SHARED)
        return enter_shared(heap, flags);
    if (heap->kind == HEAP_BOUNDED && (!heap->serialized || (flags & PRIVATE_UNLOCKED) != 0))
        return (struct entry){ NULL, false };
    if (heap->kind == HEAP_BOUNDED)
        return enter_locked(heap);
    return (struct entry){ &heap->pool, false };
}

void private_leave(struct private_heap *heap, struct entry entry)
{
    if (entry.locked)
        private_unlock(heap);
    else if (heap->kind == HEAP_SHARED)
        pool_end(entry.pool);
}

void lock_after_fork(struct private_heap *heap)
{
    if (os_lock_is_held(&heap->mutex) && !os_lock_is_mine(&heap->mutex)) {
        os_lock_reset(&heap->mutex);
        heap->depth = 0;
        if (held(heap) == HELD)
            atomic_store_explicit(&heap->held, 0, memory_order_relaxed);
    }
}
