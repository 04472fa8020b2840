/* SPDX-License-Identifier: MIT */
/* The child of a fork, which has one thread. No lock was taken before, so another thread may have
 * been anywhere in this room, and the locks tell where: while region.lock was free, all is whole
 * but for the run that a purge had in hand. If it was held, what can be half done is given up: the
 * free runs, and what meta.c had not handed out. Spans in use are sound either way. */
#include "region/account.h"
#include "region/frontier.h"
#include "region/region_state.h"
#include "region/runs.h"
#include "region/runs_purge.h"

/* Another thread was at work when the process forked, and what it left may be half done. Spans in
 * use are sound, for a span's head is written once it is taken. The child goes on with fresh
 * memory.
 */
static void abandon_free_runs(void)
{
    runs_forget();
    for (size_t i = 1; i < region.committed_end && i < frontier(); i++) {
        enum span_kind kind = span_kind(span_at(i));
        if (kind >= SPAN_UNMAPPED && kind <= SPAN_PURGING)
            span_set_kind(span_at(i), SPAN_NONE);
    }
    atomic_store_explicit(&region.dirty, 0, memory_order_relaxed);
    region.meta = region.meta_end = NULL;
}

/* Another thread had this run in hand. One that it was unmapping may be gone or not: if not, its
 * memory is lost, for in doubt nobody may be given it. */
static void inherit_purging(uint32_t index, size_t granules)
{
    span_set_kind(span_at(index), SPAN_NONE);
    if (!is_unmapped_by_purge(granules)) {
        runs_insert(index, granules, SPAN_YOUNG);
        return;
    }
    runs_insert(index, granules, SPAN_UNMAPPED);
    add(&region.reserved, -(granules << GRANULE_SHIFT));
    add(&region.dirty, -granules);
    add(&region.committed, -granules);
}

void region_after_fork(void)
{
    if (region_is_interrupted())
        return; /* a signal handler forked: the interrupted work goes on in the child */
    bool torn = os_lock_is_held(&region.lock);
    uint32_t purging = region.purging;
    os_lock_reset(&region.lock);
    os_lock_reset(&region.purge_lock);
    region.purging = 0;
    if (torn)
        abandon_free_runs();
    else if (purging != 0)
        inherit_purging(purging, region.purging_granules);
}
