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

/* malloc's blocks with a span of their own: an account for each arena, so that threads do not write to
 * the same words. A block may leave another account than it entered; the sums are right. */
struct ALIGNED(CACHE_LINE) heap_large {
    struct large_account account;
};

extern struct heap_large heap_large[REGION_ARENAS];

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

/* NULL: the list is empty, or the mark of its first block does not vouch for its link, as
 * bin_is_bad then tells: the program wrote to it after it had freed it.
 *
 * A block leaves the list before it loses its mark: so a signal handler or the child of another
 * thread's fork that comes in between finds only free blocks in the list. */
ALWAYS_INLINE struct block *bin_pop(struct bin *bin)
{
    struct block *block = bin->free;
    struct block *next = (struct block *)(block->mark ^ block_mark_key());
    if (unlikely(block->next != next)) /* block_is_linked, and in the order that costs least */
        return NULL;
    bin->free = next;
    atomic_signal_fence(memory_order_seq_cst);
    block->next = NULL;
    block->mark = 0;
    bin->room++;
    return block;
}

ALWAYS_INLINE bool bin_is_bad(const struct bin *bin)
{
    return bin->free != BLOCK_END;
}

ALWAYS_INLINE void bin_push(struct theap *theap, struct bin *bin, struct block *block)
{
    block_link(block, bin->free);
    atomic_signal_fence(memory_order_seq_cst); /* as in bin_pop */
    bin->free = block;
    if (unlikely(--bin->room < 0))
        theap_overflow(theap, bin);
}

/* A small block of less than `limit` bytes, which is SMALL_LIMIT or, for callers that serve some
 * processes only, 0. NULL: it takes the slow path. */
ALWAYS_INLINE void *heap_alloc_fast(size_t size, size_t limit)
{
    struct theap *theap = theap_fast();
    if (unlikely(size >= limit))
        return NULL;
    return bin_pop(theap_bin(theap, theap->bin_of[(size + 15) / 16]));
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
        struct bin *bin = theap_bin(theap, theap->bin_of[(size + 15) / 16]);
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
        size_t rounded = round_up(size != 0 ? size : 1, align);
        void *block = bin_pop(theap_bin(theap, theap->bin_of[(rounded + 15) / 16]));
        if (likely(block != NULL))
            return block;
    }
    return heap_alloc_aligned_slow(align, size);
}

/* Where the block's bin is among the theap's, if this is a slab of this theap; all else comes out as
 * BINS_SIZE or more. */
ALWAYS_INLINE uint64_t bin_offset_of(const struct theap *theap, size_t granule)
{
    return unlikely(!granule_has_tag(granule)) ? UINT64_MAX : tag_of(granule) - theap->tag;
}

ALWAYS_INLINE bool free_to_bin(struct theap *theap, struct bin *bin, size_t granule,
                               struct block *block)
{
    HIDE_VALUE(granule); /* gcc would keep a multiple of it instead, at an instruction more */
    if (!likely(is_easy_start(bin, granule, block)) || unlikely(block_may_be_free(block)))
        return false;
    bin_push(theap, bin, block);
    return true;
}

/* Offsets of bins are served below the limit: BINS_SIZE, or 0 for none. It is read where it is
 * compared, in one instruction. False, and nothing changed: it takes the slow path. */
ALWAYS_INLINE bool heap_free_fast(void *block, const size_t *limit)
{
    struct theap *theap = theap_fast();
    size_t granule = granule_of(block);
    uint64_t offset = bin_offset_of(theap, granule);
    if (unlikely(offset >= READ_RACY(*limit)))
        return false;
    return free_to_bin(theap, theap_bin(theap, offset), granule, block);
}

ALWAYS_INLINE void heap_free(void *address, const char *call)
{
    static const size_t all_bins = BINS_SIZE;
    if (unlikely(!heap_free_fast(address, &all_bins)))
        heap_free_slow(address, call);
}

/* The same for a block of that size, which must be of the bin that such blocks come from. Sizes are
 * served below the limit: SMALL_LIMIT, or 0 for none. What it leaves is for heap/sized.h. */
ALWAYS_INLINE bool heap_free_sized_fast(void *block, size_t size, size_t limit)
{
    struct theap *theap = theap_fast();
    if (unlikely(size >= limit))
        return false;
    size_t expected = theap->bin_of[(size + 15) / 16], granule = granule_of(block);
    if (unlikely(bin_offset_of(theap, granule) != expected))
        return false;
    return free_to_bin(theap, theap_bin(theap, expected), granule, block);
}

#endif
