/* SPDX-License-Identifier: MIT */
#include "private/bounded_index.h"

enum {
    LOOKS = 4,  /* at blocks that may be just large enough, before larger ones are taken */
    LAST = 100, /* at blocks of such lists, and of those for the padding, before giving up */
};

static bool links_agree(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    struct bounded_links links = *block_links(heap, unit);
    if (links.next != 0 &&
        (!is_unit(heap, links.next) || block_links(heap, links.next)->previous != unit))
        return false;
    if (links.previous == 0)
        return heap->lists[index_list(units)] == unit;
    return is_unit(heap, links.previous) && block_links(heap, links.previous)->next == unit;
}

uint64_t index_free_block(const struct bounded *heap, uint64_t unit)
{
    if (!is_unit(heap, unit))
        return 0;
    uint64_t fields = block_fields(heap, unit);
    uint64_t units = fields_units(fields);
    if (!fields_are_free(fields) || !block_fits(heap, unit, units) ||
        *foot_before(heap, unit + units) != units || !links_agree(heap, unit, units))
        return 0;
    return units;
}

/* A gap must be a free block itself, or nothing. */
static uint64_t gap_for(const struct bounded *heap, uint64_t unit, size_t align)
{
    uintptr_t address = (uintptr_t)block_address(heap, unit);
    uint64_t gap = (round_up(address, align) - address) / BOUNDED_UNIT;
    return gap != 0 && gap < BOUNDED_LEAST ? gap + align / BOUNDED_UNIT : gap;
}

static bool fits(const struct bounded *heap, uint64_t unit, uint64_t units, size_t align,
                 uint64_t *gap)
{
    uint64_t have = index_free_block(heap, unit);
    *gap = align <= BOUNDED_UNIT ? 0 : gap_for(heap, unit, align);
    return have >= units && have - units >= *gap;
}

/* One that fits among the first of a list; takes as many looks off as it takes. */
static uint64_t look_in_list(const struct bounded *heap, unsigned list, uint64_t units,
                             size_t align, uint64_t *gap, unsigned *looks)
{
    uint64_t unit = heap->lists[list];
    for (; *looks != 0 && is_unit(heap, unit); unit = block_links(heap, unit)->next, --*looks)
        if (fits(heap, unit, units, align, gap))
            return unit;
    return 0;
}

/* The first list from `list` on that is not empty; one past the last when there is none. */
static unsigned list_in_use(const struct bounded *heap, unsigned list)
{
    unsigned level = list / BOUNDED_SUBLISTS;
    unsigned none = heap->levels * BOUNDED_SUBLISTS;
    if (level >= heap->levels)
        return none;
    unsigned lists = heap->sublists[level] & (~0u << list % BOUNDED_SUBLISTS);
    if (lists == 0) {
        uint64_t levels = heap->level_bits & (~(uint64_t)1 << level);
        if (levels == 0)
            return none;
        level = (unsigned)__builtin_ctzll(levels);
        lists = heap->sublists[level];
    }
    return level * BOUNDED_SUBLISTS + (unsigned)__builtin_ctz(lists);
}

/* Of the lists above those for that size, all of whose blocks are large enough. A damaged one is
 * left where it is. */
static uint64_t find_above(const struct bounded *heap, uint64_t units)
{
    unsigned none = heap->levels * BOUNDED_SUBLISTS;
    unsigned list = index_list(units);
    while ((list = list_in_use(heap, list + 1)) < none) {
        uint64_t unit = heap->lists[list];
        if (index_free_block(heap, unit) != 0)
            return unit;
    }
    return 0;
}

static uint64_t find_late(const struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    unsigned last = index_list(units + index_padding(align)), looks = LAST;
    unsigned list = list_in_use(heap, index_list(units));
    for (; list <= last && list < heap->levels * BOUNDED_SUBLISTS && looks != 0;
         list = list_in_use(heap, list + 1)) {
        uint64_t unit = look_in_list(heap, list, units, align, gap, &looks);
        if (unit != 0)
            return unit;
    }
    return 0;
}

uint64_t index_find(const struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    if (units > heap->end)
        return 0;
    unsigned looks = LOOKS;
    uint64_t unit = look_in_list(heap, index_list(units), units, align, gap, &looks);
    if (unit != 0)
        return unit;
    unit = find_above(heap, units + index_padding(align));
    if (unit == 0)
        return find_late(heap, units, align, gap);
    *gap = align <= BOUNDED_UNIT ? 0 : gap_for(heap, unit, align);
    return unit;
}
