/* SPDX-License-Identifier: MIT */
/* block_bin.h: the bin for a block's class, and with it the block's size, found without a lock or a
 * division. It comes from the address's tag, and its magic tells whether a block starts there. */
#ifndef BARROW_HEAP_BLOCK_BIN_H
#define BARROW_HEAP_BLOCK_BIN_H

#include "heap/block.h"
#include "heap/slab_unit.h"
#include "heap/theap.h"

/* Whether one of the bin's blocks starts there that has been handed out before. False also where
 * that is not so easily told: between free pages of a slab. */
ALWAYS_INLINE bool is_easy_start(const struct bin *bin, size_t granule, const void *address)
{
    return is_start((uintptr_t)last_of(granule) - (uintptr_t)address, bin->magic);
}

/* The same, by the descriptor, in all slabs. */
bool is_any_start(const struct bin *bin, const void *address);

/* The theap's bin for the class that a slab's tag names. */
ALWAYS_INLINE struct bin *bin_of_tag(struct theap *theap, uint32_t tag)
{
    return theap_bin(theap, tag & TAG_BIN);
}

/* The calling thread's bin for the class of a block of malloc's, be it of its own theap or another;
 * any address. *tag is its tag then. NULL: no slab has such a block, or it is free, or it takes the slow paths to tell.
 */
ALWAYS_INLINE struct bin *bin_of_block(struct theap *theap, const void *address, uint32_t *tag)
{
    size_t granule = granule_of(address);
    *tag = likely(granule_has_tag(granule)) ? tag_of(granule) : 0;
    if (unlikely(*tag == 0) || unlikely(theap == &theap_none) || unlikely(tag_is_medium(*tag)))
        return NULL;
    struct bin *bin = bin_of_tag(theap, *tag);
    if (!is_easy_start(bin, granule, address) && !is_any_start(bin, address))
        return NULL;
    return block_is_free(address) ? NULL : bin;
}

#endif
