/* SPDX-License-Identifier: MIT */
/* The purge goes by ticks, two in a delay. A run that was free at one tick and still is at the next
 * goes back; pages inside slabs, which come back by a fault each, wait SLAB_TICKS. As long as there
 * is anything to wait for, a background thread ticks; where there may be none, whoever frees does,
 * when a tick is due. */
#include "heap/purge.h"

#include "diag/message.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "os/process.h"
#include "os/thread.h"
#include "region/region.h"

#include <stdatomic.h>

enum {
    QUIET_TICKS = 3,
    SLAB_TICKS = 10,           /* without a free, before a slab is searched for free pages */
    WORTH_IT = 4 * 1024 * 1024 /* committed bytes below which nothing is gained */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BACKGROUND_DEFAULT false /* the sanitizers must know every thread */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BACKGROUND_DEFAULT false
#endif
#endif
#ifndef BACKGROUND_DEFAULT
#define BACKGROUND_DEFAULT true
#endif

struct purge_settings purge_settings = { .delay = 100, .background = BACKGROUND_DEFAULT };

static _Atomic bool background_active;
static _Atomic uint64_t next_tick; /* milliseconds */

/* ---- slabs -------------------------------------------------------------------------------- */

/* Whether the slab has waited long enough. Under its theap's lock. */
static bool is_due(const struct span *slab, bool all)
{
    uint32_t tick = atomic_load_explicit(&slab_tick, memory_order_relaxed);
    return all || (uint16_t)(tick - slab->freed_at) >= SLAB_TICKS;
}

static size_t purge_slab(struct span *slab, uint32_t number, bool all, bool *waiting)
{
    struct theap *theap = threads_theap(number);
    size_t purged = 0;
    if (theap == NULL || theap->broken || os_lock_is_mine(&theap->lock))
        return 0;
    os_lock(&theap->lock);
    /* it may have been freed meanwhile; while the lock is held it can't be */
    if (span_kind_elsewhere(slab) == SPAN_SLAB && span_get(&slab->owner) == number) {
        if (is_due(slab, all))
            purged = slab_purge(theap, slab);
        else
            *waiting = true;
    }
    os_unlock(&theap->lock);
    return purged;
}

/* Looks at every span's descriptor, in order of address, and locks only those that are of interest.
 */
static size_t purge_slabs(bool all, bool *waiting)
{
    size_t limit = atomic_load_explicit(&region_map.frontier, memory_order_acquire), purged = 0;
    for (size_t i = 1; i < limit; i++) {
        uint32_t tag = tag_of(i);
        struct span *span = span_at(i);
        if (tag == 0 || span_kind(span) != SPAN_SLAB ||
            !atomic_load_explicit(&span->stirred, memory_order_relaxed))
            continue;
        purged += purge_slab(span, tag >> TAG_SHIFT, all, waiting);
    }
    return purged;
}

static bool nothing_to_tend(const struct theap *theap)
{
    return atomic_load_explicit(&theap->idle, memory_order_relaxed) &&
           atomic_load_explicit(&theap->inbox, memory_order_relaxed) == NULL;
}

/* Takes in what is posted to theaps whose threads sleep, and gives their spare lists back. */
static void tend_theaps(bool all)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap->broken || nothing_to_tend(theap) || os_lock_is_mine(&theap->lock))
            continue;
        os_lock(&theap->lock);
        theap_drain(theap);
        theap_release_spares(theap, all);
        os_unlock(&theap->lock);
    }
}

/* ---- ticks -------------------------------------------------------------------------------- */

/* In milliseconds: half the delay, and longer for a very large heap, so that looking at its
 * descriptors (3 ms for 16 GiB) never takes more than a hundredth of a processor. */
static uint32_t tick_length(void)
{
    size_t granules = atomic_load_explicit(&region_map.frontier, memory_order_relaxed);
    return (uint32_t)(purge_settings.delay / 2) + (uint32_t)(granules / 1024);
}

/* Returns whether there may be anything left to wait for: what is free now is purged in the next
 * tick but one. What the system refuses to take does not count. */
static bool tick(void)
{
    bool waiting = false;
    atomic_fetch_add_explicit(&slab_tick, 1, memory_order_relaxed);
    tend_theaps(false);
    size_t purged = purge_slabs(false, &waiting) + region_purge(false);
    return waiting || purged != 0;
}

size_t purge_all(void)
{
    bool waiting;
    struct theap *theap = threads_current_if_any();
    if (region_is_interrupted())
        return 0;
    if (theap != NULL && !os_lock_is_mine(&theap->lock))
        theap_flush(theap);
    tend_theaps(true);
    size_t purged = purge_slabs(true, &waiting);
    purged += region_purge(true);
    /* here and not in tick(): the background thread has no thread-local storage for printf */
    message_verbose(2, "gave %zu KiB back to the system", purged / 1024);
    return purged;
}

static void background(void)
{
    for (int quiet = 0; quiet < QUIET_TICKS; quiet++) {
        os_sleep_ms(tick_length());
        if (tick())
            quiet = 0;
    }
    atomic_store_explicit(&background_active, false, memory_order_release);
}

static bool start_background(void)
{
    if (!purge_settings.background)
        return false;
    if (atomic_exchange_explicit(&background_active, true, memory_order_acquire))
        return true;
    if (os_background_start(background))
        return true;
    atomic_store_explicit(&background_active, false, memory_order_release);
    return false;
}

static void tick_if_due(void)
{
    uint64_t now = os_milliseconds();
    uint64_t due = atomic_load_explicit(&next_tick, memory_order_relaxed);
    if (now >= due &&
        atomic_compare_exchange_strong_explicit(&next_tick, &due, now + tick_length(),
                                                memory_order_relaxed, memory_order_relaxed))
        tick();
}

void purge_poke(void)
{
    if (likely(atomic_load_explicit(&background_active, memory_order_relaxed)) ||
        purge_settings.delay < 0 || region_committed() < WORTH_IT)
        return;
    if (purge_settings.delay == 0)
        purge_all();
    else if (!start_background())
        tick_if_due();
}

void purge_after_fork(void)
{
    atomic_store_explicit(&background_active, false, memory_order_relaxed);
    os_background_forget();
}
