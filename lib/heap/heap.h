/* SPDX-License-Identifier: MIT */
/* heap.h: the process heap as the faces of the library see it. Any thread; errno is left alone.
 *
 * The fast paths are inline: a handful of instructions over the calling thread's cache. Whatever
 * they can't decide is left to the slow ones, which decide everything again. `call` names the
 * function that the program called, for the message about a bad pointer. */
#ifndef BARROW_HEAP_HEAP_H
#define BARROW_HEAP_HEAP_H

#include "heap/block_bin.h"
#include "heap/free_unlocked.h"
#include "heap/theap.h"
#include "region/large.h"
#include "region/span.h"

#include <string.h>

/* malloc's blocks with a span of their own. */
extern struct large_account heap_large;

/* NULL when there is no memory. `caller`: where the program called from. */
void *heap_alloc_slow(size_t size, const void *caller);
void *heap_alloc_zero_slow(size_t size, const void *caller);
void *heap_alloc_aligned_slow(size_t align, size_t size);

/* For whatever heap/free_unlocked.h leaves. */
void heap_free_locked(void *block, const char *call);

/* The same without the checked mode, for its own blocks. heap_plain_resize is for long ones, from
 * SLAB_BLOCK_MAX to SLAB_BLOCK_MAX and up; NULL, and nothing changed, when there is no memory. */
void *heap_plain_alloc(size_t align, size_t size, bool zero);
void heap_plain_free(void *block);
void *heap_plain_resize(void *block, size_t size);

/* Contents kept up to the lesser size. NULL, and nothing changed, when there is no memory. */
void *heap_realloc(void *block, size_t size, const char *call);

bool heap_resize_in_place(void *block, size_t size, const char *call);

/* How many bytes the block holds; not what was asked for, but in private heaps. */
size_t heap_usable_size(const void *block, const char *call);

/* Whether the address starts a block of malloc's that the program has. Any address. */
bool heap_is_block(const void *address);

/* For the time in which the program's own function is called from within a call: false, so that it
 * may allocate. Returns what it was. */
bool heap_set_busy(bool now);

/* NULL: the list is empty, or its first block does not carry the mark, as bin_is_bad then tells:
 * the program wrote to it after it had freed it, or it is none, since it did so to the one before.
 *
 * A block leaves the list before it loses its mark: so whoever looks at the list in between, a
 * signal handler or the child of another thread's fork, finds free blocks in it only. */
ALWAYS_INLINE struct block *bin_pop(struct bin *bin)
{
    struct block *block = bin->free;
    if (unlikely(block == NULL))
        return NULL;
    bin->free = block->next;
    atomic_signal_fence(memory_order_seq_cst);
    /* one subtraction in memory both clears the mark and tells whether it was there */
    if (unlikely((block->mark -= BLOCK_FREE) != 0)) {
        bin->free = block;
        return NULL;
    }
    bin->room++;
    return block;
}

ALWAYS_INLINE bool bin_is_bad(const struct bin *bin)
{
    return bin->free != NULL;
}

ALWAYS_INLINE void bin_push(struct theap *theap, struct bin *bin, struct block *block)
{
    block->next = bin->free;
    block->mark = BLOCK_FREE;
    atomic_signal_fence(memory_order_seq_cst); /* as in bin_pop */
    bin->free = block;
    if (unlikely(--bin->room < 0))
        theap_overflow(theap, bin);
}

ALWAYS_INLINE void *heap_alloc(size_t size)
{
    struct theap *theap = theap_fast();
    if (likely(size <= SMALL_MAX)) {
        void *block = bin_pop(theap_bin(theap, theap->bin_of[(size + 15) / 16]));
        if (likely(block != NULL))
            return block;
    }
    return heap_alloc_slow(size, __builtin_return_address(0));
}

ALWAYS_INLINE void *heap_alloc_zero(size_t size)
{
    struct theap *theap = theap_fast();
    if (likely(size <= SMALL_MAX)) {
        void *block = bin_pop(theap_bin(theap, theap->bin_of[(size + 15) / 16]));
        if (likely(block != NULL))
            return memset(block, 0, size);
    }
    return heap_alloc_zero_slow(size, __builtin_return_address(0));
}

/* align is a power of two. Every class from the rounded size on has steps that align divides, or
 * has just that size, so its blocks are aligned. */
ALWAYS_INLINE void *heap_alloc_aligned(size_t align, size_t size)
{
    struct theap *theap = theap_fast();
    if (likely(align <= SMALL_MAX && size <= SMALL_MAX)) {
        size_t rounded = round_up(size != 0 ? size : 1, align);
        void *block = bin_pop(theap_bin(theap, theap->bin_of[(rounded + 15) / 16]));
        if (likely(block != NULL))
            return block;
    }
    return heap_alloc_aligned_slow(align, size);
}

ALWAYS_INLINE void heap_free(void *address, const char *call)
{
    struct theap *theap = theap_fast();
    struct block *block = address;
    size_t granule = granule_of(address);
    if (unlikely(!granule_has_tag(granule)))
        return heap_free_slow(address, call);
    /* the offset of a bin, if this is a slab of this theap and its class is not long; all else
     * comes out as a larger number */
    uint64_t offset = tag_of(granule) - theap->tag;
    if (unlikely(offset >= BINS_SIZE))
        return heap_free_slow(address, call);
    struct bin *bin = theap_bin(theap, offset);
    if (unlikely(is_off_start(bin, address)) || unlikely(block_may_be_free(block)))
        return heap_free_slow(address, call);
    bin_push(theap, bin, block);
}

#endif
