/* SPDX-License-Identifier: MIT */
/* medium.h: blocks from a page to some hundred KiB. They are cut from spans of up to 1 MiB in whole
 * cells of 1 KiB, and joined with their free neighbours as soon as they come back; so memory that one
 * size gives up serves all others, where slabs would keep the most that each class ever had.
 *
 *     struct medium      what one theap has of it: spans, free runs by length (free_runs.h)
 *     struct medium_map  the record of a span, apart from it (map.h): nothing of the heap's lies beside
 *                        the program's data, so no overrun reaches it
 *
 * A block is taken from the shortest run that may hold memory already and is long enough, else from
 * the shortest that holds none, else from a new span; its end, and what alignment leaves before it,
 * stay free. Taking, giving back and resizing take bounded time, whatever the number of blocks.
 *
 * Memory: of each page it is known whether it was touched since the system gave it. Who has given blocks
 * back and finds that more is free than allowed (the theap's allowance, for slabs and medium blocks
 * together) pins one of the longest runs, and gives its pages back without the lock. An empty span goes
 * back to the region, unless it is the theap's only one.
 *
 * Any thread may free a block: medium_pass tells that it is one, once and without a lock. Then it may
 * lie in a cache, a batch or an inbox, until the owner's lock is held to give it back.
 *
 * All functions want the lock of the theap held, unless they say otherwise. None touches a block. */
#ifndef BARROW_MEDIUM_MEDIUM_H
#define BARROW_MEDIUM_MEDIUM_H

#include "medium/free_runs.h"

enum {
    MEDIUM_MAX = 256 * 1024, /* the longest block */
    MEDIUM_ALIGN_MAX = GRANULE_SIZE,
    MEDIUM_SLACK = 8 /* 1/8 of a block that was resized may be idle */
};

struct medium {
    struct free_runs dirty, clean;
    uint32_t tag;  /* of the granules of its spans */
    uint32_t maps; /* number of the first map; by `next`. 0: none */
    uint32_t spans;
    uint32_t emptied;  /* spans to be freed when the lock is released, by `next` */
    uint32_t due;      /* pinned run whose pages are to be given back then, see place_word */
    uint32_t pinned;   /* runs that are due, or whose pages are on their way back */
    size_t cells;      /* of all spans */
    size_t free_cells; /* of all free runs */
    size_t untouched;  /* pages of all spans that hold no memory */
    size_t blocks;     /* that are not free: the program's, in caches and on their way */
};

/* What medium_take and medium_resize have found. */
struct medium_taken {
    struct place place;
    size_t fresh;               /* bytes of a new span without memory, or of pages that have gone */
    size_t zero_from, zero_end; /* distances from the block's start: in between it reads as zero */
};

/* How long a block of that size is. From 16 cells on there are eight lengths for each doubling, and
 * sixteen from 64 on, so that what one block leaves fits another of nearly the same size. */
ALWAYS_INLINE uint32_t medium_cells(size_t size)
{
    uint32_t below = (uint32_t)((size - (size != 0)) >> CELL_SHIFT);
    if (below < 16)
        return below + 1;
    uint32_t step = 1U << (highest_bit(below) - (below < 64 ? 3 : 4));
    return (below + step) & -step;
}

ALWAYS_INLINE size_t medium_bytes(size_t size)
{
    return (size_t)medium_cells(size) << CELL_SHIFT;
}

/* Whether a block of `bytes` is left as it is when it is to hold `size`: what would be idle is not worth
 * cutting off. */
ALWAYS_INLINE bool medium_keeps(size_t bytes, size_t size)
{
    return size <= bytes && bytes <= medium_bytes(size + size / MEDIUM_SLACK);
}

/* Whether blocks of that size and alignment, a power of two, are for this folder. */
ALWAYS_INLINE bool medium_serves(size_t align, size_t size)
{
    return size <= MEDIUM_MAX && align <= MEDIUM_ALIGN_MAX;
}

/* Free memory of its own, and memory in use or free, in bytes. */
ALWAYS_INLINE size_t medium_idle(const struct medium *medium)
{
    return (medium->free_cells << CELL_SHIFT) - (medium->untouched << MAP_PAGE_SHIFT);
}

ALWAYS_INLINE size_t medium_resident(const struct medium *medium)
{
    return (medium->cells << CELL_SHIFT) - (medium->untouched << MAP_PAGE_SHIFT);
}

/* A block of that many cells that starts at a multiple of `align` cells. False when there is no memory. */
bool medium_take(struct medium *medium, uint32_t cells, uint32_t align, struct medium_taken *taken);

/* LIVE -> PASSED. False, and nothing changed, if the program has no block there, or has freed it.
 * No lock. */
ALWAYS_INLINE bool medium_pass(struct place place)
{
    if (unlikely(state_of(place) != CELL_LIVE))
        return false;
    set_state(place, CELL_PASSED);
    return true;
}

/* PASSED -> LIVE, for who has the block in a cache. No lock. */
ALWAYS_INLINE void medium_reuse(struct place place)
{
    ASSERT(state_of(place) == CELL_PASSED);
    set_state(place, CELL_LIVE);
}

/* Takes a passed block back. */
void medium_give(struct medium *medium, struct place place);

/* What starts at the place is in no index and counts as free: it is joined with its neighbours. */
void medium_join(struct medium *medium, struct place place);

/* Makes a block shorter, or longer if what follows is free. False, and nothing changed, if it is not.
 * `taken` then tells of the part that is new. */
bool medium_resize(struct medium *medium, struct place place, uint32_t cells,
                   struct medium_taken *taken);

/* Gives all empty spans back, the last one too. */
void medium_release_empty(struct medium *medium);

/* Pins one of the longest runs that may hold memory, as `due`. False if there is none that is long
 * enough to be worth a call of the system. */
bool medium_pin(struct medium *medium);

/* Gives the pages of a pinned run back. No lock is held. False if the system refuses. */
bool medium_discard(struct place run);

/* The run is free again; `gone`: its pages have gone back. Returns the bytes of these. */
size_t medium_unpin(struct medium *medium, struct place run, bool gone);

/* Pins up to `max` runs with whole pages that may hold memory, however short. Returns how many. */
uint32_t medium_pin_dirty(struct medium *medium, struct place *runs, uint32_t max);

/* Gives empty spans, which `emptied` has named, to the region. No lock is held. */
void medium_free_emptied(uint32_t index);

/* After fork, for runs that another thread had pinned. */
void medium_unpin_all(struct medium *medium);

/* After fork, where another thread held the lock: all records of the spans are made anew, and only what
 * the program has is in use. Blocks in caches, batches and inboxes are free. */
void medium_repair(struct medium *medium);

/* Counts a span that is the owner's already, and all of whose pages may hold memory. */
void medium_adopt(struct medium *medium, struct medium_map *map);

/* What starts at the next cell at or behind `place` at which anything starts; false: nothing does. */
bool medium_next(struct place *place);

#endif
