/* SPDX-License-Identifier: MIT */
/* A large span becomes longer or shorter where it stands. Its room, clean granules right behind it,
 * is used first, then what follows the room; a span that becomes shorter loses its room. */
#include "region/account.h"
#include "region/frontier.h"
#include "region/moved.h"
#include "region/region_state.h"
#include "region/runs.h"

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
