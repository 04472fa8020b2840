/* SPDX-License-Identifier: MIT */
/* The reservation, its frontier, its account; and the free runs' way back to the system.
 *
 * Two ways to have address space, one index over both. As a rule one reservation is made at first
 * use, and a frontier of committed memory grows in it: two mappings, however large the heap. Where
 * address space is limited (RLIMIT_AS), only the tables are reserved, for a window of addresses
 * some times the limit; memory is then mapped piece by piece inside that window. */
#include "region/region.h"

#include "region/account.h"
#include "region/frontier.h"
#include "region/moved.h"
#include "region/reservation.h"
#include "region/runs.h"
#include "region/runs_purge.h"
#include "region/window.h"

#include <string.h>

/* spans freed by signal handlers that interrupted this room; linked by `next` */
static _Atomic uint32_t deferred;

/* ---- spans -------------------------------------------------------------------------------- */

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

static struct span *alloc_locked(size_t granules, size_t align, size_t room, enum span_kind kind,
                                 bool *zero)
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

static void free_locked(struct span *span)
{
    uint32_t index = span_index(span);
    size_t granules = span->granules, room = span->room;
    add(&region.spans, (size_t)-1);
    if (span->moved) {
        moved_free(index, granules);
    } else if (span->emptied) {
        insert_emptied(index, granules);
    } else {
        insert_dirty(index, granules);
    }
    if (room != 0)
        runs_insert(index + (uint32_t)granules, room, SPAN_CLEAN);
    if (count(&region.dirty) > dirty_most())
        runs_purge();
}

/* The lock's holder is this very thread, interrupted: whoever takes the lock next does the rest. */
static void defer(struct span *span)
{
    uint32_t index = span_index(span);
    span->next = atomic_load_explicit(&deferred, memory_order_relaxed);
    /* release: pairs with the acquire in free_deferred, which may be another thread's */
    while (!atomic_compare_exchange_weak_explicit(&deferred, &span->next, index,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

static void free_deferred(void)
{
    if (likely(atomic_load_explicit(&deferred, memory_order_relaxed) == 0))
        return;
    uint32_t index = atomic_exchange_explicit(&deferred, 0, memory_order_acquire);
    while (index != 0) {
        struct span *span = span_at(index);
        index = span->next;
        free_locked(span);
    }
}

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
    free_locked(span);
    os_unlock(&region.lock);
}

struct span *region_alloc(size_t granules, size_t align, size_t room, enum span_kind kind,
                          bool *zero)
{
    if (unlikely(region_is_interrupted()))
        return NULL;
    os_lock(&region.lock);
    free_deferred();
    struct span *span = alloc_locked(granules, align, room, kind, zero);
    if (span == NULL && runs_await_purge())
        span = alloc_locked(granules, align, room, kind, zero);
    os_unlock(&region.lock);
    return span;
}

/* Takes `granules` right behind index: free ones, or fresh ones at the frontier. They fit the
 * limit. */
static bool take_behind(uint32_t index, size_t granules, bool *zero)
{
    if (index == frontier() && !region.windowed) {
        *zero = true;
        return frontier_extend(granules, 1, 0) != 0 && (charge(granules), true);
    }
    enum span_kind kind = runs_take_at(index, granules);
    *zero = kind == SPAN_CLEAN;
    if (kind == SPAN_CLEAN && !os_recommit(span_start(span_at(index)), granules << GRANULE_SHIFT)) {
        runs_insert(index, granules, SPAN_CLEAN);
        return false;
    }
    if (kind == SPAN_CLEAN)
        charge(granules);
    else if (kind != SPAN_NONE)
        add(&region.dirty, -granules);
    return kind != SPAN_NONE;
}

bool region_grow(struct span *span, size_t granules, bool *zero)
{
    size_t more = granules - span->granules;
    size_t from_room = more < span->room ? more : span->room;
    os_lock(&region.lock);
    *zero = true;
    bool done = fits_limit(more) &&
                os_recommit(span_start(span) + span_bytes(span), from_room << GRANULE_SHIFT);
    if (done && more > from_room)
        done = take_behind(span_index(span) + span->granules + span->room, more - from_room, zero);
    if (done) {
        charge(from_room);
        span->room -= (uint32_t)from_room;
        span->granules = (uint32_t)granules;
    }
    os_unlock(&region.lock);
    return done;
}

void region_shrink(struct span *span, size_t granules)
{
    uint32_t tail = span_index(span) + (uint32_t)granules;
    size_t cut = span->granules - granules, room = span->room;
    os_lock(&region.lock);
    span->granules = (uint32_t)granules;
    span->room = 0;
    if (span->moved)
        moved_cut(tail, cut);
    else
        insert_dirty(tail, cut);
    if (room != 0)
        runs_insert(tail + (uint32_t)cut, room, SPAN_CLEAN);
    os_unlock(&region.lock);
}

/* Where a whole reservation was made, such memory has a room of its own in it. */
static bool commit_meta(size_t bytes)
{
    size_t granules = bytes >> GRANULE_SHIFT;
    if (bytes > (size_t)(region.meta_limit - region.meta_top))
        return false;
    if (!fits_limit(granules))
        runs_purge();
    if (!fits_limit(granules) || !os_commit(region.meta_top, bytes))
        return false;
    if (region.meta_end != region.meta_top)
        region.meta = region.meta_top;
    region.meta_end = region.meta_top += bytes;
    charge(granules);
    return true;
}

/* Elsewhere, or when that is full, it is a span. */
static void map_meta(size_t bytes)
{
    bool zero;
    struct span *span = alloc_locked(bytes >> GRANULE_SHIFT, 1, 0, SPAN_META, &zero);
    if (span == NULL)
        return;
    region.meta = span_start(span);
    region.meta_end = region.meta + bytes;
    if (!zero)
        memset(region.meta, 0, bytes);
}

void *region_meta(size_t size)
{
    size = round_up(size, CACHE_LINE);
    os_lock(&region.lock);
    if (!region.made)
        reservation_make();
    if ((size_t)(region.meta_end - region.meta) < size) {
        size_t bytes = round_up(size, GRANULE_SIZE);
        if (!commit_meta(bytes))
            map_meta(bytes);
    }
    void *memory = NULL;
    if ((size_t)(region.meta_end - region.meta) >= size) {
        memory = region.meta;
        region.meta += size;
    }
    os_unlock(&region.lock);
    return memory;
}

/* ---- questions ---------------------------------------------------------------------------- */

bool region_is_interrupted(void)
{
    return os_lock_is_mine(&region.lock) || os_lock_is_mine(&region.purge_lock);
}

/* ---- fork --------------------------------------------------------------------------------- */

/* Another thread was at work here when the process forked, and does not exist in the child: what it
 * left may be half done. Spans in use are sound, for a span's head is written once it is taken. The
 * free runs are given up: the child goes on with fresh memory. */
static void abandon_free_runs(void)
{
    runs_forget();
    for (size_t i = 1; i < region.committed_end && i < frontier(); i++) {
        enum span_kind kind = span_kind(span_at(i));
        if (kind >= SPAN_UNMAPPED && kind <= SPAN_PURGING)
            span_set_kind(span_at(i), SPAN_NONE);
    }
    atomic_store_explicit(&region.dirty, 0, memory_order_relaxed);
    region.meta = region.meta_end = NULL;
}

/* Another thread had this run in hand. One that it was unmapping may be gone or not: if not, its
 * memory is lost, for in doubt nobody may be given it. */
static void inherit_purging(uint32_t index, size_t granules)
{
    span_set_kind(span_at(index), SPAN_NONE);
    if (!is_unmapped_by_purge(granules)) {
        runs_insert(index, granules, SPAN_YOUNG);
        return;
    }
    runs_insert(index, granules, SPAN_UNMAPPED);
    region.reserved -= granules << GRANULE_SHIFT;
    add(&region.dirty, -granules);
    add(&region.committed, -granules);
}

void region_after_fork(void)
{
    if (region_is_interrupted())
        return; /* a signal handler forked: the interrupted work goes on in the child */
    bool torn = os_lock_is_held(&region.lock);
    uint32_t purging = region.purging;
    os_lock_reset(&region.lock);
    os_lock_reset(&region.purge_lock);
    region.purging = 0;
    if (torn)
        abandon_free_runs();
    else if (purging != 0)
        inherit_purging(purging, region.purging_granules);
}
