/* SPDX-License-Identifier: MIT */
/* arena.c: threads are spread over arenas, the least used one first, so that a thread that starts
 * after another has ended goes on with that one's free memory. When an arena's last thread ends, its
 * free memory goes to the ground arena, where every thread finds it. */
#include "region/arena.h"

struct region_state region;
struct region_settings region_settings = { .purge_delay = 100 };

/* Clean granules that an arena may keep: beyond, they go to where they can be joined with others. */
enum { CLEAN_MOST = 32 };

static _Atomic uint32_t arenas; /* that have been given to threads */

static void init(struct arena *arena)
{
    uint8_t number = arena_number(arena);
    arena->clean = (struct run_set){ .kind = SPAN_CLEAN, .arena = number };
    arena->dirty = (struct run_set){ .kind = SPAN_DIRTY, .arena = number };
    arena->reserved = (struct run_set){ .kind = SPAN_RESERVED, .arena = number };
}

/* The arenas up to that number are ready for use; the memory of others is not touched. */
static void start(uint32_t number)
{
    region_lock(&region.start_lock);
    uint32_t known = atomic_load_explicit(&arenas, memory_order_relaxed);
    for (uint32_t i = known; i <= number; i++)
        init(&region.arenas[i]);
    if (known <= number)
        atomic_store_explicit(&arenas, number + 1, memory_order_relaxed);
    region_unlock(&region.start_lock);
}

static uint32_t least_used(void)
{
    uint32_t best = 0, least = UINT32_MAX;
    for (uint32_t i = 0; i < ARENAS_MAX && least != 0; i++) {
        uint32_t users = atomic_load_explicit(&region.arenas[i].users, memory_order_relaxed);
        if (users < least) {
            least = users;
            best = i;
        }
    }
    return best;
}

static struct arena *attach(void)
{
    uint32_t number = least_used();
    start(number);
    /* two threads may choose the same one: it then has two users */
    atomic_fetch_add_explicit(&region.arenas[number].users, 1, memory_order_relaxed);
    thread_words()->arena = (uint8_t)(number + 1);
    return &region.arenas[number];
}

struct arena *arena_of_thread(void)
{
    uint8_t number = thread_words()->arena;
    return likely(number != 0) ? &region.arenas[number - 1] : attach();
}

uint32_t region_arena(void)
{
    return arena_number(arena_of_thread());
}

uint32_t region_arenas(void)
{
    uint32_t known = atomic_load_explicit(&arenas, memory_order_relaxed);
    return known != 0 ? known : 1;
}

void arena_insert_dirty(struct arena *arena, uint32_t index, size_t granules)
{
    ASSERT(os_lock_is_mine(&arena->lock));
    runs_insert(&arena->dirty, index, granules);
    add_locked(&arena->dirty_granules, granules);
}

/* The ground's lock is held. Beside a guard, the whole piece may have become free. */
static void insert_ground_clean(uint32_t index, size_t granules)
{
    uint32_t run = runs_insert(&ground()->clean, index, granules);
    if (is_guard(run - 1) || is_guard(run + span_at(run)->granules))
        atomic_store_explicit(&region.free_pieces, true, memory_order_relaxed);
}

static void hand_over(struct arena *from, struct run_set *set)
{
    for (uint32_t index; (index = runs_longest(set)) != 0;) {
        size_t granules = span_at(index)->granules;
        runs_remove(set, index);
        if (set->kind == SPAN_DIRTY) {
            add_locked(&from->dirty_granules, -granules);
            arena_insert_dirty(ground(), index, granules);
        } else {
            insert_ground_clean(index, granules);
        }
    }
}

static void hand_clean_over(struct arena *arena)
{
    hand_over(arena, &arena->clean);
    arena->clean_granules = 0;
}

void arena_insert_clean(struct arena *arena, uint32_t index, size_t granules)
{
    region_lock(&arena->lock);
    if (arena == ground()) {
        insert_ground_clean(index, granules);
        region_unlock(&arena->lock);
        return;
    }
    runs_insert(&arena->clean, index, granules);
    arena->clean_granules += granules;
    if (arena->clean_granules > CLEAN_MOST) {
        region_lock(&ground()->lock);
        hand_clean_over(arena);
        region_unlock(&ground()->lock);
    }
    region_unlock(&arena->lock);
}

bool arena_drain_kept(struct arena *arena, size_t most)
{
    size_t granules;
    uint32_t index = 0;
    bool any = false;
    for (; (granules = kept_take_any(&arena->kept, most, &index)) != 0; any = true)
        arena_insert_dirty(arena, index, granules);
    kept_recount(&arena->kept);
    return any;
}

/* All words are in use: the shorter runs, which serve few requests, make place for longer ones. */
static NOINLINE void insert_with_kept(struct arena *arena, uint64_t run)
{
    size_t mean = kept_recount(&arena->kept) / KEPT_RUNS;
    region_lock(&arena->lock);
    arena_drain_kept(arena, mean);
    arena_insert_dirty(arena, kept_index(run), kept_length(run));
    region_unlock(&arena->lock);
}

static NOINLINE void review_kept(struct arena *arena, size_t freed)
{
    size_t dirty = kept_sum(&arena->kept) + count(&arena->dirty_granules);
    region_lock(&arena->lock);
    allowance_freed(&arena->allowance, freed, dirty << GRANULE_SHIFT);
    region_unlock(&arena->lock);
}

void arena_keep(struct arena *arena, uint32_t index, size_t granules)
{
    size_t freed;
    uint64_t rejected = kept_put(&arena->kept, index, granules);
    if (unlikely(rejected != 0))
        insert_with_kept(arena, rejected);
    if (kept_count_freed(&arena->kept, granules << GRANULE_SHIFT, &freed))
        review_kept(arena, freed);
}

void arena_hand_over(struct arena *arena)
{
    if (arena == ground())
        return;
    region_lock(&arena->lock);
    arena_drain_kept(arena, SIZE_MAX);
    region_lock(&ground()->lock);
    hand_over(arena, &arena->dirty);
    hand_clean_over(arena);
    region_unlock(&ground()->lock);
    region_unlock(&arena->lock);
}

void region_thread_ends(void)
{
    uint8_t number = thread_words()->arena;
    if (number == 0 || region_is_interrupted())
        return;
    struct arena *arena = &region.arenas[number - 1];
    thread_words()->arena = 0;
    if (atomic_fetch_sub_explicit(&arena->users, 1, memory_order_relaxed) == 1)
        arena_hand_over(arena);
}

void arenas_forget_threads(void)
{
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        atomic_store_explicit(&region.arenas[i].users, 0, memory_order_relaxed);
    if (thread_words()->arena != 0)
        atomic_store_explicit(&region.arenas[thread_words()->arena - 1].users, 1,
                              memory_order_relaxed);
    for (uint32_t i = 0; i < region_arenas(); i++)
        if (atomic_load_explicit(&region.arenas[i].users, memory_order_relaxed) == 0)
            arena_hand_over(&region.arenas[i]);
}

bool region_is_interrupted(void)
{
    return thread_words()->in_region != 0;
}

size_t arenas_dirty(void)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < region_arenas(); i++)
        sum += count(&region.arenas[i].dirty_granules) + kept_recount(&region.arenas[i].kept);
    return sum;
}

size_t arenas_hollow(void)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < region_arenas(); i++)
        sum += count(&region.arenas[i].hollow);
    return sum;
}
