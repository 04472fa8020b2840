/* SPDX-License-Identifier: MIT */
/* block.h: what a free block holds. A block in use holds nothing of ours. */
#ifndef BARROW_REGION_BLOCK_H
#define BARROW_REGION_BLOCK_H

#include "region/span.h"

struct block {
    struct block *next;
    /* BLOCK_FREE, so that freeing it again is seen; cleared when the block is handed out. A program
     * may write the same by chance, so a mark is only the reason for a closer look. */
    intptr_t mark;
};

/* No address, no small number and no text; short enough to stand in an instruction. */
#define BLOCK_FREE ((intptr_t)(int32_t)0x9ad3b5c1)

/* Free blocks on their way between a cache, a slab and another thread. */
struct chain {
    struct block *first, *last;
    uint32_t count;
};

ALWAYS_INLINE void chain_push(struct chain *chain, struct block *block)
{
    block->next = chain->first;
    if (chain->first == NULL)
        chain->last = block;
    chain->first = block;
    chain->count++;
}

ALWAYS_INLINE void chain_append(struct chain *chain, struct block *first, struct block *last,
                                uint32_t count)
{
    if (chain->first == NULL)
        chain->first = first;
    else
        chain->last->next = first;
    chain->last = last;
    chain->count += count;
}

#endif
