/* SPDX-License-Identifier: MIT */
/* slab.h: spans cut into equal blocks. All functions want the owning theap's lock held. */
#ifndef BARROW_HEAP_SLAB_H
#define BARROW_HEAP_SLAB_H

#include "heap/slab_unit.h"
#include "heap/theap.h"

/* Takes as many blocks as are wanted, or fewer, out of one of the theap's slabs; none only when
 * there is no memory. *zero tells whether the first block, but for its first 16 bytes, reads as zero; it is set only when
 * wanted is 1. */
struct chain slab_take(struct theap *theap, unsigned size_class, uint32_t wanted, bool *zero);

/* Cuts a list of free blocks behind the first `count`, which are no more than it has; the rest. */
struct block *slab_cut(struct block *first, uint32_t count);

/* Gives a block back to its slab, as below. */
void slab_give_one(struct theap *theap, struct block *block);

/* The slab that a block is one of. */
struct span *slab_of(const struct block *block);

/* Takes all that the slab has free. It is not pinned. */
struct chain slab_take_all(struct theap *theap, struct span *slab);

/* Gives blocks of one slab back to it, all at once. */
void slab_give_all(struct theap *theap, struct span *slab, struct chain chain);

/* Gives a list of blocks of any classes, which may be BLOCK_END, back to their slabs, and medium ones to their
 * spans; a slab that becomes empty is freed, but one is kept. */
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

/* Notes up to where the blocks that start in each granule with one of these units are in circulation, so
 * that starts of blocks are told without the descriptor. `claim`: the theap's thread is the caller, and may
 * take vacant places in its table. */
void slab_note_starts(const struct theap *theap, const struct span *slab, uint64_t units,
                      bool claim);

/* Gives the span of an empty slab back, when the lock is released. */
void slab_free(struct theap *theap, struct span *slab);

/* In the child of a fork, for a slab of a theap that another thread was changing: lists its free blocks
 * anew, and puts it in its group. */
void slab_repair(struct theap *theap, struct span *slab);

/* The same for a slab that was being made or freed, so that no block of it is in circulation: gives its
 * span back. */
void slab_abandon(struct span *slab);

/* Whether the theap has free blocks of the class, in circulation or in holes, without a new slab. */
bool slab_can_serve(struct theap *theap, unsigned size_class);

/* Moves one of a theap's slabs with free blocks to another theap, whose lock is held too. Its blocks that
 * are in use or on their way are its new owner's then. False when there is none. */
bool slab_move(struct theap *from, struct theap *to, unsigned size_class);

/* Whether the address starts a block that the program has. Any address in the slab, any thread: no
 * lock is needed, and what is said of a block in use is right. */
bool slab_has_in_use(const struct span *slab, const void *address);

/* The block of the slab that holds the address; NULL in the slab's unused tail. */
struct block *slab_block_at(const struct span *slab, const void *address);

/* Puts a free block on its slab's list. */
void slab_push_listed(struct span *slab, struct block *block);

#endif
