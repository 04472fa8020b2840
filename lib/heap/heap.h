/* SPDX-License-Identifier: MIT */
/* heap.h: the process heap as the faces of the library see it. Any thread; errno is left alone.
 *
 * The fast paths are inline: a handful of instructions over the calling thread's cache. Whatever they
 * can't decide is left to the slow ones, which decide everything again. `call` names the function that
 * the program called, for the message about a bad pointer. */
#ifndef BARROW_HEAP_HEAP_H
#define BARROW_HEAP_HEAP_H

#include "heap/theap.h"
#include "region/span.h"

#include <string.h>

/* NULL when there is no memory. */
void *heap_alloc_slow(size_t size);
void *heap_alloc_zero_slow(size_t size);
void *heap_alloc_aligned(size_t align, size_t size); /* align is a power of two */

void heap_free_slow(void *block, const char *call);

/* Contents kept up to the lesser size. NULL, and nothing changed, when there is no memory. */
void *heap_realloc(void *block, size_t size, const char *call);

/* How many bytes the block holds; not what was asked for. */
size_t heap_usable_size(const void *block, const char *call);

ALWAYS_INLINE struct block *cache_pop(struct theap *theap, unsigned class)
{
    struct block *block = theap->cache[class];
    if (unlikely(block == NULL))
        return NULL;
    theap->cache[class] = block->next;
    block->mark = NULL;
    return block;
}

ALWAYS_INLINE void cache_push(struct theap *theap, unsigned class, struct block *block)
{
    block->mark = theap;
    block->next = theap->cache[class];
    theap->cache[class] = block;
    if (unlikely(--theap->room[class] < 0))
        theap_overflow(theap, class);
}

ALWAYS_INLINE void *heap_alloc(size_t size)
{
    struct theap *theap = theap_fast;
    if (likely(size <= SMALL_MAX)) {
        void *block = cache_pop(theap, theap->class_of[(size + 15) / 16]);
        if (likely(block != NULL))
            return block;
    }
    return heap_alloc_slow(size);
}

ALWAYS_INLINE void *heap_alloc_zero(size_t size)
{
    struct theap *theap = theap_fast;
    if (likely(size <= SMALL_MAX)) {
        void *block = cache_pop(theap, theap->class_of[(size + 15) / 16]);
        if (likely(block != NULL))
            return memset(block, 0, size);
    }
    return heap_alloc_zero_slow(size);
}

/* True when address can't be the start of one of the class's blocks, or when that can't be said
 * quickly. */
ALWAYS_INLINE bool is_off_start(const struct theap *theap, unsigned class, const void *address)
{
    uint32_t magic = theap->magic[class];
    return (uint32_t)((uint16_t)(uintptr_t)address * magic) >= magic;
}

ALWAYS_INLINE void heap_free(void *address, const char *call)
{
    struct theap *theap = theap_fast;
    struct block *block = address;
    size_t granule = granule_of(address);
    if (unlikely(!granule_is_ours(granule)))
        return heap_free_slow(address, call);
    /* the class, if this is a slab of this theap; anything else comes out as a larger number */
    uint32_t class = tag_of(granule) - theap->tag;
    if (unlikely(class >= SIZE_CLASSES) || unlikely(is_off_start(theap, class, address)) ||
        unlikely(block->mark == theap))
        return heap_free_slow(address, call);
    cache_push(theap, class, block);
}

#endif
