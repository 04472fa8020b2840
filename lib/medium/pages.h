/* SPDX-License-Identifier: MIT */
/* pages.h: which pages of a medium span hold memory. Pages are counted in 4 KiB; where the system's are
 * longer, only whole ones of these are given back. The owner's lock is held. */
#ifndef BARROW_MEDIUM_PAGES_H
#define BARROW_MEDIUM_PAGES_H

#include "medium/medium.h"

/* Pages of a map, from the first to before the end. */
struct pages {
    uint32_t first, end;
};

/* The map's span begins; `clean`: its memory reads as zero and has not been touched. And it ends. */
void pages_begin(struct medium *medium, struct medium_map *map, bool clean);
void pages_end(struct medium *medium, struct medium_map *map);

/* The pages, whole ones of the system's, that lie inside that many cells. */
struct pages pages_inside(uint32_t cell, uint32_t length);

/* How many of them hold memory. */
uint32_t pages_touched(const struct medium_map *map, struct pages pages);

/* Whether free cells are a dirty run: some page inside holds memory, or there is no page inside. */
bool pages_are_dirty_among_holes(const struct medium_map *map, uint32_t cell, uint32_t length);

ALWAYS_INLINE bool pages_are_dirty(const struct medium_map *map, uint32_t cell, uint32_t length)
{
    if (unlikely(map->holes != 0))
        return pages_are_dirty_among_holes(map, cell, length);
    uint32_t first = (cell + PAGE_CELLS - 1) / PAGE_CELLS, end = (cell + length) / PAGE_CELLS;
    return first < map->frontier || first >= end;
}

/* A block is made of these cells: all their pages hold memory from now on. What was not so before is
 * told in *taken, where nothing else is. */
void pages_touch_fresh(struct medium *medium, struct medium_map *map, uint32_t cell,
                       uint32_t length, struct medium_taken *taken);

ALWAYS_INLINE void pages_touch(struct medium *medium, struct medium_map *map, uint32_t cell,
                               uint32_t length, struct medium_taken *taken)
{
    if (unlikely(map->holes != 0) || cell + length > map->frontier * PAGE_CELLS)
        pages_touch_fresh(medium, map, cell, length, taken);
}

/* These pages have gone back. Returns how many held memory. */
uint32_t pages_gone(struct medium *medium, struct medium_map *map, struct pages pages);

/* Whether pages that were given back to the system have not been used again. */
ALWAYS_INLINE bool pages_have_gone(const struct medium_map *map)
{
    return !map->zero && map->holes != 0;
}

#endif
