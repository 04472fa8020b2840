/* SPDX-License-Identifier: MIT */
/* fork.c: the child of a fork, which has one thread. No lock was taken before, so another thread may
 * have been anywhere in this folder, and the locks tell where. While an arena's lock was free, all of
 * its runs are whole. If it was held, its sets are made anew from the runs' heads. What a purge had in
 * hand is found by its kind. Granules that were on their way between a list and a system call stay
 * lost. Spans in use are sound either way, for a span's head is written once it is taken. */
#include "region/arena.h"
#include "region/grow.h"
#include "region/meta.h"

static bool is_free_run(const struct span *run, const struct arena *arena)
{
    enum span_kind kind = span_kind(run);
    return kind >= SPAN_RESERVED && kind <= SPAN_DIRTY && span_arena(run) == arena_number(arena);
}

/* Takes all heads of the arena's free runs out of the map, and chains them by `next`; `prev` keeps the
 * kind. A head whose run was just cut or joined may still have the old length: a run ends at the next
 * head at the latest. Whatever it may have lost there is not in use. */
static uint32_t collect_runs(const struct arena *arena)
{
    uint32_t runs = 0, last = 0;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct span *head = span_at(i);
        if (span_kind(head) == SPAN_NONE)
            continue;
        if (last != 0 && last + (size_t)span_at(last)->granules > i)
            span_at(last)->granules = (uint32_t)i - last;
        last = 0;
        if (!is_free_run(head, arena))
            continue;
        head->prev = span_kind(head);
        head->next = runs;
        runs = last = (uint32_t)i;
        span_set_kind(head, SPAN_NONE);
    }
    return runs;
}

static struct run_set *set_of(struct arena *arena, uint32_t kind)
{
    return kind == SPAN_DIRTY   ? &arena->dirty
           : kind == SPAN_CLEAN ? &arena->clean
                                : &arena->reserved;
}

/* The caller recounts the dirty granules. */
static void repair_runs(struct arena *arena)
{
    uint32_t run = collect_runs(arena), next;
    runs_forget(&arena->clean);
    runs_forget(&arena->dirty);
    runs_forget(&arena->reserved);
    arena->clean_granules = 0;
    for (; run != 0; run = next) {
        next = span_at(run)->next;
        if (span_at(run)->prev == SPAN_CLEAN)
            arena->clean_granules += span_at(run)->granules;
        runs_insert(set_of(arena, span_at(run)->prev), run, span_at(run)->granules);
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
    bool purging = atomic_load_explicit(&region.purging, memory_order_relaxed) != 0, torn = false;
    atomic_store_explicit(&region.purging, 0, memory_order_relaxed);
    atomic_store_explicit(&region.growing, false, memory_order_relaxed);
    os_lock_reset(&region.start_lock);
    os_lock_reset(&region.cover_lock);
    os_lock_reset(&region.purge_lock);
    meta_after_fork();
    for (uint32_t i = 0; i < ARENAS_MAX; i++) {
        struct arena *arena = &region.arenas[i];
        kept_after_fork(&arena->kept);
        if (!os_lock_is_held(&arena->lock))
            continue;
        torn = true;
        os_lock_reset(&arena->lock);
        repair_runs(arena);
        if (arena == ground())
            grow_after_fork();
    }
    if (purging)
        inherit_purging();
    if (purging || torn)
        recount_dirty();
    arenas_forget_threads();
}
