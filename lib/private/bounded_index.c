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

/* NULL: nothing is kept of that alignment. */
static struct index_known *known_of(const struct bounded *heap, size_t align)
{
    unsigned log = align <= BOUNDED_UNIT ? 0 : highest_bit(align / BOUNDED_UNIT);
    bool kept = INDEX_VAIN != 0 && log != 0 && log <= INDEX_ALIGNMENTS;
    return kept ? &index_known(heap)[log - 1] : NULL;
}

/* The last list up to `list` that is not empty; 0, which never has a block, if there is none. */
static unsigned list_up_to(const struct bounded *heap, unsigned list)
{
    unsigned level = list / BOUNDED_SUBLISTS;
    unsigned lists = heap->sublists[level] & ((2u << list % BOUNDED_SUBLISTS) - 1);
    if (lists == 0) {
        uint64_t levels = heap->level_bits & (((uint64_t)1 << level) - 1);
        if (levels == 0)
            return 0;
        level = highest_bit(levels);
        lists = heap->sublists[level];
    }
    return level * BOUNDED_SUBLISTS + highest_bit(lists);
}

/* In all lists that may have a block for it, from the one with the longest blocks on: most of those fit wherever they
 * start. The looks are bounded by what is free, not by the number of blocks: a damaged list may be a circle. */
static uint64_t look_everywhere(const struct bounded *heap, uint64_t units, size_t align)
{
    unsigned least = index_list(units);
    uint64_t looks = heap->free_units, most = units + index_padding(align);
    most = most < heap->end ? most : heap->end - 1;
    for (unsigned list = list_up_to(heap, index_list(most));
         list >= least && list != 0 && looks != 0; list = list_up_to(heap, list - 1)) {
        uint64_t unit = look_in_list(heap, list, units, align, &looks);
        if (unit != 0)
            return unit;
    }
    return 0;
}

static void find_least(const struct bounded *heap)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < INDEX_ALIGNMENTS; i++)
        if (index_known(heap)[i].others < least)
            least = index_known(heap)[i].others;
    *index_vain(heap) = least;
}

/* A free block that can serve so many units. */
static void note_room(struct index_known *known, uint64_t unit, uint64_t room)
{
    if (room >= known->vain)
        *known = (struct index_known){ room + 1, unit, known->vain };
    else if (room >= known->others && unit != known->came)
        known->others = room + 1;
}

void index_note_hope(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    for (unsigned i = 0; i < INDEX_ALIGNMENTS; i++) {
        uint64_t gap = gap_for(heap, unit, (size_t)BOUNDED_UNIT << (i + 1));
        if (units > gap)
            note_room(&index_known(heap)[i], unit, units - gap);
    }
    find_least(heap);
}

/* By what is known, without a search: a block, 0 for none, or else no_block(). */
static uint64_t find_known(const struct bounded *heap, const struct index_known *known,
                           uint64_t units, size_t align)
{
    uint64_t gap;
    if (units >= known->vain)
        return 0;
    if (index_fits(heap, known->came, units, align, &gap))
        return known->came;
    return units >= known->others ? 0 : no_block(heap);
}

static NOINLINE uint64_t find_late(const struct bounded *heap, uint64_t units, size_t align)
{
    struct index_known *known = known_of(heap, align);
    uint64_t unit = known != NULL ? find_known(heap, known, units, align) : no_block(heap);
    if (unit == no_block(heap))
        unit = look_everywhere(heap, units, align);
    if (unit == 0 && known != NULL && units < known->vain) {
        *known = (struct index_known){ units, 0, units };
        find_least(heap);
    }
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
