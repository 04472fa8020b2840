/* SPDX-License-Identifier: MIT */
/* kept.h: runs that were freed a moment ago, kept by their arena for the next span, without a lock.
 *
 * A word holds a run: its length above, its index below; 0 is no run. Whoever exchanges a word has the
 * run, whichever thread that is. So a run is taken, cut, lengthened or put by with one exchange, and
 * nothing but the word tells of it for certain: none of its granules has a kind. Beside the tags of its first
 * and last granules, which are 0, the page map notes which word to look at.
 *
 * Kept runs are dirty memory and count as such against the allowance, which bounds their bytes. They
 * move on to the arena's dirty runs, where they are joined with others and may go back to the system,
 * when the words are full, when they are too short for what is asked, when too much is free, and when
 * the arena's threads have freed nothing for a tick. */
#ifndef BARROW_REGION_KEPT_H
#define BARROW_REGION_KEPT_H

#include "os/compiler.h"

#include <stdatomic.h>

enum {
    KEPT_RUNS = 32,
    KEPT_BUSY = 1 /* in a word: a run of no length, while a thread cuts the one that was there */
};

struct ALIGNED(CACHE_LINE) kept {
    _Atomic uint64_t runs[KEPT_RUNS];

    /* Relaxed, all: hints. Threads that share the arena may lose each other's changes. What that leaves
     * wrong is set right by kept_recount, at the latest when 64 MiB more have been put by. */
    _Atomic uint32_t used;     /* words behind which there is nothing to look for */
    _Atomic uint32_t empty;    /* a word that is likely to be empty */
    _Atomic size_t sum;        /* granules that are kept */
    _Atomic size_t freed;      /* bytes put by since the last review */
    _Atomic size_t look_at;    /* the value of `freed` at which the clock is looked at */
    _Atomic size_t seen;       /* `freed` at the last tick */
    _Atomic uint64_t reviewed; /* milliseconds */
};

/* Takes `granules` from the shortest run that has them, and returns their index; 0: there is none. */
uint32_t kept_take(struct kept *kept, size_t granules);

/* Takes exactly [index, index+granules) if a run starts there and is that long. */
bool kept_take_at(struct kept *kept, uint32_t index, size_t granules);

/* Puts a run by, joined with its neighbours. When all words are in use, it returns the run, which may
 * be longer now, and is the caller's; else 0. */
uint64_t kept_put(struct kept *kept, uint32_t index, size_t granules);

/* Takes any run of up to `most` granules whole. Returns its length; 0: there is none. */
size_t kept_take_any(struct kept *kept, size_t most, uint32_t *index);

/* What is kept, in granules; the hints are true of it. */
size_t kept_recount(struct kept *kept);

/* So many bytes were put by. True when a review is due, of *freed bytes in all. */
bool kept_count_freed(struct kept *kept, size_t bytes, size_t *freed);

/* In the child of fork: what other threads were cutting is lost. */
void kept_after_fork(struct kept *kept);

/* At each tick: true when nothing was put by since the last one. */
bool kept_is_idle(struct kept *kept);

/* The same without a look at all words. */
ALWAYS_INLINE size_t kept_sum(const struct kept *kept)
{
    return atomic_load_explicit(&kept->sum, memory_order_relaxed);
}

ALWAYS_INLINE uint32_t kept_index(uint64_t run)
{
    return (uint32_t)run;
}

ALWAYS_INLINE size_t kept_length(uint64_t run)
{
    return run >> 32;
}

/* relaxed: who goes on with the run exchanges the word, with acquire */
ALWAYS_INLINE uint64_t kept_run(const struct kept *kept, unsigned i)
{
    return atomic_load_explicit(&kept->runs[i], memory_order_relaxed);
}

#endif
