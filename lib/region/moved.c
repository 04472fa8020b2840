/* SPDX-License-Identifier: MIT */
/* A block's pages are moved by the system, not copied: the new place has then a mapping that the
 * frontier's can't be joined with, so two mappings more while it is in use. Few are allowed, for a
 * process has a limited number; the next is copied. The old place is left without memory, but stays
 * a span until its block is freed (`emptied`). */
#include "region/moved.h"

#include "region/account.h"

#define MOVED_MOST 12

static size_t spans_moved; /* in use, each with a mapping of its own */
static bool moves_fail;    /* one lost its target: copying is safer */

void moved_cut(uint32_t index, size_t granules)
{
    if (os_renew(span_start(span_at(index)), granules << GRANULE_SHIFT))
        insert_emptied(index, granules);
    else
        insert_dirty(index, granules);
}

void moved_free(uint32_t index, size_t granules)
{
    spans_moved--;
    moved_cut(index, granules);
}

/* Nobody must be given [span, span+granules) again: somebody else may have the addresses. */
static void lose_span(struct span *span)
{
    uint32_t behind = span_index(span) + span->granules;
    span_set_kind(span, SPAN_LOST);
    add(&region.spans, (size_t)-1);
    add(&region.committed, -(size_t)span->granules);
    if (span->room != 0)
        runs_insert(behind, span->room, SPAN_CLEAN);
}

enum os_moved region_move(struct span *from, struct span *to, size_t bytes)
{
    enum os_moved moved = OS_NOT_MOVED;
    os_lock(&region.lock);
    if (spans_moved < MOVED_MOST && !moves_fail)
        moved = os_move(span_start(from), span_start(to), bytes);
    if (moved == OS_MOVED) {
        spans_moved++;
        to->moved = true;
        from->emptied = true;
    } else if (moved == OS_TARGET_LOST) {
        moves_fail = true;
        lose_span(to);
    }
    os_unlock(&region.lock);
    return moved;
}
