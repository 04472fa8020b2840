/* SPDX-License-Identifier: MIT */
/* open_slab.h: slabs that take their own blocks back, past a full bin.
 *
 * A program that drops more blocks than a bin holds frees them into their slabs. The first such free
 * opens the slab: a record with a bin of its own takes the place of the class's bin in the table of own
 * slabs, and all that the slab has free on its list. From then on the inline path of free() serves the
 * slab, as long as the record's bin has room: that is, until so many blocks have come back that the
 * slab deserves a look (slab.c), or is empty. Then it is closed, and what came back goes on the slab's
 * list at once. When the class's bin runs dry it takes an open slab's whole list instead. So blocks that
 * do not fit the cache cost no more than those that do, but for two calls for each slab.
 *
 * Blocks in an open slab's list count as in use, as those in bins do. All of it is the owner's, in its
 * slow paths and its inline ones; no other thread may touch it. Opening fills the record before the
 * table leads to it, and closing has the table lead elsewhere before it empties the record: so a signal
 * handler that frees in between finds either. */
#ifndef BARROW_HEAP_OPEN_SLAB_H
#define BARROW_HEAP_OPEN_SLAB_H

#include "heap/theap.h"

struct open_slab {
    struct bin bin; /* the first field: the table leads to it */
    struct span *slab;
    uint32_t noted; /* free blocks when it was last looked at; under the lock */
    /* the class's older and newer one; the oldest one's next is the newest. `next` also of unused records */
    struct open_slab *next, *prev;
};

/* The record of an open slab whose bin that is; NULL for a class's bin. */
ALWAYS_INLINE struct open_slab *open_slab_of(const struct theap *theap, struct bin *bin)
{
    bool of_class = (uintptr_t)bin - (uintptr_t)theap->bins < sizeof theap->bins;
    return of_class ? NULL : (struct open_slab *)bin;
}

/* Opens the slab of a block in use, whose class's bin that is, and frees the block into it. False, and
 * nothing changed, where it can't be opened or it does not pay. */
bool open_slab_with(struct theap *theap, struct bin *bin, struct block *block);

/* Frees a block into an open slab whose bin is full, if it may stay open: not all of its blocks are free
 * with this one, and not too much is free in all. Else false, and nothing is changed. The theap's lock is held. */
bool open_slab_go_on(struct theap *theap, struct open_slab *open, struct block *block);

/* Closes the class's slab that was opened last. Its free blocks are the caller's; none if no slab is
 * open. */
struct chain open_slab_take(struct theap *theap, unsigned size_class);

/* Closes the slab, and puts its free blocks on its list; the theap's lock is held. Returns how many. */
uint32_t open_slab_close(struct theap *theap, struct open_slab *open);

/* Looks at one of the class's open slabs, each time at another, and closes it if all of its blocks are
 * free: some may have come back to it by other ways, which its room does not count. The lock is held. */
void open_slab_tend(struct theap *theap, unsigned size_class);

/* All of them. */
void open_slab_close_all(struct theap *theap);

/* In the child of a fork, for a theap whose lists are made anew: no slab is open. */
void open_slab_forget_all(struct theap *theap);

/* How many free blocks an open slab of the theap holds, 0 if it is not open. Any thread that holds the
 * theap's lock; a fair guess if it is not the owner. */
uint32_t open_slab_count(const struct theap *theap, const struct span *slab);

#endif
