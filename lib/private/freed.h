/* SPDX-License-Identifier: MIT */
/* freed.h: what a free block in a private heap's slab holds: a link, and a mark that vouches for it.
 *
 * The mark is the link ^ the block's address ^ a secret of the process. A link is followed only if the
 * two words agree, so a program that writes to a freed block cannot redirect a list unless it knows the
 * secret, not even with the words of another free block. When a block is handed out both words are
 * cleared, and both are wiped when its slab goes back to the region.
 *
 * A block of 16 bytes has its size word in the mark's last two bytes. No address has bits there, and
 * those of the secret are ones: so what the mark says there is SIZE_WORD_FREE. */
#ifndef BARROW_PRIVATE_FREED_H
#define BARROW_PRIVATE_FREED_H

#include "os/compiler.h"

#include <stdint.h>

struct freed {
    struct freed *next;
    uintptr_t mark;
};

enum { FREED_KEY_BITS = 48 /* that are random */ };
#define FREED_NO_MARK (~(uintptr_t)0 << FREED_KEY_BITS)

/* Written once, before the first private heap is made. */
extern uintptr_t freed_key HIDDEN;

/* Draws the secret, unless it is there. The caller sees to it that no other thread does. */
void freed_draw_key(void);

/* Says that the program wrote to the free block, and ends the process. */
_Noreturn void freed_is_bad(const struct freed *block);

ALWAYS_INLINE uintptr_t freed_mark(const struct freed *block, const struct freed *next)
{
    return (uintptr_t)next ^ freed_key ^ (uintptr_t)block;
}

ALWAYS_INLINE void freed_link(struct freed *block, struct freed *next)
{
    block->next = next;
    block->mark = freed_mark(block, next);
}

ALWAYS_INLINE bool freed_is_linked(const struct freed *block)
{
    return (block->mark ^ (uintptr_t)block->next ^ (uintptr_t)block) == freed_key;
}

/* The block behind one of a list. */
ALWAYS_INLINE struct freed *freed_next(const struct freed *block)
{
    if (unlikely(!freed_is_linked(block)))
        freed_is_bad(block);
    return block->next;
}

/* Takes the first block of a list, and leaves nothing of ours in it. NULL, and nothing done, if there is none
 * or its words do not agree: so a quick way needs no frame for a call that ends the process. */
ALWAYS_INLINE struct freed *freed_pop(struct freed **list)
{
    struct freed *block = *list;
    if (unlikely(block == NULL) || unlikely(!freed_is_linked(block)))
        return NULL;
    *list = block->next;
    *block = (struct freed){ 0 };
    return block;
}

/* The same of a list that has a block; ends the process if that was written to. */
ALWAYS_INLINE struct freed *freed_take(struct freed **list)
{
    struct freed *block = *list;
    *list = freed_next(block);
    *block = (struct freed){ 0 };
    return block;
}

/* Leaves neither link nor mark in a block that stays free. */
ALWAYS_INLINE void freed_wipe(struct freed *block)
{
    block->next = NULL;
    block->mark = FREED_NO_MARK;
}

static inline void freed_wipe_list(struct freed *list)
{
    for (struct freed *block = list, *next; block != NULL; block = next) {
        next = freed_next(block);
        freed_wipe(block);
    }
}

#endif
