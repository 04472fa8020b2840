/* SPDX-License-Identifier: MIT */
/* adopt.c: before a theap asks for a new slab, it looks for one with free blocks in the theaps of ended
 * threads, a few of them in turn. Both locks are held while the slab moves; the other one is only tried,
 * so no two threads wait for each other.
 *
 * Blocks of the slab may be on their way to the old owner, in batches of other threads and in its inbox.
 * They arrive there, and go on to the new one (slab_give, theap_unlock). A thread that starts may take
 * over the old theap at the same time, and have freed blocks of the slab into its cache: these go the
 * same way. The slab cannot become empty meanwhile, for all of them count as in use. */
#include "heap/adopt.h"

#include "heap/slab.h"
#include "heap/threads.h"

enum { LOOKS = 8 }; /* theaps */

static _Atomic uint32_t next; /* number of the one to look at next */

static bool is_idle(const struct theap *theap)
{
    return atomic_load_explicit(&theap->idle, memory_order_relaxed) && !theap->broken;
}

/* A look without the lock: most theaps have nothing. */
static bool may_have(const struct theap *from, unsigned size_class)
{
    const uint32_t *groups = from->groups[size_class];
    return (READ_RACY(groups[GROUP_MOST]) | READ_RACY(groups[GROUP_SOME]) |
            READ_RACY(groups[GROUP_FEW])) != 0;
}

static bool adopt_from(struct theap *from, struct theap *theap, unsigned size_class)
{
    if (from == theap || !is_idle(from) || !may_have(from, size_class) || !os_try_lock(&from->lock))
        return false;
    bool moved = is_idle(from) && slab_move(from, theap, size_class);
    os_unlock(&from->lock);
    return moved;
}

void adopt_slab(struct theap *theap, unsigned size_class)
{
    if (slab_can_serve(theap, size_class) || likely(threads_idle_theaps() == 0))
        return;
    uint32_t theaps = threads_theaps(), looks = theaps < LOOKS ? theaps : LOOKS;
    for (uint32_t i = 0; i < looks; i++) {
        uint32_t number = atomic_load_explicit(&next, memory_order_relaxed) % theaps + 1;
        if (adopt_from(threads_theap(number), theap, size_class))
            return;
        atomic_store_explicit(&next, number, memory_order_relaxed); /* it had nothing */
    }
}
