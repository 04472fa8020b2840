/* SPDX-License-Identifier: MIT */
/* free_runs.h: free runs of cells by length: two-level segregated fit. Up to 64 cells each length has
 * its own list; beyond, each doubling is divided into eight. A bit for each list says whether it has
 * any, so the best fit, or a run at most an eighth longer, is found without a search. */
#ifndef BARROW_MEDIUM_FREE_RUNS_H
#define BARROW_MEDIUM_FREE_RUNS_H

#include "medium/map.h"

enum {
    EXACT_LISTS = 64,
    LIST_STEPS = 8, /* for each doubling */
    RUN_LISTS = EXACT_LISTS + 4 * LIST_STEPS
};

_Static_assert(EXACT_LISTS << 4 == MAP_CELLS, "four doublings lead to the longest run");

struct free_runs {
    uint64_t in_use[(RUN_LISTS + 63) / 64]; /* lists that have runs */
    uint32_t first[RUN_LISTS];              /* see place_word; 0: none */
};

/* The list for runs of that many cells. */
ALWAYS_INLINE unsigned run_list_of(uint32_t length)
{
    if (likely(length <= EXACT_LISTS))
        return length - 1;
    unsigned log = highest_bit(length - 1);
    return EXACT_LISTS + (log - 6) * LIST_STEPS + (((length - 1) >> (log - 3)) % LIST_STEPS);
}

/* The run at that place, whose length is set, enters. */
ALWAYS_INLINE void free_runs_insert(struct free_runs *runs, struct place place)
{
    struct cell *cell = cell_of(place);
    unsigned list = run_list_of(cell->length);
    uint32_t word = place_word(place), next = runs->first[list];
    cell->prev = 0;
    cell->next = next;
    runs->first[list] = word;
    if (next != 0)
        cell_of(place_at(next))->prev = word;
    else
        runs->in_use[list / 64] |= 1ULL << list % 64;
}

/* It leaves. */
ALWAYS_INLINE void free_runs_remove(struct free_runs *runs, struct place place)
{
    const struct cell *cell = cell_of(place);
    if (cell->next != 0)
        cell_of(place_at(cell->next))->prev = cell->prev;
    if (cell->prev != 0) {
        cell_of(place_at(cell->prev))->next = cell->next;
        return;
    }
    unsigned list = run_list_of(cell->length);
    ASSERT(runs->first[list] == place_word(place));
    runs->first[list] = cell->next;
    if (cell->next == 0)
        runs->in_use[list / 64] &= ~(1ULL << list % 64);
}

/* The first list from that one on that has runs; RUN_LISTS: none. */
ALWAYS_INLINE unsigned run_list_from(const struct free_runs *runs, unsigned list)
{
    if (likely(list < 64)) {
        uint64_t here = runs->in_use[0] >> list;
        if (likely(here != 0))
            return list + lowest_bit(here);
        list = 64;
    }
    uint64_t here = list < RUN_LISTS ? runs->in_use[1] >> (list - 64) : 0;
    return here != 0 ? list + lowest_bit(here) : RUN_LISTS;
}

/* A run in which `cells` fit from a multiple of `align` on, a power of two; map NULL: none. It stays. */
struct place free_runs_find(const struct free_runs *runs, uint32_t cells, uint32_t align);

/* The same where each run of a list will do: for any alignment of one cell, up to EXACT_LISTS. */
ALWAYS_INLINE struct place free_runs_find_exact(const struct free_runs *runs, uint32_t cells)
{
    unsigned list = run_list_from(runs, cells - 1);
    return likely(list < RUN_LISTS) ? place_at(runs->first[list]) : (struct place){ NULL, 0 };
}

/* One of the longest runs, to an eighth; map NULL: none. */
struct place free_runs_longest(const struct free_runs *runs);

#endif
