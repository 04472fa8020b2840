/* SPDX-License-Identifier: MIT */
/* account.h: what is committed, counted in granules, and what more may be.
 *
 * `committed` is the memory of spans, of meta.c, and of dirty runs. Clean and reserved runs cost
 * nothing. A span that is cut from a dirty run changes nothing; so in steady state nobody writes to
 * the counter, which all threads share. */
#ifndef BARROW_REGION_ACCOUNT_H
#define BARROW_REGION_ACCOUNT_H

#include "region/region_state.h"

/* relaxed, all: figures, and decisions that may be late by a call */
static inline size_t count(const _Atomic size_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void add(_Atomic size_t *counter, size_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* For counters that only the holder of a lock writes. */
static inline void add_locked(_Atomic size_t *counter, size_t n)
{
    atomic_store_explicit(counter, count(counter) + n, memory_order_relaxed);
}

/* Counts that many granules as committed. False, and nothing is counted, when they would go beyond
 * the limit: threads do not pass it together. */
bool account_charge(size_t granules);

static inline void account_discharge(size_t granules)
{
    add(&region.committed, -granules);
}

#endif
