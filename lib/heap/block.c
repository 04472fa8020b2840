/* SPDX-License-Identifier: MIT */
/* block.c: the secret that protects the lists of free blocks, and the block that ends lists. */
#include "heap/block.h"

#include "os/process.h"

#define MARK_TOP ((uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT)

/* before the key is drawn there is no free block, and block_end's words must not agree */
uintptr_t block_key = MARK_TOP;
const struct block block_end;

void block_draw_key(void)
{
    if (block_key == MARK_TOP) /* relaxed: see block_mark_key */
        STORE_RELAXED(&block_key, (uintptr_t)os_random() >> (64 - BLOCK_FREE_SHIFT) | MARK_TOP);
}
