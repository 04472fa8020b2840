/* SPDX-License-Identifier: MIT */
/* block.c: the secrets that protect the lists of free blocks, and the block that ends lists. */
#include "heap/block.h"

#include "os/process.h"

#define MARK_TOP ((uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT)

/* before the keys are drawn there is no free block, and block_end's words must not agree */
struct block_keys block_keys = { .mark = MARK_TOP };
const struct block block_end;

void block_draw_keys(void)
{
    if (block_keys.link != 0)
        return;
    /* relaxed: see block_mark_key */
    STORE_RELAXED(&block_keys.mark, (uintptr_t)os_random() >> (64 - BLOCK_FREE_SHIFT) | MARK_TOP);
    /* the highest bit set: with an address for a key the two forms could be confused */
    block_keys.link = (uintptr_t)os_random() | (uintptr_t)1 << 63;
}
