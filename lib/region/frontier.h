/* SPDX-License-Identifier: MIT */
/* frontier.h: one reservation for everything, and a frontier of committed memory that grows in it.
 * The caller holds region.lock. */
#ifndef BARROW_REGION_FRONTIER_H
#define BARROW_REGION_FRONTIER_H

#include "region/region_state.h"

/* Granules that have ever been in use lie below: it only rises. */
static inline size_t frontier(void)
{
    /* relaxed: the lock's holder alone moves it */
    return atomic_load_explicit(&region_map.frontier, memory_order_relaxed);
}

static inline void set_frontier(size_t granules)
{
    /* release: pairs with granule_is_ours */
    atomic_store_explicit(&region_map.frontier, granules, memory_order_release);
}

/* Reserves addresses for blocks of that many bytes in all, and what stands before them. */
bool frontier_reserve(size_t size);

/* Takes fresh granules at the frontier, at a multiple of `align`; the index, or 0. The last `room`
 * of them are for later, and need not be committed if they can be then. */
uint32_t frontier_extend(size_t granules, size_t align, size_t room);

#endif
