/* SPDX-License-Identifier: MIT */
/* Spans are taken and given back. Memory is looked for in this order: dirty runs, young ones first,
 * for their pages are there already; clean runs; fresh memory; and the last two again when the free
 * memory of other lengths has been purged, which the limit or the system may want back first. In a
 * window short spans try clean runs before dirty ones; room can be had behind clean and fresh
 * memory alone.
 *
 * From region_alloc to region_free the head has a kind that no free run has, so that no neighbour
 * is joined with it. A span that is on its way back, waiting for the lock or put by, has no kind at
 * all: nobody can take it for anything. */
#include "region/spans.h"

#include "region/account.h"
#include "region/frontier.h"
#include "region/moved.h"
#include "region/reservation.h"
#include "region/runs.h"
#include "region/runs_purge.h"
#include "region/window.h"

/* ---- taken -------------------------------------------------------------------------------- */

static uint32_t take_dirty(size_t granules, size_t align)
{
    uint32_t index = runs_take(SPAN_YOUNG, granules, align);
    if (index == 0)
        index = runs_take(SPAN_OLD, granules, align);
    if (index != 0)
        add(&region.dirty, -granules);
    return index;
}

/* A run of clean memory, ready for use but for its last `room` granules. */
static uint32_t take_recommitted(size_t granules, size_t align, size_t room)
{
    uint32_t index = runs_take(SPAN_CLEAN, granules + room, align);
    if (index == 0 || os_recommit(span_start(span_at(index)), granules << GRANULE_SHIFT))
        return index;
    runs_insert(index, granules + room, SPAN_CLEAN);
    return 0;
}

/* Where address space is scarce, a long run is better kept whole than made use of. */
static uint32_t take_short(size_t granules)
{
    if (!region.windowed || granules > SHORT_SPAN || !fits_limit(granules))
        return 0;
    uint32_t index = take_recommitted(granules, 1, 0);
    if (index != 0)
        charge(granules);
    return index;
}

static uint32_t take_clean(size_t granules, size_t align)
{
    if (!fits_limit(granules))
        return 0;
    uint32_t index = take_recommitted(granules, align, 0);
    if (index == 0)
        index = reservation_extend(granules, align);
    if (index != 0)
        charge(granules);
    return index;
}

static uint32_t take_with_room(size_t granules, size_t align, size_t room)
{
    uint32_t index = fits_limit(granules) ? take_recommitted(granules, align, room) : 0;
    if (index == 0 && fits_limit(granules) && !region.windowed &&
        (OS_RECOMMITS || !os_commit_is_strict()))
        index = frontier_extend(granules + room, align, room);
    if (index != 0)
        charge(granules);
    return index;
}

static void init_span(struct span *span, size_t granules, size_t room, enum span_kind kind)
{
    span->free = NULL;
    span->holes = 0;
    span->next = span->prev = 0;
    span_set(&span->head, 0);
    span_set(&span->owner, 0);
    span->free_count = 0;
    span->freed_at = span->least = 0;
    span->group = span->size_class = 0;
    span->grown = span->emptied = span->moved = span->zero_holes = false;
    span->granules = (uint32_t)granules;
    span->room = (uint32_t)room;
    atomic_store_explicit(&span->stirred, false, memory_order_relaxed);
    span_set_kind(span, kind);
    add(&region.spans, 1);
}

struct span *spans_take(size_t granules, size_t align, size_t room, enum span_kind kind, bool *zero)
{
    if (!region.made)
        reservation_make();
    if (!region.made || granules >= region.granules || align >= region.granules)
        return NULL;
    *zero = true;
    uint32_t index = room != 0 ? take_with_room(granules, align, room) : 0;
    if (index == 0) {
        room = 0;
        index = align == 1 ? take_short(granules) : 0;
    }
    if (index == 0) {
        index = take_dirty(granules, align);
        *zero = index == 0;
        if (index == 0)
            index = take_clean(granules, align);
        if (index == 0 && runs_purge())
            index = take_clean(granules, align);
    }
    if (index == 0)
        return NULL;
    init_span(span_at(index), granules, room, kind);
    return span_at(index);
}

/* ---- given back --------------------------------------------------------------------------- */

static void give_back(struct span *span)
{
    uint32_t index = span_index(span);
    size_t granules = span->granules, room = span->room;
    add(&region.spans, (size_t)-1);
    if (span->moved)
        moved_free(index, granules);
    else if (span->emptied)
        insert_emptied(index, granules);
    else
        insert_dirty(index, granules);
    if (room != 0)
        runs_insert(index + (uint32_t)granules, room, SPAN_CLEAN);
    if (count(&region.dirty) > dirty_most())
        runs_purge();
}

/* ---- by signal handlers ------------------------------------------------------------------- */

bool region_is_interrupted(void)
{
    return os_lock_is_mine(&region.lock) || os_lock_is_mine(&region.purge_lock);
}

/* The lock's holder is this very thread, interrupted: whoever takes the lock next does the rest. */
static void defer(struct span *span)
{
    uint32_t index = span_index(span);
    span->next = atomic_load_explicit(&region.deferred, memory_order_relaxed);
    /* release: pairs with the acquire in free_deferred, which may be another thread's */
    while (!atomic_compare_exchange_weak_explicit(&region.deferred, &span->next, index,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

static void free_deferred(void)
{
    if (likely(atomic_load_explicit(&region.deferred, memory_order_relaxed) == 0))
        return;
    uint32_t index = atomic_exchange_explicit(&region.deferred, 0, memory_order_acquire);
    while (index != 0) {
        struct span *span = span_at(index);
        index = span->next;
        give_back(span);
    }
}

/* ---- with the lock ------------------------------------------------------------------------ */

void region_free(struct span *span)
{
    span_set_pool(span, NULL);
    span_set_kind(span, SPAN_NONE);
    if (unlikely(region_is_interrupted())) {
        defer(span);
        return;
    }
    os_lock(&region.lock);
    free_deferred();
    give_back(span);
    os_unlock(&region.lock);
}

struct span *region_alloc(size_t granules, size_t align, size_t room, enum span_kind kind,
                          bool *zero)
{
    if (unlikely(region_is_interrupted()))
        return NULL;
    os_lock(&region.lock);
    free_deferred();
    struct span *span = spans_take(granules, align, room, kind, zero);
    if (span == NULL && runs_await_purge())
        span = spans_take(granules, align, room, kind, zero);
    os_unlock(&region.lock);
    return span;
}
