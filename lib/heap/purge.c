/* SPDX-License-Identifier: MIT */
/* purge.c: what no single free can see to. Free memory goes back when it is freed, in the region
 * (region/runs_purge.c) and in the slabs (slab.c). What other threads' theaps hold while these threads
 * sleep, posted blocks and spare lists, is tended at ticks: whoever frees does it when one is due, for
 * a few theaps at a time. */
#include "heap/purge.h"

#include "diag/message.h"
#include "heap/slab.h"
#include "heap/theap_medium.h"
#include "heap/threads.h"
#include "os/child.h"
#include "os/process.h"
#include "region/region.h"

#include <stdatomic.h>

enum {
    THEAPS_A_TICK = 16,
    WORTH_IT = 4 * 1024 * 1024 /* committed bytes below which nothing is gained */
};

static _Atomic uint64_t next_tick;  /* milliseconds */
static _Atomic bool knows_of_locks; /* os_locks_memory(), when it was looked at */
static _Atomic uint32_t next_theap; /* number of the one to tend next */

/* ---- slabs and medium spans -------------------------------------------------------------------------------- */

static size_t purge_slab(struct span *slab)
{
    struct theap *theap = threads_lock_owner(slab);
    if (theap == NULL)
        return 0;
    if (slab->group != GROUPS)
        slab_pin(theap, slab);
    return theap_unlock(theap);
}

/* Looks at every span's descriptor, in order of address, and locks only those that are of interest.
 */
static size_t purge_slabs(void)
{
    size_t purged = 0;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct span *span = span_at(i);
        if (span_kind(span) == SPAN_SLAB &&
            atomic_load_explicit(&span->stirred, memory_order_relaxed))
            purged += purge_slab(span);
    }
    return purged;
}

static size_t purge_medium(void)
{
    size_t purged = 0;
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap->broken || os_lock_is_mine(&theap->lock))
            continue;
        os_lock(&theap->lock);
        purged += theap_purge_all_medium(theap);
        theap_unlock(theap);
    }
    return purged;
}

static bool nothing_to_tend(const struct theap *theap)
{
    return atomic_load_explicit(&theap->idle, memory_order_relaxed) &&
           atomic_load_explicit(&theap->inbox, memory_order_relaxed) == NULL;
}

static void tend(struct theap *theap, bool all)
{
    if (theap->broken || nothing_to_tend(theap) || os_lock_is_mine(&theap->lock))
        return;
    os_lock(&theap->lock);
    theap_drain(theap);
    theap_release_spares(theap, all);
    theap_unlock(theap);
}

/* Takes in what is posted to theaps whose threads sleep, and gives their spare lists back. */
static void tend_all(void)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++)
        tend(threads_theap(number), true);
}

static void tend_some(void)
{
    uint32_t theaps = threads_theaps();
    for (uint32_t i = 0; i < THEAPS_A_TICK && i < theaps; i++) {
        uint32_t n = atomic_fetch_add_explicit(&next_theap, 1, memory_order_relaxed);
        tend(threads_theap(n % theaps + 1), false);
    }
}

/* ---- ticks -------------------------------------------------------------------------------- */

size_t purge_all(void)
{
    os_child_look();
    struct theap *theap = threads_current_if_any();
    if (region_is_interrupted())
        return 0;
    if (theap != NULL && !os_lock_is_mine(&theap->lock))
        theap_flush(theap);
    tend_all();
    size_t purged = purge_slabs() + purge_medium();
    threads_purge_tables();
    purged += region_purge(true);
    maps_purge(true);
    message_verbose(2, "gave %zu KiB back to the system", purged / 1024);
    return purged;
}

static void tick_if_due(void)
{
    uint64_t now = os_milliseconds();
    uint64_t due = atomic_load_explicit(&next_tick, memory_order_relaxed);
    /* a signal handler may have interrupted who holds a region's lock: the tick stays due */
    if (now < due || region_is_interrupted() ||
        !atomic_compare_exchange_strong_explicit(&next_tick, &due,
                                                 now + (uint64_t)region_settings.purge_delay / 2,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    atomic_fetch_add_explicit(&theap_tick, 1, memory_order_relaxed);
    tend_some();
    region_purge(false);
    maps_purge(false);
}

/* Any of what is free may be locked then. From now on each block's free sees to it. */
static bool locks_are_new(void)
{
    return unlikely(os_locks_memory()) &&
           !atomic_exchange_explicit(&knows_of_locks, true, memory_order_relaxed);
}

void purge_poke(void)
{
    if (region_settings.purge_delay < 0 || region_committed() < WORTH_IT)
        return;
    if (region_settings.purge_delay == 0 || locks_are_new())
        purge_all();
    else
        tick_if_due();
}
