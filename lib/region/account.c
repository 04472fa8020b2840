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
    /* the peak may be read just before another thread sets it */
    size_t committed = count(&region.committed), peak = count(&region.committed_peak);
    figures->reserved = count(&region.reserved);
    figures->reservations = count(&region.reservations);
    figures->committed = committed << GRANULE_SHIFT;
    figures->committed_peak = (peak > committed ? peak : committed) << GRANULE_SHIFT;
    figures->purged = count(&region.purged_bytes);
    figures->spans = count(&region.spans);
    figures->meta = count(&region.meta_bytes);
}
