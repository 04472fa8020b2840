/* SPDX-License-Identifier: MIT */
#include "private/bounded_index.h"

enum {
    LOOKS = 4 /* at blocks that may be just large enough, before larger ones are taken */
};

uint64_t index_free_fields(const struct bounded *heap, uint64_t unit)
{
    return index_check(heap, unit);
}

uint64_t index_free_block(const struct bounded *heap, uint64_t unit)
{
    return fields_units(index_check(heap, unit));
}

/* A gap must be a free block itself, or nothing. */
static uint64_t gap_for(const struct bounded *heap, uint64_t unit, size_t align)
{
    uintptr_t address = (uintptr_t)block_address(heap, unit);
    uint64_t gap = (round_up(address, align) - address) / BOUNDED_UNIT;
    return gap != 0 && gap < BOUNDED_LEAST ? gap + align / BOUNDED_UNIT : gap;
}

bool index_fits(const struct bounded *heap, uint64_t unit, uint64_t units, size_t align,
                uint64_t *gap)
{
    uint64_t have = index_free_block(heap, unit);
    *gap = gap_for(heap, unit, align);
    return have >= units && have - units >= *gap;
}

/* One of a list with that much room; takes as many looks off as it takes. */
static NOINLINE uint64_t look_in_list(const struct bounded *heap, unsigned list, uint64_t units,
                                      size_t align, uint64_t *looks)
{
    uint64_t unit = index_lists(heap)[list];
    for (; *looks != 0 && is_unit(heap, unit); unit = index_next(heap, list, unit), --*looks) {
        uint64_t gap;
        if (index_fits(heap, unit, units, align, &gap))
            return unit;
    }
    return 0;
}

/* The first list behind `list` that is not empty; 0, which never has a block, if there is none. */
ALWAYS_INLINE unsigned list_behind(const struct bounded *heap, unsigned list)
{
    unsigned level = list / BOUNDED_SUBLISTS;
    unsigned lists = heap->sublists[level] & (~1u << list % BOUNDED_SUBLISTS);
    if (lists == 0) {
        uint64_t levels = heap->level_bits & (~(uint64_t)1 << level);
        if (levels == 0)
            return 0;
        level = lowest_bit(levels);
        lists = heap->sublists[level];
    }
    return level * BOUNDED_SUBLISTS + lowest_bit(lists);
}

/* The smallest of a tree with that much room. A damaged one is left where it is. */
static NOINLINE uint64_t find_in_tree(const struct bounded *heap, unsigned list, uint64_t units)
{
    uint64_t unit = size_tree_fit(heap, index_lists(heap)[list], units);
    return index_check(heap, unit) != 0 ? unit : 0;
}

/* One of the first list behind `list` that has any: all have room. A damaged one is left where it is. */
ALWAYS_INLINE uint64_t find_behind(const struct bounded *heap, unsigned list)
{
    while ((list = list_behind(heap, list)) != 0) {
        uint64_t unit = index_lists(heap)[list];
        if (index_is_tree(list))
            unit = find_in_tree(heap, list, index_least(list));
        else if (unlikely(index_check_first(heap, unit) == 0))
            unit = 0;
        if (likely(unit != 0))
            return unit;
    }
    return 0;
}

/* The number of the alignment's word among index_vain; 0: it has none. */
static unsigned vain_place(size_t align)
{
    unsigned log = align <= BOUNDED_UNIT ? 0 : highest_bit(align / BOUNDED_UNIT);
    return log <= INDEX_ALIGNMENTS && INDEX_VAIN != 0 ? log : 0;
}

/* In all lists that may have a block for it. The looks are bounded by what is free, not by the number of
 * blocks: a damaged list may be a circle. */
static uint64_t look_everywhere(const struct bounded *heap, uint64_t units, size_t align)
{
    unsigned last = index_list(units + index_padding(align));
    uint64_t looks = heap->free_units;
    for (unsigned list = index_list(units); list != 0 && list <= last && looks != 0;
         list = list_behind(heap, list)) {
        uint64_t unit = look_in_list(heap, list, units, align, &looks);
        if (unit != 0)
            return unit;
    }
    return 0;
}

static bool is_in_vain(const struct bounded *heap, uint64_t units, size_t align)
{
    unsigned place = vain_place(align);
    return place != 0 && units >= index_vain(heap)[place];
}

static void note_vain(const struct bounded *heap, uint64_t units, size_t align)
{
    unsigned place = vain_place(align);
    bounded_word *vain = index_vain(heap);
    if (place == 0)
        return;
    vain[place] = units;
    vain[0] = units < vain[0] ? units : vain[0];
}

static NOINLINE uint64_t find_late(const struct bounded *heap, uint64_t units, size_t align)
{
    if (is_in_vain(heap, units, align))
        return 0;
    uint64_t unit = look_everywhere(heap, units, align);
    if (unit == 0)
        note_vain(heap, units, align);
    return unit;
}

uint64_t index_find(const struct bounded *heap, uint64_t units)
{
    unsigned list = index_list(units);
    uint64_t looks = LOOKS, unit = index_lists(heap)[list];
    if (unit != no_block(heap)) {
        unit = index_is_tree(list) ? find_in_tree(heap, list, units)
                                   : look_in_list(heap, list, units, BOUNDED_UNIT, &looks);
        if (unit != 0)
            return unit;
    }
    unit = find_behind(heap, list);
    if (likely(unit != 0) || !BOUNDED_JOURNALED)
        return unit;
    return find_late(heap, units, BOUNDED_UNIT);
}

uint64_t index_find_aligned(const struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    uint64_t unit = 0, padded = units + index_padding(align);
    if (padded < heap->end)
        unit = find_behind(heap, index_list(padded));
    if (unit == 0)
        unit = find_late(heap, units, align);
    *gap = gap_for(heap, unit, align);
    return unit;
}
