/* SPDX-License-Identifier: MIT */
/* fork.c: the child of a fork, which has one thread. No lock was taken before, so another thread may
 * have been anywhere in this folder, and the locks tell where. While an arena's lock was free, all of
 * its runs are whole. If it was held, its free runs are given up. What a purge had in hand is found by
 * its kind. Granules that were on their way between a list and a system call stay lost. Spans in use
 * are sound either way, for a span's head is written once it is taken. */
#include "region/arena.h"
#include "region/meta.h"

static void abandon_runs(struct arena *arena)
{
    runs_forget(&arena->clean);
    runs_forget(&arena->dirty);
    runs_forget(&arena->reserved);
    arena->clean_granules = 0;
    add(&region.committed, -count(&arena->dirty_granules));
    atomic_store_explicit(&arena->dirty_granules, 0, memory_order_relaxed);
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        enum span_kind kind = span_kind(span_at(i));
        if (kind >= SPAN_RESERVED && kind <= SPAN_DIRTY &&
            span_arena(span_at(i)) == arena_number(arena))
            span_set_kind(span_at(i), SPAN_NONE);
    }
}

/* Another thread's purge had these runs in hand: they hold memory, or zeros. */
static void inherit_purging(void)
{
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct span *run = span_at(i);
        if (span_kind(run) != SPAN_PURGING)
            continue;
        struct arena *arena = arena_of(run);
        span_set_kind(run, SPAN_NONE);
        region_lock(&arena->lock);
        runs_insert(&arena->dirty, (uint32_t)i, run->granules);
        region_unlock(&arena->lock);
    }
}

/* The counter is written before or after the runs are: it is counted anew. */
static void recount_dirty(void)
{
    size_t dirty[ARENAS_MAX] = { 0 };
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i))
        if (span_kind(span_at(i)) == SPAN_DIRTY)
            dirty[span_arena(span_at(i))] += span_at(i)->granules;
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        atomic_store_explicit(&region.arenas[i].dirty_granules, dirty[i], memory_order_relaxed);
}

void region_after_fork(void)
{
    if (region_is_interrupted())
        return; /* a signal handler forked: the interrupted work goes on in the child */
    bool purging = atomic_load_explicit(&region.purging, memory_order_relaxed) != 0;
    atomic_store_explicit(&region.purging, 0, memory_order_relaxed);
    atomic_store_explicit(&region.growing, false, memory_order_relaxed);
    atomic_store_explicit(&region.giving_back, false, memory_order_relaxed);
    os_lock_reset(&region.start_lock);
    os_lock_reset(&region.purge_lock);
    meta_after_fork();
    for (uint32_t i = 0; i < ARENAS_MAX; i++) {
        struct arena *arena = &region.arenas[i];
        bool torn = os_lock_is_held(&arena->lock);
        os_lock_reset(&arena->lock);
        if (torn)
            abandon_runs(arena);
    }
    if (purging) {
        inherit_purging();
        recount_dirty();
    }
    arenas_forget_threads();
}
