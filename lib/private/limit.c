/* SPDX-License-Identifier: MIT */
/* limit.c: what a heap has taken, how much it may take, and who is asked when that is not enough.
 */
#include "os/thread_words.h"
#include "private/bounded.h"
#include "private/initial.h"
#include "private/private_heap.h"

_Atomic(private_ask_fn *) private_ask;

static size_t charged(struct private_heap *heap)
{
    return atomic_load_explicit(&heap->charged, memory_order_relaxed);
}

/* relaxed, here and below: figures, with nothing behind them. Fails only by another thread. */
static bool exchange(struct private_heap *heap, size_t before, size_t after)
{
    if (heap->kind == HEAP_SHARED)
        return atomic_compare_exchange_weak_explicit(&heap->charged, &before, after,
                                                     memory_order_relaxed, memory_order_relaxed);
    atomic_store_explicit(&heap->charged, after, memory_order_relaxed);
    return true;
}

static void note_peak(struct private_heap *heap, size_t bytes)
{
    size_t peak = atomic_load_explicit(&heap->charged_peak, memory_order_relaxed);
    if (bytes > peak && heap->kind != HEAP_SHARED)
        atomic_store_explicit(&heap->charged_peak, bytes, memory_order_relaxed);
    else
        while (bytes > peak &&
               !atomic_compare_exchange_weak_explicit(&heap->charged_peak, &peak, bytes,
                                                      memory_order_relaxed, memory_order_relaxed))
            ;
}

/* Looks before it adds, so that a large request that fails cannot make a small one fail beside it.
 */
bool private_heap_charge(struct private_heap *heap, size_t bytes)
{
    size_t limit = atomic_load_explicit(&heap->limit, memory_order_relaxed), before;
    if (initial_span(heap) != NULL)
        initial_give(heap);
    do {
        before = charged(heap);
        if (limit != 0 && (before >= limit || bytes > limit - before))
            return false;
    } while (!exchange(heap, before, before + bytes));
    note_peak(heap, before + bytes);
    return true;
}

void private_heap_discharge(struct private_heap *heap, size_t bytes)
{
    size_t before;
    do
        before = charged(heap);
    while (!exchange(heap, before, before - bytes));
}

void private_set_limit(struct private_heap *heap, size_t limit, struct private_asked asked)
{
    os_lock(&heap->facts_lock);
    heap->asked = asked;
    os_unlock(&heap->facts_lock);
    atomic_store_explicit(&heap->limit, limit, memory_order_relaxed);
    if (heap->kind == HEAP_BOUNDED) {
        private_lock(heap);
        bounded_set_limit(heap->bounded, limit);
        private_unlock(heap);
    }
}

static struct private_asked who_is_asked(struct private_heap *heap)
{
    if (os_lock_is_mine(&heap->facts_lock))
        return (struct private_asked){ NULL, NULL };
    os_lock(&heap->facts_lock);
    struct private_asked asked = heap->asked;
    os_unlock(&heap->facts_lock);
    return asked;
}

bool private_asks_again(struct private_heap *heap, size_t wanted)
{
    bool again = false;
    struct private_asked asked = who_is_asked(heap);
    if (asked.call != NULL && !thread_words()->asking) {
        thread_words()->asking = true;
        again = atomic_load_explicit(&private_ask, memory_order_relaxed)(heap, wanted, asked);
        thread_words()->asking = false;
    }
    if (!again)
        atomic_fetch_add_explicit(&heap->refused, 1, memory_order_relaxed);
    return again;
}
