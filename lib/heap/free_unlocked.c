/* SPDX-License-Identifier: MIT */
#include "heap/free_unlocked.h"

#include "heap/heap.h"
#include "heap/theap_medium.h"

/* A medium block: into the cache, the batch, or back to its theap. */
static NOINLINE void free_medium(struct theap *theap, struct block *block, const char *call,
                                 struct granule_tag *entry)
{
    uint32_t tag = atomic_load_explicit(&entry->tag, memory_order_relaxed);
    uint32_t owner = tag >> TAG_SHIFT;
    struct place place = place_by(READ_RACY(entry->map), block);
    if (unlikely(theap == &theap_none) || unlikely(!map_has_in_use(place, block))) {
        heap_free_locked(block, call);
        return;
    }
    set_state(place, CELL_PASSED);
    bool done = likely(theap_owns(theap, tag))
                    ? theap_cache(theap, place)
                    : theap_gather(theap, owner, (uint32_t)place_bytes(place), block);
    if (!done)
        heap_free_passed(owner, place);
}

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
        return theap_gather(theap, tag >> TAG_SHIFT, bin_bytes(bin), block);
    theap_note_clash(theap, bin, block);
    free_own(theap, bin, block);
    return true;
}

static NOINLINE void free_any(struct theap *theap, struct block *block, const char *call)
{
    if (!free_unlocked(theap, block))
        heap_free_locked(block, call);
}

void heap_free_slow(void *address, const char *call)
{
    struct theap *theap = theap_fast();
    struct bin *bin = own_bin_of(theap_own_fast(), address);
    if (likely(bin != NULL) && likely(!block_is_free(address))) { /* which is full */
        free_own(theap, bin, address);
        return;
    }
    size_t granule = granule_of(address);
    struct granule_tag *entry = granule_entry(granule_has_tag(granule) ? granule : 0);
    uint32_t tag = atomic_load_explicit(&entry->tag, memory_order_relaxed);
    if (tag_is_medium(tag))
        free_medium(theap, address, call, entry);
    else if (tag != 0)
        free_any(theap, address, call);
    else
        heap_free_locked(address, call);
}
