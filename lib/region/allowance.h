/* SPDX-License-Identifier: MIT */
/* allowance.h: how much free memory may stay with the process. It is learned.
 *
 * Whoever frees gives memory back as soon as more than the allowance is free. The allowance is small
 * at first. When memory that was given back is wanted again soon, giving it back was a mistake, and
 * the allowance rises by as much: so a program whose use rises and falls stops paying for it after
 * one round, whatever the amplitude. What has lain unused for a whole period is taken off again.
 *
 * A period lasts ten purge delays at least, and until twice the allowance has been freed, so that a
 * slow round of a large heap fits in one. The owner's lock protects each allowance. Without it may be
 * called allowance_limit, and allowance_reused where a review may come too late by a call. */
#ifndef BARROW_REGION_ALLOWANCE_H
#define BARROW_REGION_ALLOWANCE_H

#include "os/compiler.h"

#include <stdatomic.h>

struct allowance {
    _Atomic size_t
        learned;          /* bytes beyond what every heap may keep; written under the lock, read by
                               anybody, relaxed: a late value gives back a little more or less */
    size_t given_back[2]; /* bytes given back in this period and in the one before, less those that
                             were wanted again */
    size_t idle;          /* the least that was free at any time of the period; lowered without the
                             lock too, see allowance_reused */
    size_t freed;         /* bytes freed in the period */
    size_t review_at;     /* the value of `freed` at which the clock is looked at */
    uint64_t began;       /* milliseconds */
};

/* The least length of a period, in milliseconds. */
uint64_t allowance_period(void);

/* Bytes that may stay free beside `live` bytes in use; SIZE_MAX when nothing is to be given back. Any
 * thread, with the lock or without. */
size_t allowance_limit(const struct allowance *allowance, size_t live);

/* Time has passed, and `free` are free. */
void allowance_review(struct allowance *allowance, size_t free);

/* `bytes` have come free, `free` are free now. */
ALWAYS_INLINE void allowance_freed(struct allowance *allowance, size_t bytes, size_t free)
{
    allowance->freed += bytes;
    if (unlikely(allowance->freed >= allowance->review_at))
        allowance_review(allowance, free);
}

/* Free memory was used again, and `free` is left. */
ALWAYS_INLINE void allowance_reused(struct allowance *allowance, size_t free)
{
    if (free < LOAD_RELAXED(&allowance->idle))
        STORE_RELAXED(&allowance->idle, free);
}

/* To give so many bytes back was a mistake, or would be one. */
ALWAYS_INLINE void allowance_learn(struct allowance *allowance, size_t bytes)
{
    /* two accesses: the lock is held, so there is no other writer */
    size_t before = atomic_load_explicit(&allowance->learned, memory_order_relaxed);
    atomic_store_explicit(&allowance->learned, before + bytes, memory_order_relaxed);
}

/* `bytes` of fresh memory were needed, for no free memory would do. */
void allowance_wanted(struct allowance *allowance, size_t bytes);

/* `bytes` have gone back to the system. */
ALWAYS_INLINE void allowance_gave_back(struct allowance *allowance, size_t bytes)
{
    allowance->given_back[0] += bytes;
}

#endif
