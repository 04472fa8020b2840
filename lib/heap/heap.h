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
#include "region/region.h"

#include <string.h>

/* malloc's blocks with a span of their own, as far as threads count them that have no theap. */
extern struct large_account heap_large;

/* NULL when there is no memory. `caller`: where the program called from. */
void *heap_alloc_slow(size_t size, const void *caller);
void *heap_alloc_zero_slow(size_t size, const void *caller);
void *heap_alloc_aligned_slow(size_t align, size_t size);

/* For whatever heap/free_unlocked.h leaves. */
void heap_free_locked(void *block, const char *call);

/* Frees a medium block that has been passed (medium_pass) and that no cache or batch had a place for. */
void heap_free_passed(uint32_t owner, struct place place);

/* The same without the checked mode, for its own blocks. heap_plain_resize is for those that have a span
 * of their own before and after, so are longer than MEDIUM_MAX; NULL, and nothing changed, when there is no memory. */
void *heap_plain_alloc(size_t align, size_t size, bool zero);
void heap_plain_free(void *block);
void *heap_plain_resize(void *block, size_t size);

/* Contents kept up to the lesser size. NULL, and nothing changed, when there is no memory. */
void *heap_realloc(void *block, size_t size, const char *call);

bool heap_resize_in_place(void *block, size_t size, const char *call);

/* How many bytes the block holds; not what was asked for, unless heap_size_is_exact. */
size_t heap_usable_size(const void *block, const char *call);

/* True of blocks of private heaps and of the checked mode. */
bool heap_size_is_exact(const void *block);

/* Whether the address starts a block of malloc's that the program has. Any address. */
bool heap_is_block(const void *address);

/* For the time in which the program's own function is called from within a call: false, so that it
 * may allocate. Returns what it was. */
bool heap_set_busy(bool now);

/* A small block of less than `limit` bytes, which is SMALL_LIMIT or, for callers that serve some
 * processes only, 0. NULL: it takes the slow path. */
ALWAYS_INLINE void *heap_alloc_fast(size_t size, size_t limit)
{
    struct theap *theap = theap_fast();
    if (unlikely(size >= limit))
        return NULL;
    return bin_pop(theap_small_bin(theap, size));
}

ALWAYS_INLINE void *heap_alloc(size_t size)
{
    void *block = heap_alloc_fast(size, SMALL_LIMIT);
    return likely(block != NULL) ? block : heap_alloc_slow(size, __builtin_return_address(0));
}

/* All bytes that the block holds are zero. */
ALWAYS_INLINE void *heap_alloc_zero(size_t size)
{
    struct theap *theap = theap_fast();
    if (likely(size <= SMALL_MAX)) {
        struct bin *bin = theap_small_bin(theap, size);
        void *block = bin_pop(bin);
        if (likely(block != NULL))
            return memset(block, 0, bin_bytes(bin));
    }
    return heap_alloc_zero_slow(size, __builtin_return_address(0));
}

/* align is a power of two; see size_class_of_aligned. */
ALWAYS_INLINE void *heap_alloc_aligned(size_t align, size_t size)
{
    struct theap *theap = theap_fast();
    if (likely(align <= SMALL_MAX && size <= SMALL_MAX)) {
        void *block = bin_pop(theap_small_bin(theap, round_up(size != 0 ? size : 1, align)));
        if (likely(block != NULL))
            return block;
    }
    return heap_alloc_aligned_slow(align, size);
}

/* False, and nothing changed: it takes the slow path. See own_slabs.h on what the comparison tells. */
ALWAYS_INLINE bool free_to_bin(struct bin *bin, uintptr_t distance, struct block *block)
{
    if (unlikely(distance * bin->magic >= bin->room) || unlikely(block_may_be_free(block)))
        return false;
    bin_push(bin, block);
    return true;
}

ALWAYS_INLINE bool heap_free_fast(void *block)
{
    struct own_slabs *own = theap_own_fast();
    uint32_t place = own_place(block);
    const char *last = READ_RACY(own->last[place]);
    HIDE_VALUE(last); /* loaded before `own` becomes the bin, in the same register */
    struct bin *bin = own_bin(own, place);
    HIDE_VALUE(bin);
    return free_to_bin(bin, (uintptr_t)last - (uintptr_t)block, block);
}

ALWAYS_INLINE void heap_free(void *address, const char *call)
{
    if (unlikely(!heap_free_fast(address)))
        heap_free_slow(address, call);
}

/* The same for a block of that size, which must be of the bin that such blocks come from. Sizes are
 * served below the limit: SMALL_LIMIT, or 0 for none. What it leaves is for heap/sized.h. */
ALWAYS_INLINE bool heap_free_sized_fast(void *block, size_t size, size_t limit)
{
    struct own_slabs *own = theap_own_fast();
    uint32_t place = own_place(block);
    if (unlikely(size >= limit))
        return false;
    struct bin *bin = theap_small_bin(theap_fast(), size);
    if (unlikely(own_bin(own, place) != bin))
        return false;
    return free_to_bin(bin, own_distance(own, place, block), block);
}

#endif
