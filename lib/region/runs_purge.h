/* SPDX-License-Identifier: MIT */
/* runs_purge.h: dirty runs go back to the system. No lock is held by the caller. */
#ifndef BARROW_REGION_RUNS_PURGE_H
#define BARROW_REGION_RUNS_PURGE_H

#include "region/region_state.h"

/* The thread has freed that many granules of the arena: gives some back if more than the allowance is
 * free. The work is in proportion to what was freed. */
void runs_purge_beyond(struct arena *arena, size_t freed);

ALWAYS_INLINE void runs_purge_surplus(struct arena *arena, size_t freed)
{
    size_t dirty =
        kept_sum(&arena->kept) + atomic_load_explicit(&arena->dirty_granules, memory_order_relaxed);
    /* the allowance is what was learned, and more */
    if (region_settings.purge_delay == 0 || dirty << GRANULE_SHIFT > arena->allowance.learned)
        runs_purge_beyond(arena, freed);
}

/* Gives the dirty memory of all arenas back, and waits for what other purges have in hand. False when
 * there was none. For those who found no memory. */
bool runs_purge_all(void);

#endif
