/* SPDX-License-Identifier: MIT */
/* block.h: the contents of a free block. A block in use holds nothing of the library's.
 *
 * A secret, drawn when the process makes its first theap, protects the lists of free blocks. Their
 * first word is the link, the second one, the mark, is the link ^ secret, and vouches for it: a link is
 * followed only if the two agree, so a program that writes to a freed block cannot redirect a list
 * unless it knows the secret. A block whose two words agree is free: other data agrees with a
 * probability of 2^-56. That holds without a look at any other memory, and so at the same cost whatever
 * other threads do.
 *
 * Nothing of it is left in memory that a program gets: both words are cleared when a block is handed
 * out, and when its slab or its page is given up. */
#ifndef BARROW_HEAP_BLOCK_H
#define BARROW_HEAP_BLOCK_H

#include "heap/bad_pointer.h"
#include "region/page_map.h"

struct block {
    struct block *next;
    uintptr_t mark;
};

/* The highest byte of every mark, since addresses have zeros there. Rare in programs' data: no text
 * in UTF-8 has it, no address and no small number. It is the same in every process, so that free()
 * needs no load to compare it. */
enum { BLOCK_FREE = 0xF9, BLOCK_FREE_SHIFT = 56 };

/* The secret; its highest byte is BLOCK_FREE. */
extern uintptr_t block_key HIDDEN;

/* A thread without a theap looks at the empty list while another draws the secret: with any value
 * that it ever had, block_end's words do not agree. */
ALWAYS_INLINE uintptr_t block_mark_key(void)
{
    return READ_RACY(block_key);
}

/* Ends every list. Its words do not agree, so taking from an empty list fails like
 * taking a damaged block. */
extern const struct block block_end HIDDEN;
#define BLOCK_END ((struct block *)(uintptr_t)&block_end)

/* Draws the secret, unless it is there. The caller sees to it that no other thread does. */
void block_draw_key(void);

/* True of every free block, and by chance of a few others. Looks at one byte, and not the first
 * one: the program may just have stored a part of the word, and the load of a whole word would have
 * to wait until that is done. */
ALWAYS_INLINE bool block_may_be_free(const struct block *block)
{
    return *((const unsigned char *)&block->mark + sizeof block->mark - 1) == BLOCK_FREE;
}

ALWAYS_INLINE void block_link(struct block *block, struct block *next)
{
    block->next = next;
    block->mark = (uintptr_t)next ^ block_mark_key();
}

ALWAYS_INLINE bool block_is_linked(const struct block *block)
{
    return ((uintptr_t)block->next ^ block_mark_key()) == block->mark;
}

/* The block behind one of a list; ends the process if the block has been written to. */
ALWAYS_INLINE struct block *block_next(const struct block *block)
{
    if (unlikely(!block_is_linked(block)))
        bad_list(block);
    return block->next;
}

/* Another thread may be writing to the block if it is not the caller's; then either is true. */
ALWAYS_INLINE bool block_is_free(const struct block *block)
{
    return unlikely(block_may_be_free(block)) && block_is_linked(block);
}

/* Free blocks on their way between a cache, a slab and another thread. */
struct chain {
    struct block *first, *last; /* NULL: there is none */
    uint32_t count;
};

ALWAYS_INLINE void chain_push(struct chain *chain, struct block *block)
{
    struct block *next = chain->first;
    if (next == NULL) {
        chain->last = block;
        next = BLOCK_END;
    }
    block_link(block, next);
    chain->first = block;
    chain->count++;
}

ALWAYS_INLINE void chain_append(struct chain *chain, struct block *block)
{
    block_link(block, BLOCK_END);
    if (chain->first == NULL)
        chain->first = block;
    else
        block_link(chain->last, block);
    chain->last = block;
    chain->count++;
}

#endif
