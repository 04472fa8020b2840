/* SPDX-License-Identifier: MIT */
/* moved.c: a block's pages are moved by the system, not copied. The new place then has a mapping that
 * its neighbours' can't be joined with, so two mappings more while it is in use. Few are allowed, for
 * a process has a limited number; the next is copied. The old place is left without memory, but stays
 * a span until its block is freed (`emptied`). Both spans are the caller's, so no lock is needed. */
#include "region/moved.h"

#include "region/account.h"
#include "region/arena.h"

enum { MOVED_MAX = 12 };

static _Atomic uint32_t spans_moved; /* in use, each with a mapping of its own */
static _Atomic bool moves_fail;      /* one lost its target: copying is safer */

bool moved_renew(uint32_t index, size_t granules)
{
    return os_renew(granule_start(index), granules << GRANULE_SHIFT);
}

void moved_ended(void)
{
    atomic_fetch_sub_explicit(&spans_moved, 1, memory_order_relaxed);
}

/* Nobody must be given [span, span+granules) again: somebody else may have the addresses. */
static void lose_span(struct span *span)
{
    uint32_t behind = span_index(span) + span->granules;
    span_set_kind(span, SPAN_LOST);
    account_discharge(span->granules);
    if (span->room != 0)
        arena_insert_clean(ground(), behind, span->room);
}

enum os_moved region_move(struct span *from, struct span *to, size_t bytes)
{
    if (atomic_load_explicit(&moves_fail, memory_order_relaxed))
        return OS_NOT_MOVED;
    /* relaxed: a count that keeps to its bound whoever else counts */
    if (atomic_fetch_add_explicit(&spans_moved, 1, memory_order_relaxed) >= MOVED_MAX) {
        moved_ended();
        return OS_NOT_MOVED;
    }
    enum os_moved moved = os_move(span_start(from), span_start(to), bytes);
    if (moved == OS_MOVED) {
        to->moved = true;
        from->emptied = true;
        return moved;
    }
    moved_ended();
    if (moved == OS_TARGET_LOST) {
        atomic_store_explicit(&moves_fail, true, memory_order_relaxed);
        lose_span(to);
    }
    return moved;
}
