/* SPDX-License-Identifier: MIT */
/* free_block.h: is a block that carries the mark of free ones really free? */
#ifndef BARROW_HEAP_FREE_BLOCK_H
#define BARROW_HEAP_FREE_BLOCK_H

#include "heap/slab.h"

/* Looks for the block wherever free blocks are. Slow: only for what is suspect already. */
bool block_is_free(struct span *slab, const struct block *block);

#endif
