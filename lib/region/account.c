/* SPDX-License-Identifier: MIT */
/* The figures that others ask for. None takes a lock, so each is right for itself, but not two of
 * them with each other while other threads are at work. */
#include "region/account.h"

size_t region_committed(void)
{
    return count(&region.committed) << GRANULE_SHIFT;
}

size_t region_dirty(void)
{
    return count(&region.dirty) << GRANULE_SHIFT;
}

void region_account_purge(size_t bytes)
{
    atomic_fetch_add_explicit(&region.purged_bytes, bytes, memory_order_relaxed);
}

void region_figures(struct region_figures *figures)
{
    figures->reserved = region.reserved;
    figures->reservations = region.reservations;
    figures->committed = region_committed();
    figures->committed_peak = count(&region.committed_peak) << GRANULE_SHIFT;
    figures->purged = count(&region.purged_bytes);
    figures->spans = count(&region.spans);
    figures->meta = (size_t)(region.meta_top - region.meta_start);
}
