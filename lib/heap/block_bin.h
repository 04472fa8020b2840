/* SPDX-License-Identifier: MIT */
/* block_bin.h: the bin for a block's class, and with it the block's size, found without a lock or a
 * division. It comes from the address's tag, and its magic tells whether a block starts there. */
#ifndef BARROW_HEAP_BLOCK_BIN_H
#define BARROW_HEAP_BLOCK_BIN_H

#include "heap/block.h"
#include "heap/theap.h"

/* True when the address can't be the start of one of the bin's blocks. Not for long classes. */
ALWAYS_INLINE bool is_off_start(const struct bin *bin, const void *address)
{
    return !is_multiple((uint16_t)(uintptr_t)address, bin->magic);
}

/* The same for a long class. */
ALWAYS_INLINE bool is_off_long_start(const struct bin *bin, const struct span *slab,
                                     const void *address)
{
    return !is_long_multiple((uint32_t)((const char *)address - span_start(slab)), bin->magic);
}

/* The calling thread's bin for the class of a block of malloc's, be it of its own theap or another;
 * any address, and its tag. NULL: no slab has such a block, or it is marked as free, or it takes
 * the slow paths to tell. */
ALWAYS_INLINE struct bin *bin_of_block(struct theap *theap, uint32_t tag, const void *address)
{
    if (unlikely(tag == 0) || unlikely(theap == &theap_none))
        return NULL;
    uint32_t offset = tag & TAG_BIN;
    bool is_long = offset >= BINS_SIZE;
    struct bin *bin = theap_bin(theap, is_long ? offset - TAG_LONG : offset);
    if (is_long ? is_off_long_start(bin, span_at(span_at(granule_of(address))->head), address)
                : is_off_start(bin, address))
        return NULL;
    return block_is_marked_free(address) ? NULL : bin;
}

#endif
