/* SPDX-License-Identifier: MIT */
/* slab.h: spans cut into equal blocks. All functions want the owning theap's lock held. */
#ifndef BARROW_HEAP_SLAB_H
#define BARROW_HEAP_SLAB_H

#include "heap/slab_unit.h"
#include "heap/theap.h"

/* Takes up to `wanted` blocks out of the theap's slabs; none only when there is no memory. *zero
 * tells whether the first block, but for its first 16 bytes, reads as zero; it is set only when
 * wanted is 1. */
struct chain slab_take(struct theap *theap, unsigned size_class, uint32_t wanted, bool *zero);

/* The class to take a long block from: its own, or one of the few larger ones, no less aligned,
 * that has a block to spare. Memory that has been in use is better than fresh memory: of long
 * blocks there are few of each class, at one time more of one, at another of the next, and without
 * lending each class would keep the most that it ever had. */
unsigned slab_lender(struct theap *theap, unsigned size_class);

/* Whether a fresh block for that class may be one of `bytes`: its own, or lent. Without the lock. */
bool slab_may_serve(unsigned size_class, size_t bytes);

/* Cuts a list of free blocks behind the first `count`, which are no more than it has; the rest. */
struct block *slab_cut(struct block *first, uint32_t count);

/* Gives a list of blocks of any classes, which may be BLOCK_END, back to their slabs; a slab that becomes
 * empty is freed, but one is kept. */
void slab_give(struct theap *theap, struct block *first);

/* A slab that is due for a search is pinned: it is in no group (its group is GROUPS), so nobody takes
 * blocks from it, and counts one block more as in use, so that it does not become empty. Frees into it
 * go on. */
void slab_pin(struct theap *theap, struct span *slab);
void slab_unpin(struct theap *theap, struct span *slab);

/* Looks for whole free pages inside a pinned slab, and takes them out of circulation. Returns their
 * units, one bit each. */
uint64_t slab_search(struct theap *theap, struct span *slab);

/* Gives these units of a pinned slab back to the system: no lock is held. Returns the bytes. */
size_t slab_discard(const struct span *slab, uint64_t units);

/* Gives the span of an empty slab back, when the lock is released. */
void slab_free(struct theap *theap, struct span *slab);

/* In the child of a fork, for a slab of a theap that another thread was changing: lists its free blocks
 * anew, and puts it in its group. */
void slab_repair(struct theap *theap, struct span *slab);

/* The same for a slab that was being made or freed, so that no block of it is in circulation: gives its
 * span back. */
void slab_abandon(struct span *slab);

/* Whether the address starts a block that the program has. Any address in the slab, any thread: no
 * lock is needed, and what is said of a block in use is right. */
bool slab_has_in_use(const struct span *slab, const void *address);

/* The block of the slab that holds the address; NULL in the slab's unused tail. */
struct block *slab_block_at(const struct span *slab, const void *address);

/* Puts a free block on its slab's list. */
void slab_push_listed(struct span *slab, struct block *block);

#endif
