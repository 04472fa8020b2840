/* SPDX-License-Identifier: MIT */
/* account.h: what the region has committed, counted in granules, and what of it may still be.
 *
 * `committed` is the memory of the spans, of the room of meta.c, and of the dirty runs; `dirty` is
 * that of the last: young runs, old ones, and the one that a purge has in hand. Clean memory costs
 * nothing. So every run that changes sides is counted, with it, in the same critical section.
 *
 * The counters are written under region.lock only, by plain additions; they are atomic so that
 * others may read them at any time. */
#ifndef BARROW_REGION_ACCOUNT_H
#define BARROW_REGION_ACCOUNT_H

#include "region/region_state.h"
#include "region/runs.h"

static inline size_t count(_Atomic size_t *counter)
{
    /* relaxed: figures, and the decisions of the lock's holder, who sees his own */
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void add(_Atomic size_t *counter, size_t n)
{
    atomic_store_explicit(counter, count(counter) + n, memory_order_relaxed);
}

/* Whether that much may be committed in addition. */
static inline bool fits_limit(size_t granules)
{
    if (region_settings.commit_limit == 0)
        return true;
    size_t most = region_settings.commit_limit >> GRANULE_SHIFT;
    return granules <= most && count(&region.committed) <= most - granules;
}

static inline void charge(size_t granules)
{
    add(&region.committed, granules);
    if (count(&region.committed) > count(&region.committed_peak))
        atomic_store_explicit(&region.committed_peak, count(&region.committed),
                              memory_order_relaxed);
}

/* [index, index+granules) has come free, and may hold memory. */
static inline void insert_dirty(uint32_t index, size_t granules)
{
    runs_insert(index, granules, SPAN_YOUNG);
    add(&region.dirty, granules);
}

/* [index, index+granules) has come free, and its memory has gone already. */
static inline void insert_emptied(uint32_t index, size_t granules)
{
    runs_insert(index, granules, SPAN_CLEAN);
    add(&region.committed, -granules);
}

#endif
