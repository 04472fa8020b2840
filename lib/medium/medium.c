/* SPDX-License-Identifier: MIT */
/* medium.c: blocks are taken, given back, joined and resized; spans come and go. */
#include "medium/medium.h"

#include "medium/pages.h"
#include "region/region.h"

/* ---- free runs --------------------------------------------------------------------------------- */

static bool is_free(struct place place)
{
    enum cell_state state = state_of(place);
    return state == CELL_CLEAN || state == CELL_DIRTY;
}

static struct free_runs *runs_of(struct medium *medium, enum cell_state state)
{
    return state == CELL_DIRTY ? &medium->dirty : &medium->clean;
}

/* What starts at the place is that long. */
static void set_length(struct place place, uint32_t length)
{
    uint32_t end = place.cell + length;
    cell_of(place)->length = (uint16_t)length;
    if (end < place.map->cells)
        place.map->cell[end].before = (uint16_t)length;
}

/* No neighbour is free. */
static void insert(struct medium *medium, struct place place, uint32_t length)
{
    bool dirty = pages_are_dirty(place.map, place.cell, length);
    set_length(place, length);
    set_state(place, dirty ? CELL_DIRTY : CELL_CLEAN);
    free_runs_insert(dirty ? &medium->dirty : &medium->clean, place);
}

/* The run is in no index any more, and nothing starts there. */
static uint32_t take_out(struct medium *medium, struct place run)
{
    free_runs_remove(runs_of(medium, state_of(run)), run);
    set_state(run, CELL_INSIDE);
    return cell_of(run)->length;
}

static struct place behind(struct place place)
{
    return (struct place){ place.map, place.cell + cell_of(place)->length };
}

/* The free run behind the place; map NULL: what is there is in use. */
static struct place free_behind(struct place place)
{
    struct place after = behind(place);
    if (after.cell == place.map->cells || !is_free(after))
        after.map = NULL;
    return after;
}

/* What starts at the place is in no index and becomes free; joined with its neighbours. Returns the
 * run that it is in. */
static inline struct place join(struct medium *medium, struct place place)
{
    uint32_t length = cell_of(place)->length, front = cell_of(place)->before;
    struct place after = free_behind(place), before = { place.map, place.cell - front };
    if (after.map != NULL)
        length += take_out(medium, after);
    if (front != 0 && is_free(before)) {
        set_state(place, CELL_INSIDE);
        length += take_out(medium, before);
        place = before;
    }
    insert(medium, place, length);
    return place;
}

/* ---- spans ------------------------------------------------------------------------------------- */

static void link_map(struct medium *medium, struct medium_map *map)
{
    map->prev = 0;
    STORE_RELAXED(&map->next, medium->maps); /* map_take may still look at it */
    if (map->next != 0)
        map_by_number(map->next)->prev = map->number;
    medium->maps = map->number;
}

static void unlink_map(struct medium *medium, const struct medium_map *map)
{
    if (map->next != 0)
        map_by_number(map->next)->prev = map->prev;
    if (map->prev != 0)
        map_by_number(map->prev)->next = map->next;
    else
        medium->maps = map->next;
}

/* The first span is short, as a small program's heap. */
static struct span *take_span(const struct medium *medium, uint32_t cells, bool *zero)
{
    enum { FIRST_GRANULES = MAP_GRANULES / 4 };
    size_t least = (cells + GRANULE_CELLS - 1) / GRANULE_CELLS;
    size_t first = least > FIRST_GRANULES ? least : FIRST_GRANULES;
    size_t granules = medium->spans == 0 ? first : MAP_GRANULES;
    struct span *span = region_alloc(granules, 1, 0, SPAN_MEDIUM, zero);
    return span != NULL ? span : region_alloc(least, 1, 0, SPAN_MEDIUM, zero);
}

static void set_tags(const struct span *span, uint32_t tag, uint32_t number)
{
    uint32_t index = span_index(span);
    for (uint32_t i = 0; i < span->granules; i++) {
        map_number_set(index + i, number);
        tag_set(index + i, tag);
    }
}

static void begin_map(struct medium *medium, struct medium_map *map, const struct span *span,
                      bool zero)
{
    STORE_RELAXED(&map->start, (uintptr_t)span_start(span));
    STORE_RELAXED(&map->cells, span->granules * GRANULE_CELLS);
    medium->cells += map->cells;
    medium->free_cells += map->cells;
    medium->spans++;
    pages_begin(medium, map, zero);
    link_map(medium, map);
}

static bool grow(struct medium *medium, uint32_t cells)
{
    bool zero;
    struct medium_map *map = map_take();
    if (map == NULL)
        return false;
    struct span *span = take_span(medium, cells, &zero);
    if (span == NULL) {
        map_put(map);
        return false;
    }
    begin_map(medium, map, span, zero);
    set_tags(span, medium->tag, map->number);
    struct place start = { map, 0 };
    cell_of(start)->before = 0;
    insert(medium, start, map->cells);
    return true;
}

/* All of the span is one free run. */
static void release(struct medium *medium, struct place run)
{
    struct medium_map *map = run.map;
    struct span *span = span_at(granule_of((void *)map->start));
    ASSERT(run.cell == 0 && cell_of(run)->length == map->cells);
    take_out(medium, run);
    unlink_map(medium, map);
    set_tags(span, 0, 0);
    span->hollow = pages_have_gone(map);
    pages_end(medium, map);
    medium->cells -= map->cells;
    medium->free_cells -= map->cells;
    medium->spans--;
    STORE_RELAXED(&map->start, 0);
    STORE_RELAXED(&map->cells, 0);
    map_put(map);
    span->next = medium->emptied;
    medium->emptied = span_index(span);
}

void medium_adopt(struct medium *medium, struct medium_map *map)
{
    struct span *span = span_at(granule_of((void *)map->start));
    region_account_hollow(span, -((ptrdiff_t)map_untouched(map) << MAP_PAGE_SHIFT));
    pages_begin(medium, map, false);
    medium->cells += map->cells;
    medium->spans++;
    set_tags(span, medium->tag, map->number);
    link_map(medium, map);
}

void medium_release_empty(struct medium *medium)
{
    for (uint32_t next, number = medium->maps; number != 0; number = next) {
        struct place start = { map_by_number(number), 0 };
        next = start.map->next;
        if (is_free(start) && cell_of(start)->length == start.map->cells)
            release(medium, start);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------ */

ALWAYS_INLINE struct place find(const struct medium *medium, uint32_t cells, uint32_t align)
{
    bool exact = likely(align == 1 && cells <= EXACT_LISTS);
    struct place run = exact ? free_runs_find_exact(&medium->dirty, cells)
                             : free_runs_find(&medium->dirty, cells, align);
    return likely(run.map != NULL) ? run : free_runs_find(&medium->clean, cells, align);
}

/* Makes a block of a part of the run, and leaves the rest free. */
ALWAYS_INLINE struct place carve(struct medium *medium, struct place run, uint32_t cells,
                                 uint32_t align)
{
    uint32_t front = -run.cell & (align - 1), length = take_out(medium, run);
    struct place block = { run.map, run.cell + front };
    ASSERT(front + cells <= length);
    if (unlikely(front != 0))
        insert(medium, run, front);
    set_length(block, cells);
    if (length > front + cells)
        insert(medium, behind(block), length - front - cells);
    set_state(block, CELL_LIVE);
    return block;
}

bool medium_take(struct medium *medium, uint32_t cells, uint32_t align, struct medium_taken *taken)
{
    ASSERT(cells >= 1 && cells << CELL_SHIFT <= MEDIUM_MAX && align <= GRANULE_CELLS);
    struct place run = find(medium, cells, align);
    taken->fresh = taken->zero_from = taken->zero_end = 0;
    if (unlikely(run.map == NULL)) {
        if (!grow(medium, cells))
            return false;
        run = find(medium, cells, align);
        taken->fresh = run.map->zero ? (size_t)run.map->cells << CELL_SHIFT : 0;
    }
    taken->place = carve(medium, run, cells, align);
    medium->free_cells -= cells;
    medium->blocks++;
    pages_touch(medium, run.map, taken->place.cell, cells, taken);
    return true;
}

void medium_join(struct medium *medium, struct place place)
{
    struct place run = join(medium, place);
    if (unlikely(cell_of(run)->length == run.map->cells) && medium->spans > 1)
        release(medium, run);
}

void medium_give(struct medium *medium, struct place place)
{
    ASSERT(state_of(place) == CELL_PASSED);
    medium->free_cells += cell_of(place)->length;
    medium->blocks--;
    medium_join(medium, place);
}

static void shorten(struct medium *medium, struct place place, uint32_t cells)
{
    uint32_t rest = cell_of(place)->length - cells;
    set_length(place, cells);
    struct place tail = behind(place);
    set_length(tail, rest);
    medium->free_cells += rest;
    join(medium, tail);
}

static bool lengthen(struct medium *medium, struct place place, uint32_t cells,
                     struct medium_taken *taken)
{
    uint32_t before = cell_of(place)->length, more = cells - before;
    struct place after = free_behind(place);
    if (after.map == NULL || cell_of(after)->length < more)
        return false;
    uint32_t length = take_out(medium, after);
    set_length(place, cells);
    if (length > more)
        insert(medium, behind(place), length - more);
    medium->free_cells -= more;
    pages_touch(medium, place.map, place.cell + before, more, taken);
    return true;
}

bool medium_resize(struct medium *medium, struct place place, uint32_t cells,
                   struct medium_taken *taken)
{
    uint32_t before = cell_of(place)->length;
    ASSERT(state_of(place) == CELL_LIVE && cells >= 1 && cells << CELL_SHIFT <= MEDIUM_MAX);
    *taken = (struct medium_taken){ .place = place };
    if (cells > before)
        return lengthen(medium, place, cells, taken);
    if (cells < before)
        shorten(medium, place, cells);
    return true;
}

bool medium_next(struct place *place)
{
    while (place->cell < place->map->cells && state_of(*place) == CELL_INSIDE)
        place->cell++;
    return place->cell < place->map->cells;
}
