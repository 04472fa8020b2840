/* SPDX-License-Identifier: MIT */
/* bin.h: a theap's cache for one size class: a list that blocks are taken from and freed to, and a
 * spare one, a list that was full, so that nobody need walk it. */
#ifndef BARROW_HEAP_BIN_H
#define BARROW_HEAP_BIN_H

#include "heap/block.h"
#include "heap/size_class.h"

#include <stdatomic.h>

/* `room` counts blocks in steps of ROOM. A step is more than the residue of any start of a block in a
 * slab of one granule (size_class.h), and all of them together are less than any other residue: so
 * "a block starts there, and the list has room for it" is one comparison. In longer slabs a start may
 * fail it while there is room for a few blocks only; the slow path takes that one. */
enum { ROOM_SHIFT = 17, ROOM = 1 << ROOM_SHIFT };

struct bin {
    struct block *free; /* BLOCK_END when there is none */
    uint64_t room;      /* how many more blocks `free` may hold, times ROOM */
    uint64_t magic;     /* size_class_magic */
    /* Whoever exchanges it for another, or for NULL, has the list: the owner on its slow paths, and
     * who gives back what a sleeping thread keeps. */
    _Atomic(struct block *) spare;
    uint16_t spare_count; /* of the list that the owner put there last */
    uint16_t limit;       /* blocks that `free` may hold now */
    uint16_t most;        /* the same for the next list */
    uint16_t units;       /* of 16 bytes: a block's size */
};

_Static_assert(sizeof(struct bin) == 40, "see bin_code in theap.h");

ALWAYS_INLINE uint32_t bin_bytes(const struct bin *bin)
{
    return bin->units * 16u;
}

/* How many blocks the list holds. The owner's, or a fair guess. */
ALWAYS_INLINE uint32_t bin_count(const struct bin *bin)
{
    return bin->limit - (uint32_t)(bin->room >> ROOM_SHIFT);
}

ALWAYS_INLINE bool bin_is_full(const struct bin *bin)
{
    return bin->room == 0;
}

/* The bin goes on with that list. */
ALWAYS_INLINE void bin_set_list(struct bin *bin, struct block *list, uint32_t count)
{
    ASSERT(count <= UINT16_MAX);
    bin->limit = (uint16_t)(count > bin->most ? count : bin->most);
    bin->room = (uint64_t)(bin->limit - count) << ROOM_SHIFT;
    bin->free = list;
}

/* NULL: the list is empty, or the mark of its first block does not vouch for its link, as
 * bin_is_bad then tells: the program wrote to it after it had freed it.
 *
 * A block leaves the list before it loses its mark: so a signal handler or the child of another
 * thread's fork that comes in between finds only free blocks in the list. */
ALWAYS_INLINE struct block *bin_pop(struct bin *bin)
{
    struct block *block = bin->free;
    struct block *next = (struct block *)(block->mark ^ block_mark_key());
    if (unlikely(block->next != next)) /* block_is_linked, and in the order that costs least */
        return NULL;
    bin->free = next;
    atomic_signal_fence(memory_order_seq_cst);
    block->next = NULL;
    block->mark = 0;
    bin->room += ROOM;
    return block;
}

ALWAYS_INLINE bool bin_is_bad(const struct bin *bin)
{
    return bin->free != BLOCK_END;
}

/* The bin is not full. */
ALWAYS_INLINE void bin_push(struct bin *bin, struct block *block)
{
    ASSERT(!bin_is_full(bin));
    block_link(block, bin->free);
    atomic_signal_fence(memory_order_seq_cst); /* as in bin_pop */
    bin->free = block;
    bin->room -= ROOM;
}

#endif
