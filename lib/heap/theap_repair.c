/* SPDX-License-Identifier: MIT */
/* theap_repair.c: another thread held the theap's lock when the process forked, so any of the words
 * under the lock may be half changed. All of them are made anew, from what cannot be:
 *
 *   - a slab's kind, class and tag, written when it was made; and its holes, one store at a time;
 *   - its blocks, each of which says itself whether it is free (block.h), wherever its list was: in a
 *     slab, a bin, a batch, or the hands of the thread that is gone;
 *   - what medium/repair.c goes by for medium blocks.
 *
 * So nothing is lost but a block that was between two lists, or a slab between two owners. The cost is
 * that of a look at each of the theap's blocks, and of a write to each free one. */
#include "heap/theap_repair.h"

#include "heap/slab.h"
#include "region/region.h"

#include <string.h>

/* What of the theap's words is under the lock, but for medium blocks. */
static void forget_slabs(struct theap *theap)
{
    memset(theap->groups, 0, sizeof theap->groups);
    theap->circulating = theap->listed = 0;
    theap->due = theap->pinned = 0;
    theap->strays = NULL;
}

static void repair_slabs(struct theap *theap)
{
    uint32_t number = theap_number(theap);
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct span *slab = span_at(i);
        if (span_kind(slab) != SPAN_SLAB || slab->owner != number)
            continue;
        if (tag_of(i) != 0) /* one that was being adopted may have the tag of the theap before */
            slab_repair(theap, slab);
        else
            slab_abandon(slab);
    }
}

void theap_repair(struct theap *theap, struct theap *current)
{
    if (current != NULL)
        theap_forget_batch(current, theap_number(theap));
    theap_forget_lists(theap);
    forget_slabs(theap);
    os_lock(&theap->lock);
    repair_slabs(theap);
    medium_repair(&theap->medium);
    theap_unlock(theap);
}
