/* SPDX-License-Identifier: MIT */
/* large_blocks.h: a private heap's blocks with a span of their own. Any thread that may work in the
 * heap: a shared heap's list has a lock. */
#ifndef BARROW_PRIVATE_LARGE_BLOCKS_H
#define BARROW_PRIVATE_LARGE_BLOCKS_H

#include "private/private_heap.h"

/* NULL when there is no memory, or the limit is reached. */
void *large_blocks_alloc(struct private_heap *heap, size_t align, size_t size, bool zero);
void large_blocks_free(struct private_heap *heap, struct span *span);

/* The block, which may have moved if it may; NULL, and nothing changed, as above. */
void *large_blocks_resize(struct private_heap *heap, struct span *span, size_t size, bool may_move);

/* Frees them all: the heap is being destroyed. */
void large_blocks_release(struct private_heap *heap);

/* In the child of fork. */
void large_blocks_repair(struct private_heap *heap);

#endif
