/* SPDX-License-Identifier: MIT */
#include "heap/free_unlocked.h"

#include "heap/heap.h"

/* A block of any slab: into the bin, or into the batch for the theap that owns it. False: it takes
 * more than that to free it, or it is none that may be freed; nothing has been changed. */
static inline bool free_unlocked(struct theap *theap, struct block *block)
{
    size_t granule = granule_of(block);
    if (theap == &theap_none || !granule_has_tag(granule) || tag_of(granule) == 0)
        return false;
    uint32_t tag = tag_of(granule), offset = tag & TAG_BIN;
    bool is_long = offset >= BINS_SIZE;
    /* the bin's magic and size serve for any theap's blocks */
    struct bin *bin = theap_bin(theap, is_long ? offset - TAG_LONG : offset);
    if (is_long ? !is_long_start(bin, span_at(span_at(granule)->head), block)
                : is_off_start(bin, block))
        return false;
    if (block_is_marked_free(block))
        return false;
    if (!theap_owns(theap, tag))
        return theap_gather(theap, tag >> TAG_SHIFT, bin, block);
    bin_push(theap, bin, block);
    return true;
}

void heap_free_slow(void *address, const char *call)
{
    if (!free_unlocked(theap_fast(), address))
        heap_free_locked(address, call);
}
