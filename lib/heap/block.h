/* SPDX-License-Identifier: MIT */
/* block.h: what a free block holds. A block in use holds nothing of ours. */
#ifndef BARROW_HEAP_BLOCK_H
#define BARROW_HEAP_BLOCK_H

#include "region/span.h"

struct block {
    /* BLOCK_FREE, so that freeing it again is seen; cleared when the block is handed out. A program
     * may write the same by chance, so a mark is only the reason for a closer look. */
    intptr_t mark;
    /* Not first: where free() stores and malloc() loads a word, processors that guess which load
     * reads which store guess wrong for a while after, and programs work on the first word most. */
    struct block *next;
};

/* No address, no small number and no text, and short enough to stand in an instruction. Its lowest
 * byte is none of any text in ASCII or UTF-8, and of no aligned address. */
#define BLOCK_FREE ((intptr_t)(int32_t)0x9ad3b5c1)

/* True of every free block, and by chance of a few others. One byte, since the program may just
 * have stored one: a load of all of the word would have to wait until that is done. */
ALWAYS_INLINE bool block_may_be_free(const struct block *block)
{
    return *(const unsigned char *)&block->mark == (unsigned char)BLOCK_FREE;
}

ALWAYS_INLINE bool block_is_marked_free(const struct block *block)
{
    return unlikely(block_may_be_free(block)) && block->mark == BLOCK_FREE;
}

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
