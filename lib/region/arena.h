/* SPDX-License-Identifier: MIT */
/* arena.h: which arena a thread takes spans from, its lock, and what threads leave behind.
 *
 * While a thread holds any lock of this folder, its word `in_region` is set. A signal handler that
 * finds it set must not wait for a lock that its own thread may hold: it gets no memory, and what it
 * frees is deferred (spans.c). */
#ifndef BARROW_REGION_ARENA_H
#define BARROW_REGION_ARENA_H

#include "os/thread_words.h"
#include "region/account.h"

static inline struct arena *ground(void)
{
    return &region.arenas[GROUND];
}

/* The ground's runs of address space that holds no memory. Where a clean run holds none either, since
 * os_recommit commits it, both are one set, so that neighbours are joined and whole regions found. */
static inline struct run_set *ground_reserved(void)
{
    return OS_RECOMMITS ? &ground()->clean : &ground()->reserved;
}

static inline bool is_guard(uint32_t index)
{
    return granule_is_ours(index) && span_kind(span_at(index)) == SPAN_GUARD;
}

static inline uint8_t arena_number(const struct arena *arena)
{
    return (uint8_t)(arena - region.arenas);
}

/* The calling thread's; it is given one at its first call. */
struct arena *arena_of_thread(void);

/* The arena that the span was taken from. */
static inline struct arena *arena_of(const struct span *span)
{
    return &region.arenas[span_arena(span)];
}

/* The arena to give it back to: where threads are that may take it. */
static inline struct arena *arena_for_free(const struct span *span)
{
    struct arena *arena = arena_of(span);
    /* relaxed: what comes to an arena whose last thread is ending goes on at the next tick */
    return atomic_load_explicit(&arena->users, memory_order_relaxed) != 0 ? arena : ground();
}

static inline void region_lock(struct os_lock *lock)
{
    thread_words()->in_region++;
    atomic_signal_fence(memory_order_seq_cst);
    os_lock(lock);
}

static inline void region_unlock(struct os_lock *lock)
{
    os_unlock(lock);
    atomic_signal_fence(memory_order_seq_cst);
    thread_words()->in_region--;
}

/* The arena's lock is held: these granules come free and may hold memory. */
void arena_insert_dirty(struct arena *arena, uint32_t index, size_t granules);

/* No lock is held: these granules are free, hold no memory, and are not counted as committed. */
void arena_insert_clean(struct arena *arena, uint32_t index, size_t granules);

/* In the child of fork: the threads that are not here use no arena any more. */
void arenas_forget_threads(void);

/* The arena's lock is held: its kept runs of up to `most` granules become dirty runs. False when there
 * was none. */
bool arena_drain_kept(struct arena *arena, size_t most);

/* Without the lock: a run that was freed is kept for the next span. */
void arena_keep(struct arena *arena, uint32_t index, size_t granules);

/* All free memory of an arena that no thread uses becomes the ground's. */
void arena_hand_over(struct arena *arena);

/* Sums over all arenas, in granules. */
size_t arenas_dirty(void);  /* kept runs too */
size_t arenas_hollow(void); /* in bytes */

#endif
