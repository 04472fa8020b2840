/* SPDX-License-Identifier: MIT */
/* runs_purge.h: free runs go back to the system. The caller holds region.lock, but for the public
 * ones (region_purge, region_freed), whose callers hold nothing of the region's. */
#ifndef BARROW_REGION_RUNS_PURGE_H
#define BARROW_REGION_RUNS_PURGE_H

#include "region/account.h"
#include "region/window.h"

#define DIRTY_LEAST (256 * MIB) /* free memory up to here is kept for a tick or two */

/* Free memory beyond this is given back at once: half of what is in use, or DIRTY_LEAST. */
static inline size_t dirty_most(void)
{
    size_t live = count(&region.committed) - count(&region.dirty);
    size_t least = DIRTY_LEAST >> GRANULE_SHIFT;
    return live / 2 > least ? live / 2 : least;
}

/* Whether a purge gives the addresses back with the memory. */
static inline bool is_unmapped_by_purge(size_t granules)
{
    return region.windowed && granules > SHORT_SPAN;
}

/* Gives all free memory back, oldest first, without letting go of the lock. False when there was
 * none, or the system refused it all. */
bool runs_purge(void);

/* If a purge has a run in hand, which may be all the memory there is: lets go of the lock until it
 * has finished. False when there is none. */
bool runs_await_purge(void);

#endif
