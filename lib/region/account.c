/* SPDX-License-Identifier: MIT */
/* account.c: the commit limit, and the figures that others ask for. None takes a lock, so each is
 * right for itself, but not two of them with each other while other threads are at work. */
#include "region/account.h"

#include "region/arena.h"

static void raise_peak(size_t committed)
{
    size_t peak = count(&region.committed_peak);
    while (peak < committed &&
           !atomic_compare_exchange_weak_explicit(&region.committed_peak, &peak, committed,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

bool account_charge(size_t granules)
{
    size_t limit = region_settings.commit_limit;
    size_t max = limit == 0 ? SIZE_MAX : limit >> GRANULE_SHIFT;
    size_t before = count(&region.committed);
    do
        if (granules > max || before > max - granules)
            return false;
    while (!atomic_compare_exchange_weak_explicit(&region.committed, &before, before + granules,
                                                  memory_order_relaxed, memory_order_relaxed));
    raise_peak(before + granules);
    return true;
}

size_t region_committed(void)
{
    return count(&region.committed) << GRANULE_SHIFT;
}

size_t region_dirty(void)
{
    return arenas_dirty() << GRANULE_SHIFT;
}

void region_account_purge(size_t bytes)
{
    add(&region.purged_bytes, bytes);
}

void region_account_hollow(const struct span *span, ptrdiff_t bytes)
{
    add(&arena_of(span)->hollow, (size_t)bytes);
}

void region_figures(struct region_figures *figures)
{
    /* the peak may be read just before another thread sets it */
    size_t committed = count(&region.committed), peak = count(&region.committed_peak);
    figures->reserved = count(&region.reserved) + page_map_bytes();
    figures->reservations = count(&region.reservations);
    figures->committed = committed << GRANULE_SHIFT;
    figures->committed_peak = (peak > committed ? peak : committed) << GRANULE_SHIFT;
    figures->purged = count(&region.purged_bytes);
    figures->meta = count(&region.meta_bytes);
}
