/* SPDX-License-Identifier: MIT */
/* runs.h: runs of free granules, found by size and joined with their neighbours. A set holds the
 * runs of one kind of one arena. The caller holds the arena's lock. */
#ifndef BARROW_REGION_RUNS_H
#define BARROW_REGION_RUNS_H

#include "region/page_map.h"

enum { EXACT_RUNS = 64 };

struct run_set {
    uint64_t in_use;            /* bit n: exact[n] is not empty */
    uint32_t exact[EXACT_RUNS]; /* lists of runs of n + 1 granules */
    uint32_t tree;              /* root of a treap of all longer ones, by length and then address */
    _Atomic uint32_t runs;      /* how many there are; written under the lock, see runs_count */
    uint8_t kind;               /* enum span_kind of the runs */
    uint8_t arena;              /* number of the arena */
};

/* How many runs there are: a figure, which may be read without the lock. */
ALWAYS_INLINE uint32_t runs_count(const struct run_set *set)
{
    return atomic_load_explicit(&set->runs, memory_order_relaxed);
}

/* Makes [index, index+granules) a free run of the set, joined with its neighbours in the set. Returns
 * the index of the whole. */
uint32_t runs_insert(struct run_set *set, uint32_t index, size_t granules);

/* Takes `granules` at a multiple of `align` (a power of two) out of the shortest run that surely has
 * them, and returns the index; 0 when there is none. Logarithmic in the number of runs. */
uint32_t runs_take(struct run_set *set, size_t granules, size_t align);

/* The same for align > 1 where runs_take found none: looks at all runs that might do. */
uint32_t runs_take_thoroughly(struct run_set *set, size_t granules, size_t align);

/* Takes exactly [index, index+granules) out of the run of the set that starts at index, if there is
 * one and it is that long. */
bool runs_take_at(struct run_set *set, uint32_t index, size_t granules);

/* The longest run, or 0. */
uint32_t runs_longest(const struct run_set *set);

/* The longest run that will do, of the `looks` longest that have more than EXACT_RUNS granules; or 0. */
uint32_t runs_longest_of(const struct run_set *set, bool (*will_do)(uint32_t run), int looks);

/* Takes the whole run at index. */
void runs_remove(struct run_set *set, uint32_t index);

/* Forgets all runs; their granules are lost. */
void runs_forget(struct run_set *set);

#endif
