/* SPDX-License-Identifier: MIT */
/* Heaps are made and destroyed. Who has a heap's handle, or pins it, has all of it: it is opened
 * when it is complete, and closed, and free of pins, before anything of it goes. */
#include "os/child.h"
#include "os/thread.h"
#include "private/attach.h"
#include "private/bounded.h"
#include "private/initial.h"
#include "private/large_blocks.h"
#include "private/lock.h"
#include "private/slots.h"
#include "region/region.h"

#include <string.h>

/* Of a heap that is executable and may grow: one reservation, as a bounded heap's. */
#define EXECUTABLE_RESERVE ((size_t)16 << 30)

static enum heap_place place_for(enum heap_kind kind, bool owned)
{
    if (kind == HEAP_BOUNDED)
        return owned ? PLACE_BOUNDED : PLACE_BOUNDED_SERIALIZED;
    return owned ? PLACE_OWNED : PLACE_SHARED;
}

static bool make_bounded(struct private_heap *heap, const struct private_wish *wish)
{
    size_t maximum = wish->maximum != 0 ? wish->maximum : EXECUTABLE_RESERVE;
    heap->bounded = bounded_create(wish->initial, maximum, wish->executable);
    heap->maximum = wish->maximum;
    heap->serialized = !wish->owned;
    return heap->bounded != NULL;
}

struct private_heap *private_create(const struct private_wish *wish)
{
    enum heap_kind kind = wish->maximum != 0 || wish->executable ? HEAP_BOUNDED
                          : wish->owned                          ? HEAP_OWNED
                                                                 : HEAP_SHARED;
    os_child_look();
    struct private_heap *heap = slot_take(place_for(kind, wish->owned));
    if (heap == NULL)
        return NULL;
    if (!(kind == HEAP_BOUNDED ? make_bounded(heap, wish) : initial_take(heap, wish->initial))) {
        slot_give(heap);
        return NULL;
    }
    heap->options = wish->options;
    heap->executable = wish->executable;
    heap->pool.heap = heap;
    heap->pool.nursery.map = (uint8_t *)heap + PLACE_NURSERY;
    /* nobody has the right of way in a bounded heap yet */
    if (kind == HEAP_BOUNDED || !os_barrier_is_there())
        atomic_store_explicit(&heap->held, CAREFUL, memory_order_relaxed);
    slot_open(heap, kind);
    return heap;
}

/* Made before any other heap, so that its slot is the first. */
struct private_heap *private_process_heap(void)
{
    static _Atomic(struct private_heap *) process;
    static struct os_lock lock;
    struct private_heap *heap = atomic_load_explicit(&process, memory_order_acquire);
    if (likely(heap != NULL) || os_lock_is_mine(&lock))
        return heap;
    os_child_look();
    os_lock(&lock);
    heap = atomic_load_explicit(&process, memory_order_relaxed);
    if (heap == NULL) {
        heap = private_create(&(struct private_wish){ 0 });
        atomic_store_explicit(&process, heap, memory_order_release);
    }
    os_unlock(&lock);
    return heap;
}

static void release_spans(struct private_heap *heap)
{
    for (struct pool *pool = atomic_load_explicit(&heap->pools, memory_order_acquire); pool != NULL;
         pool = pool->next_in_heap)
        pool_release(pool);
    pool_release(&heap->pool);
    large_blocks_release(heap);
}

/* Nobody pins it any more: slot_close was before. */
static void await_unpinned(struct private_heap *heap)
{
    /* acquire: pairs with private_pin_next */
    while (atomic_load_explicit(&heap->pins, memory_order_acquire) != 0)
        os_yield();
}

void private_destroy(struct private_heap *heap)
{
    enum heap_kind kind = (enum heap_kind)heap->kind;
    os_child_look();
    slot_close(heap);
    await_unpinned(heap);
    heap->kind = HEAP_GONE;
    initial_give(heap);
    if (kind == HEAP_BOUNDED)
        bounded_destroy(heap->bounded);
    else if (kind == HEAP_MAPPED)
        heap->backend->end(heap);
    else
        release_spans(heap);
    if (kind != HEAP_OWNED)
        attach_release(heap);
    /* what calls find by a stale handle: no blocks */
    heap->bounded = NULL;
    memset(&heap->pool, 0, sizeof heap->pool);
    slot_give(heap);
}
