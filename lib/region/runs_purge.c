/* SPDX-License-Identifier: MIT */
/* runs_purge.c: the end of the longest dirty run goes first, so that there are few system calls and
 * short runs, which serve small spans, stay. While the system works the piece is in no list, its head
 * has SPAN_PURGING, and no lock is held. Then it is a clean run of the ground, for any thread. Kept
 * runs become dirty ones before.
 *
 * A refusal, as for locked memory, is remembered for a period: the memory stays dirty. */
#include "region/runs_purge.h"

#include "os/child.h"
#include "os/process.h"
#include "region/arena.h"
#include "region/grow.h"

enum {
    PIECES_MAX = 8 /* system calls of one free */
};

#define BUDGET_MIN       (256 * KIB) /* what one free may give back at least ... */
#define BUDGET_PER_FREED 2           /* ... and for each byte that it frees */

static _Atomic uint64_t refused_until; /* milliseconds */

static bool is_refused(void)
{
    uint64_t until = atomic_load_explicit(&refused_until, memory_order_relaxed);
    return until != 0 && os_milliseconds() < until;
}

static void note_refusal(void)
{
    enum { PAUSE = 1000 };
    atomic_store_explicit(&refused_until, os_milliseconds() + PAUSE, memory_order_relaxed);
}

static size_t dirty_bytes(struct arena *arena)
{
    return (count(&arena->dirty_granules) + kept_recount(&arena->kept)) << GRANULE_SHIFT;
}

static void drain(struct arena *arena)
{
    region_lock(&arena->lock);
    arena_drain_kept(arena, SIZE_MAX);
    region_unlock(&arena->lock);
}

/* Takes up to `max` granules from the end of the longest dirty run. */
static size_t take_piece(struct arena *arena, size_t max, uint32_t *piece)
{
    ASSERT(os_lock_is_mine(&arena->lock));
    uint32_t run = runs_longest(&arena->dirty);
    if (run == 0)
        return 0;
    size_t length = span_at(run)->granules, taken = length < max ? length : max;
    runs_remove(&arena->dirty, run);
    if (taken < length)
        runs_insert(&arena->dirty, run, length - taken);
    *piece = run + (uint32_t)(length - taken);
    struct span *head = span_at(*piece);
    head->granules = (uint32_t)taken;
    span_set_both(head, SPAN_PURGING, arena_number(arena));
    return taken;
}

enum reason {
    IN_EXCESS, /* it may turn out to be a mistake */
    ON_DEMAND
};

/* Returns the granules that went back. */
static size_t purge_piece(struct arena *arena, size_t max, enum reason reason)
{
    uint32_t piece = 0;
    bool waited_for = os_try_lock(&region.purge_lock);
    atomic_fetch_add_explicit(&region.purging, 1, memory_order_relaxed);
    region_lock(&arena->lock);
    size_t granules = take_piece(arena, max, &piece);
    region_unlock(&arena->lock);
    bool done = granules != 0 && os_purge(granule_start(piece), granules << GRANULE_SHIFT);
    if (granules != 0) {
        span_set_kind(span_at(piece), SPAN_NONE);
        region_lock(&arena->lock);
        add_locked(&arena->dirty_granules, -granules);
        if (done && reason == IN_EXCESS)
            allowance_gave_back(&arena->allowance, granules << GRANULE_SHIFT);
        if (!done)
            arena_insert_dirty(arena, piece, granules);
        region_unlock(&arena->lock);
    }
    if (done) {
        account_discharge(granules);
        region_account_purge(granules << GRANULE_SHIFT);
        arena_insert_clean(ground(), piece, granules);
    } else if (granules != 0) {
        note_refusal();
    }
    /* release: who waits for this sees the run */
    atomic_fetch_sub_explicit(&region.purging, 1, memory_order_release);
    if (waited_for)
        os_unlock(&region.purge_lock);
    return done ? granules : 0;
}

/* Bytes that are free beyond the allowance, of `dirty` ones that are free. */
static size_t surplus(const struct arena *arena, size_t dirty)
{
    if (dirty <= allowance_limit(&arena->allowance, 0))
        return 0; /* whatever is live */
    size_t committed = count(&region.committed) << GRANULE_SHIFT;
    size_t not_live = dirty + arenas_hollow();
    size_t live = committed > not_live ? committed - not_live : 0;
    size_t limit = allowance_limit(&arena->allowance, live / region_arenas());
    return dirty > limit ? dirty - limit : 0;
}

void runs_purge_beyond(struct arena *arena, size_t freed)
{
    size_t dirty = count(&arena->dirty_granules) + kept_sum(&arena->kept);
    size_t excess = surplus(arena, dirty << GRANULE_SHIFT);
    if (likely(excess == 0) || is_refused())
        return;
    drain(arena);
    size_t budget = BUDGET_MIN + BUDGET_PER_FREED * (freed << GRANULE_SHIFT);
    if (excess + BUDGET_MIN < budget)
        budget = excess + BUDGET_MIN; /* a little more, so that the next free need not */
    size_t left = round_up(budget, GRANULE_SIZE) >> GRANULE_SHIFT;
    bool knew_of_locks = os_locks_memory();
    for (int i = 0; i < PIECES_MAX && left != 0; i++) {
        size_t purged = purge_piece(arena, left, IN_EXCESS);
        if (purged == 0)
            break;
        left -= purged;
    }
    if (unlikely(os_locks_memory() != knew_of_locks))
        runs_purge_all(); /* any of what is free may be locked; from now on spans.c sees to it */
    grow_give_back();
}

static size_t purge_arena(struct arena *arena)
{
    if (kept_recount(&arena->kept) != 0)
        drain(arena);
    size_t purged = 0, left = count(&arena->dirty_granules);
    while (left != 0) {
        size_t granules = purge_piece(arena, left, ON_DEMAND);
        if (granules == 0)
            break;
        purged += granules;
        left -= granules;
    }
    return purged;
}

/* A purge by another thread may hold all the memory that there is. One purge at a time holds the lock
 * that is waited for here; none that a signal handler has interrupted in its own thread is. */
static bool await_purge(void)
{
    /* acquire: pairs with the release in purge_piece */
    if (atomic_load_explicit(&region.purging, memory_order_acquire) == 0 ||
        os_lock_is_mine(&region.purge_lock))
        return false;
    os_lock(&region.purge_lock);
    os_unlock(&region.purge_lock);
    return true;
}

bool runs_purge_all(void)
{
    size_t purged = 0;
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        purged += purge_arena(&region.arenas[i]);
    bool waited = await_purge();
    return purged != 0 || waited;
}

static size_t review(struct arena *arena)
{
    size_t dirty = dirty_bytes(arena);
    bool idle = kept_is_idle(&arena->kept);
    if (dirty == 0)
        return 0;
    region_lock(&arena->lock);
    if (idle)
        arena_drain_kept(arena, SIZE_MAX);
    allowance_review(&arena->allowance, dirty);
    region_unlock(&arena->lock);
    if (atomic_load_explicit(&arena->users, memory_order_relaxed) == 0)
        arena_hand_over(arena);
    size_t excess = surplus(arena, dirty_bytes(arena));
    size_t granules = round_up(excess, GRANULE_SIZE) >> GRANULE_SHIFT;
    return excess != 0 ? purge_piece(arena, granules, IN_EXCESS) : 0;
}

size_t region_purge(bool all)
{
    os_child_look();
    size_t purged = 0;
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        purged += all ? purge_arena(&region.arenas[i]) : review(&region.arenas[i]);
    grow_give_back();
    return purged << GRANULE_SHIFT;
}
