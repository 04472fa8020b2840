/* SPDX-License-Identifier: MIT */
/* find.h: blocks of private heaps that have spans, by their addresses; those of bounded heaps have
 * none. Any address may be asked about, and any thread may ask. */
#ifndef BARROW_PRIVATE_FIND_H
#define BARROW_PRIVATE_FIND_H

#include "private/private_heap.h"

/* The span, if the address starts a block in use, and the heap that it is of; else NULL. */
static inline struct span *find_any(const void *address, struct private_heap **heap)
{
    struct span *span = private_span_of(address);
    if (span == NULL)
        return NULL;
    struct pool *pool = span_pool(span);
    if (span_kind(span) == SPAN_LARGE)
        *heap = span->heap;
    else if (pool != NULL && pool_block_at(span, address) != NULL)
        *heap = pool->heap;
    else
        return NULL;
    return span;
}

/* The same if it is of this heap. */
static inline struct span *find_in(struct private_heap *heap, const void *address)
{
    struct private_heap *owner;
    struct span *span = find_any(address, &owner);
    return span != NULL && owner == heap ? span : NULL;
}

/* The size that was asked for of a block in a bounded or mapped heap; PRIVATE_NO_BLOCK if the address
 * starts none. */
size_t private_bounded_size(struct private_heap *heap, const void *address);

/* The size that was asked for; the block is in use. */
static inline size_t size_in_span(const struct span *span, const void *block)
{
    return span_kind(span) == SPAN_LARGE ? span->size : pool_block_size(span, block);
}

#endif
