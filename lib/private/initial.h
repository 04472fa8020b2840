/* SPDX-License-Identifier: MIT */
/* initial.h: the memory that a growable heap commits when it is made. It waits in a span of its own
 * until the heap takes its first slab or large block; then it goes to the region, which that is
 * taken from. (A bounded heap commits its own: bounded.c.) */
#ifndef BARROW_PRIVATE_INITIAL_H
#define BARROW_PRIVATE_INITIAL_H

#include "private/private_heap.h"

/* False when there is no such memory. */
bool initial_take(struct private_heap *heap, size_t bytes);

/* Does nothing when there is none any more. */
void initial_give(struct private_heap *heap);

/* The span, or NULL. */
ALWAYS_INLINE struct span *initial_span(const struct private_heap *heap)
{
    /* relaxed: who looks in has the heap's lock, or is its only user */
    uint32_t index = atomic_load_explicit(&heap->initial, memory_order_relaxed);
    return unlikely(index != 0) ? span_at(index) : NULL;
}

#endif
