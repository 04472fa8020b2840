/* SPDX-License-Identifier: MIT */
/* heaps.h: what the files of barrow.h's functions for heaps share. */
#ifndef BARROW_SHIM_HEAPS_H
#define BARROW_SHIM_HEAPS_H

#include "barrow/barrow.h"
#include "private/private_heap.h"

/* The process heap has malloc's blocks too. */
static inline bool is_malloc_heap(const struct private_heap *heap)
{
    return heap->slot == 0;
}

/* Which figures of a heap may be looked at. */
enum known {
    KNOWN_ALL,
    KNOWN_TOTALS, /* not its blocks: its thread may be at work */
    KNOWN_LIMITS  /* not what it has taken either */
};

/* What another thread may look at: a serialized heap is all known when it is held. */
enum known heaps_known(const struct private_heap *heap);

/* Fills in all but the size; what is not known is 0. With KNOWN_ALL the caller holds the heap, or
 * is its only user. */
void heaps_figures(struct private_heap *heap, enum known known, struct barrow_heap_stats *stats);

#endif
