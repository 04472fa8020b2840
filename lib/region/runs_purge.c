/* SPDX-License-Identifier: MIT */
/* A run is young when it comes free, and old after a tick; old ones are purged at the next. While
 * the system works the run is in no bin, its head has SPAN_PURGING, and it still counts as dirty.
 *
 * region_purge lets go of region.lock meanwhile, so that nobody waits for the system;
 * region.purging names its run, for those that wait for memory (runs_await_purge) and for the child
 * of a fork. There is one such purge at a time: purge_lock is taken before region.lock. Who is out
 * of memory, or over the limit, purges without letting go (runs_purge). */
#include "region/runs_purge.h"

#define TELL_LEAST MIB /* freed bytes that the purge is told of at once */

void (*region_on_freed)(void);

void region_freed(size_t bytes)
{
    if (region_on_freed != NULL && (bytes >= TELL_LEAST || region_dirty() >= TELL_LEAST))
        region_on_freed();
}

/* Enters and leaves with region.lock held, and lets it go while the system works if it may. False
 * when the system refuses, as it does for locked memory: the run then gets the other kind, out of
 * the way of those that are yet to be purged. */
static bool purge_run(uint32_t index, size_t granules, enum span_kind kind, bool may_unlock)
{
    span_set_kind(span_at(index), SPAN_PURGING);
    if (may_unlock) {
        region.purging = index;
        region.purging_granules = granules;
        os_unlock(&region.lock);
    }
    bool unmap = is_unmapped_by_purge(granules);
    bool done = unmap ? (os_release(span_start(span_at(index)), granules << GRANULE_SHIFT), true)
                      : os_purge(span_start(span_at(index)), granules << GRANULE_SHIFT);
    if (may_unlock) {
        os_lock(&region.lock);
        region.purging = 0;
    }
    span_set_kind(span_at(index), SPAN_NONE);
    runs_insert(index, granules,
                unmap              ? SPAN_UNMAPPED
                : done             ? SPAN_CLEAN
                : kind == SPAN_OLD ? SPAN_YOUNG
                                   : SPAN_OLD);
    if (!done)
        return false;
    if (unmap)
        add(&region.reserved, -(granules << GRANULE_SHIFT));
    add(&region.dirty, -granules);
    add(&region.committed, -granules);
    region_account_purge(granules << GRANULE_SHIFT);
    return true;
}

/* Goes over as much as there was at the start, whatever others free meanwhile. */
static size_t purge_kind(enum span_kind kind, bool may_unlock)
{
    uint32_t index;
    size_t granules, purged = 0, left = count(&region.dirty);
    while (left > 0 && (index = runs_take_any(kind, &granules)) != 0) {
        if (purge_run(index, granules, kind, may_unlock))
            purged += granules;
        left -= granules < left ? granules : left;
    }
    return purged << GRANULE_SHIFT;
}

static void age_runs(void)
{
    uint32_t index;
    size_t granules;
    while ((index = runs_take_any(SPAN_YOUNG, &granules)) != 0)
        runs_insert(index, granules, SPAN_OLD);
}

bool runs_purge(void)
{
    return purge_kind(SPAN_OLD, false) + purge_kind(SPAN_YOUNG, false) > 0;
}

size_t region_purge(bool all)
{
    os_lock(&region.purge_lock);
    os_lock(&region.lock);
    size_t purged = purge_kind(SPAN_OLD, true);
    if (all)
        purged += purge_kind(SPAN_YOUNG, true);
    else
        age_runs();
    os_unlock(&region.lock);
    os_unlock(&region.purge_lock);
    return purged;
}

bool runs_await_purge(void)
{
    if (region.purging == 0 || os_lock_is_mine(&region.purge_lock))
        return false;
    os_unlock(&region.lock);
    os_lock(&region.purge_lock);
    os_unlock(&region.purge_lock);
    os_lock(&region.lock);
    return true;
}
