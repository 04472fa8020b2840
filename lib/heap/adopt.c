/* SPDX-License-Identifier: MIT */
/* adopt.c: before a theap asks for a new slab, it looks for one with free blocks in the theaps of ended
 * threads, a few of them in turn. Both locks are held while the slab moves; the other one is only tried,
 * so no two threads wait for each other.
 *
 * Blocks of the slab may be on their way to the old owner, in batches of other threads and in its inbox.
 * They arrive there, and go on to the new one (slab_give, theap_unlock). The slab cannot become empty
 * meanwhile, for all of them count as in use. In the child of a fork, the old owner's bins may have some
 * too, which go the same way. */
#include "heap/adopt.h"

#include "heap/slab.h"
#include "heap/threads.h"

enum { LOOKS = 8 }; /* theaps */

static _Atomic uint32_t next; /* number of the one to look at next */

/* Without the lock a guess: most theaps have nothing. */
READS_RACY static bool may_have(const struct theap *from, unsigned size_class)
{
    const uint32_t *groups = from->groups[size_class];
    return (groups[GROUP_MOST] | groups[GROUP_SOME] | groups[GROUP_FEW]) != 0;
}

/* No thread has it, nor a record of an open slab of the class, which a fork may have left. */
READS_RACY static bool is_left(const struct theap *theap, unsigned size_class)
{
    return atomic_load_explicit(&theap->idle, memory_order_relaxed) && !theap->broken &&
           theap->open[size_class] == NULL;
}

static bool adopt_from(struct theap *from, struct theap *theap, unsigned size_class)
{
    if (!may_have(from, size_class) || !is_left(from, size_class) || !os_try_lock(&from->lock))
        return false;
    /* no thread can take it over while the lock is held */
    bool moved = is_left(from, size_class) && slab_move(from, theap, size_class);
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
