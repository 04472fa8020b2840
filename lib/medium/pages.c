/* SPDX-License-Identifier: MIT */
#include "medium/pages.h"

#include "os/vm.h"
#include "region/region.h"

/* The bits of a word of `touched` that are these pages'. */
static uint64_t bits_in(unsigned word, struct pages pages)
{
    uint32_t low = word * 64, first = pages.first > low ? pages.first - low : 0;
    uint32_t end = pages.end > low ? pages.end - low : 0;
    if (first >= end || first >= 64)
        return 0;
    uint64_t below_end = end >= 64 ? ~0ULL : (1ULL << end) - 1;
    return below_end & ~0ULL << first;
}

struct pages pages_inside(uint32_t cell, uint32_t length)
{
    uint32_t step = (uint32_t)(os_page_size() >> MAP_PAGE_SHIFT), page_cells = step * PAGE_CELLS;
    uint32_t first = (cell + page_cells - 1) / page_cells, end = (cell + length) / page_cells;
    return (struct pages){ first * step, (end > first ? end : first) * step };
}

static uint32_t bits_of(const struct medium_map *map, struct pages pages)
{
    uint32_t count = 0;
    for (unsigned word = pages.first / 64; word * 64 < pages.end; word++)
        count += bits_set(map->touched[word] & bits_in(word, pages));
    return count;
}

uint32_t pages_touched(const struct medium_map *map, struct pages pages)
{
    if (pages.end > map->frontier)
        pages.end = map->frontier;
    if (pages.first >= pages.end)
        return 0;
    return likely(map->holes == 0) ? pages.end - pages.first : bits_of(map, pages);
}

bool pages_are_dirty_among_holes(const struct medium_map *map, uint32_t cell, uint32_t length)
{
    struct pages pages = pages_inside(cell, length);
    return pages.first == pages.end || pages_touched(map, pages) != 0;
}

/* The first page of these whose bit has that value; pages.end: none has. */
static uint32_t first_with(const struct medium_map *map, struct pages pages, bool touched)
{
    for (unsigned word = pages.first / 64; word * 64 < pages.end; word++) {
        uint64_t bits = (touched ? map->touched[word] : ~map->touched[word]) & bits_in(word, pages);
        if (bits != 0)
            return word * 64 + lowest_bit(bits);
    }
    return pages.end;
}

/* Where a page starts, as a distance from the block's start. */
static size_t distance_of(uint32_t page, uint32_t cell, uint32_t length)
{
    uint32_t at = page * PAGE_CELLS;
    at = at < cell ? cell : at > cell + length ? cell + length : at;
    return (size_t)(at - cell) << CELL_SHIFT;
}

static void note_zero(const struct medium_map *map, struct pages pages, uint32_t cell,
                      uint32_t length, struct medium_taken *taken)
{
    uint32_t first = first_with(map, pages, false);
    uint32_t end = first_with(map, (struct pages){ first, pages.end }, true);
    taken->zero_from = distance_of(first, cell, length);
    taken->zero_end = distance_of(end, cell, length);
}

static void count_untouched(struct medium *medium, struct medium_map *map, ptrdiff_t more)
{
    medium->untouched += (size_t)more;
    region_account_hollow(span_at(granule_of((void *)map->start)), more * (1 << MAP_PAGE_SHIFT));
}

static void set_touched(struct medium_map *map, struct pages pages)
{
    for (unsigned word = pages.first / 64; word * 64 < pages.end; word++)
        map->touched[word] |= bits_in(word, pages);
}

/* Pages up to there may be used. Those before the frontier that are not are holes. */
static void move_frontier(struct medium_map *map, uint32_t end)
{
    if (end <= map->frontier)
        return;
    map->holes += end - map->frontier;
    map->frontier = end;
}

void pages_touch_fresh(struct medium *medium, struct medium_map *map, uint32_t cell,
                       uint32_t length, struct medium_taken *taken)
{
    struct pages pages = { cell / PAGE_CELLS, (cell + length + PAGE_CELLS - 1) / PAGE_CELLS };
    uint32_t fresh = pages.end - pages.first - pages_touched(map, pages);
    if (fresh == 0)
        return;
    if (map->zero)
        note_zero(map, pages, cell, length, taken);
    move_frontier(map, pages.end);
    map->holes -= fresh;
    set_touched(map, pages);
    count_untouched(medium, map, -(ptrdiff_t)fresh);
    if (!map->zero) /* else the whole span was, when it was taken */
        taken->fresh = (size_t)fresh << MAP_PAGE_SHIFT;
}

uint32_t pages_gone(struct medium *medium, struct medium_map *map, struct pages pages)
{
    uint32_t gone = pages_touched(map, pages);
    for (unsigned word = pages.first / 64; word * 64 < pages.end; word++)
        map->touched[word] &= ~bits_in(word, pages);
    map->holes += gone;
    count_untouched(medium, map, gone);
    return gone;
}

void pages_begin(struct medium *medium, struct medium_map *map, bool clean)
{
    uint32_t pages = map->cells / PAGE_CELLS;
    map->holes = 0;
    map->frontier = clean ? 0 : pages;
    map->zero = clean;
    for (unsigned word = 0; word < MAP_PAGES / 64; word++)
        map->touched[word] = 0;
    set_touched(map, (struct pages){ 0, map->frontier });
    if (os_page_size() != 1 << MAP_PAGE_SHIFT)
        move_frontier(map, pages); /* the quick answer of pages_are_dirty is for such pages */
    if (clean)
        count_untouched(medium, map, pages);
}

void pages_end(struct medium *medium, struct medium_map *map)
{
    count_untouched(medium, map, -(ptrdiff_t)map_untouched(map));
}
