/* SPDX-License-Identifier: MIT */
/* block.h: what a free block holds. A block in use holds nothing of ours. */
#ifndef BARROW_HEAP_BLOCK_H
#define BARROW_HEAP_BLOCK_H

#include "os/compiler.h"

struct block {
    struct block *next;
    /* The theap into whose cache it was freed, so that freeing it twice is seen; cleared when the
     * block is handed out. Nothing rests on it but that check. */
    const void *mark;
};

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
