/* SPDX-License-Identifier: MIT */
#include "heap/free_unlocked.h"

#include "heap/heap.h"

/* A block of any slab: into the bin, or into the batch for the theap that owns it. False: it takes
 * more than that to free it, or it is none that may be freed; nothing has been changed. */
static inline bool free_unlocked(struct theap *theap, struct block *block)
{
    uint32_t tag;
    struct bin *bin = bin_of_block(theap, block, &tag);
    if (bin == NULL)
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
