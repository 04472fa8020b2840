/* SPDX-License-Identifier: MIT */
/* resize.c: a large span becomes longer or shorter where it is. Its room, clean granules right
 * behind it, is used first, then the free run that follows. A span that becomes shorter loses
 * its room. The span is the caller's; what follows it is its arena's or the ground's. */
#include "os/child.h"
#include "region/arena.h"
#include "region/grow.h"
#include "region/moved.h"
#include "region/runs_purge.h"

static void free_granules(struct arena *arena, uint32_t index, size_t granules)
{
    arena_keep(arena, index, granules);
    runs_purge_surplus(arena, granules);
}

static bool take_dirty_behind(struct arena *arena, uint32_t index, size_t granules)
{
    region_lock(&arena->lock);
    bool taken = runs_take_at(&arena->dirty, index, granules);
    if (taken)
        add_locked(&arena->dirty_granules, -granules);
    region_unlock(&arena->lock);
    return taken;
}

static bool take_clean_behind(struct arena *arena, uint32_t index, size_t granules)
{
    region_lock(&arena->lock);
    bool taken = runs_take_at(&arena->clean, index, granules);
    if (taken)
        arena->clean_granules -= granules;
    region_unlock(&arena->lock);
    return taken;
}

static bool take_reserved_behind(uint32_t index, size_t granules)
{
    region_lock(&ground()->lock);
    bool taken = runs_take_at(ground_reserved(), index, granules);
    region_unlock(&ground()->lock);
    return taken && grow_commit(index, granules);
}

/* Fresh memory at that place; it counts as committed. */
static bool take_fresh_behind(struct arena *arena, uint32_t index, size_t granules)
{
    if (!account_charge(granules))
        return false;
    bool clean = take_clean_behind(arena, index, granules) ||
                 (arena != ground() && take_clean_behind(ground(), index, granules));
    if (clean && OS_RECOMMITS && !os_recommit(granule_start(index), granules << GRANULE_SHIFT)) {
        arena_insert_clean(ground(), index, granules);
    } else if (clean || take_reserved_behind(index, granules)) {
        return true;
    }
    account_discharge(granules);
    return false;
}

/* Takes free memory right behind the span, if there is any. */
static bool take_behind(struct arena *arena, uint32_t index, size_t granules, bool *zero)
{
    if (granules == 0)
        return true;
    *zero = false;
    if (kept_take_at(&arena->kept, index, granules))
        return true;
    /* a look without a lock tells which run may start there, if any */
    enum span_kind kind = span_kind_elsewhere(span_at(index));
    *zero =
        (kind == SPAN_CLEAN || kind == SPAN_RESERVED) && take_fresh_behind(arena, index, granules);
    if (kind != SPAN_DIRTY)
        return *zero;
    return take_dirty_behind(arena, index, granules) ||
           (arena != ground() && take_dirty_behind(ground(), index, granules));
}

/* The first granules of the span's room. */
static bool charge_room(uint32_t index, size_t granules)
{
    if (granules == 0)
        return true;
    if (!account_charge(granules))
        return false;
    if (os_recommit(granule_start(index), granules << GRANULE_SHIFT))
        return true;
    account_discharge(granules);
    return false;
}

bool region_grow(struct span *span, size_t granules, bool *zero)
{
    os_child_look();
    size_t more = granules - span->granules;
    size_t from_room = more < span->room ? more : span->room;
    uint32_t end = span_index(span) + span->granules, room_end = end + span->room;
    *zero = true;
    if (!take_behind(arena_of(span), room_end, more - from_room, zero))
        return false;
    if (!charge_room(end, from_room)) {
        if (more > from_room)
            free_granules(arena_for_free(span), room_end, more - from_room);
        return false;
    }
    span->room -= (uint32_t)from_room;
    span->granules = (uint32_t)granules;
    return true;
}

void region_shrink(struct span *span, size_t granules)
{
    os_child_look();
    uint32_t tail = span_index(span) + (uint32_t)granules;
    size_t cut = span->granules - granules, room = span->room;
    span->granules = (uint32_t)granules;
    span->room = 0;
    if (room != 0)
        arena_insert_clean(ground(), tail + (uint32_t)cut, room);
    if (span->moved && moved_renew(tail, cut)) {
        account_discharge(cut);
        arena_insert_clean(ground(), tail, cut);
    } else {
        free_granules(arena_for_free(span), tail, cut);
    }
}
