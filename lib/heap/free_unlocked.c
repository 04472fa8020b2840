/* SPDX-License-Identifier: MIT */
#include "heap/free_unlocked.h"

#include "heap/heap.h"

/* A block in use of the theap's own. */
static inline void free_own(struct theap *theap, struct bin *bin, struct block *block)
{
    if (unlikely(bin_is_full(bin)))
        theap_overflow_alone(theap, bin, block);
    else
        bin_push(bin, block);
}

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
    free_own(theap, bin, block);
    return true;
}

void heap_free_slow(void *address, const char *call)
{
    struct theap *theap = theap_fast();
    struct bin *bin = own_bin_of(theap_own_fast(), address);
    /* the thread's own block, and the bin is full */
    if (likely(bin != NULL) && likely(!block_is_free(address)))
        free_own(theap, bin, address);
    else if (!free_unlocked(theap, address))
        heap_free_locked(address, call);
}
