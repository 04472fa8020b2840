/* SPDX-License-Identifier: MIT */
#include "heap/free_block.h"

#include "heap/threads.h"
#include "os/vm.h"

enum { LOOKS = 4096 /* at blocks of one list */ };

/* The list may be another thread's, which goes on changing it. So each link is checked before it is
 * followed: it must lead into a slab, whose memory can be read whatever becomes of it. A block that
 * changes hands just now may be missed. */
static bool list_has(struct block *const *list, const struct block *block)
{
    const struct block *at = LOAD_RELAXED(list);
    for (int i = 0; i < LOOKS && at != NULL; i++) {
        size_t granule = granule_of(at);
        void *next;
        if (at == block)
            return true;
        if (!granule_is_ours(granule) || tag_of(granule) == 0 || (uintptr_t)at % 16 != 0 ||
            !os_load_pointer((void *const *)(const void *)&at->next, &next))
            return false;
        at = next;
    }
    return false;
}

static bool theap_has(const struct theap *theap, unsigned size_class, const struct block *block)
{
    const struct bin *bin = &theap->bins[size_class];
    struct block *spare = atomic_load_explicit(&bin->spare, memory_order_acquire);
    if (list_has(&bin->free, block) || list_has(&spare, block))
        return true;
    for (int i = 0; i < OUTGOING_SLOTS; i++)
        if (list_has(&theap->outgoing[i].chain.first, block))
            return true;
    return false;
}

bool block_is_free(struct span *slab, const struct block *block)
{
    struct theap *owner = threads_theap(slab->owner);
    unsigned size_class = slab->size_class;
    bool free = false;
    if (!owner->broken && !os_lock_is_mine(&owner->lock)) {
        os_lock(&owner->lock);
        theap_drain(owner);
        free = slab_block_is_free(slab, block);
        os_unlock(&owner->lock);
    }
    for (uint32_t number = 1; number <= threads_theaps() && !free; number++)
        free = theap_has(threads_theap(number), size_class, block);
    return free;
}
