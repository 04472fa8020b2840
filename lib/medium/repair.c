/* SPDX-License-Identifier: MIT */
/* repair.c: in the child of a fork, whose parent's other thread held the lock, any word under it may be
 * half changed. All of them are made anew from what cannot be: the tags of the spans, and `state` and
 * `length` of each block that the program has. The length is stored before the state. */
#include "medium/medium.h"

#include "medium/pages.h"
#include "region/region.h"

/* The map of a span of that owner's that begins at the granule; NULL: none does. */
static struct medium_map *map_at(const struct medium *medium, size_t granule)
{
    if (span_kind(span_at(granule)) != SPAN_MEDIUM || tag_of(granule) != medium->tag)
        return NULL;
    struct medium_map *map = map_by_number(map_number_of(granule));
    return map != NULL && map->start == (uintptr_t)granule_start(granule) ? map : NULL;
}

/* The free cells from `first` to before `end`, where a block starts or the span ends. */
static void make_free(struct medium *medium, struct medium_map *map, uint32_t first, uint32_t end)
{
    struct place run = { map, first };
    if (first == end)
        return;
    for (uint32_t i = first; i < end; i++)
        set_state((struct place){ map, i }, CELL_INSIDE);
    cell_of(run)->length = (uint16_t)(end - first);
    set_state(run, CELL_DIRTY);
    free_runs_insert(&medium->dirty, run);
    medium->free_cells += end - first;
}

/* Each start knows how long what ends there is. */
static void set_befores(struct medium_map *map)
{
    uint32_t before = 0;
    for (struct place place = { map, 0 }; medium_next(&place); place.cell += before) {
        cell_of(place)->before = (uint16_t)before;
        before = cell_of(place)->length;
    }
}

/* All that the program does not have is free, and may hold memory. */
static void repair_map(struct medium *medium, struct medium_map *map)
{
    uint32_t free_from = 0;
    for (struct place place = { map, 0 }; place.cell < map->cells;) {
        if (state_of(place) != CELL_LIVE) {
            place.cell++;
            continue;
        }
        make_free(medium, map, free_from, place.cell);
        medium->blocks++;
        place.cell += cell_of(place)->length;
        free_from = place.cell;
    }
    make_free(medium, map, free_from, map->cells);
    set_befores(map);
}

void medium_repair(struct medium *medium)
{
    uint32_t tag = medium->tag;
    *medium = (struct medium){ .tag = tag };
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct medium_map *map = map_at(medium, i);
        if (map == NULL)
            continue;
        map->cells = span_at(i)->granules * GRANULE_CELLS;
        medium_adopt(medium, map);
        repair_map(medium, map);
    }
}
