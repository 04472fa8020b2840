/* SPDX-License-Identifier: MIT */
/* bounded_index.h: where the free blocks of a bounded heap are found: lists by size in two levels.
 * Level 0 has lists of exactly 2 to 15 units; above, each level is a doubling, cut into 16 lists.
 * Bits say which lists are not empty, so that finding one costs the same in every heap. Those from 32
 * units on, which are of several sizes, are trees; in heaps in files they are lists too. */
#ifndef BARROW_PRIVATE_BOUNDED_INDEX_H
#define BARROW_PRIVATE_BOUNDED_INDEX_H

#include "private/bounded_block.h"
#include "private/bounded_tree.h"

ALWAYS_INLINE unsigned index_level(uint64_t units)
{
    return units < BOUNDED_SUBLISTS ? 0 : highest_bit(units) - 3;
}

/* The list for blocks of that size. */
ALWAYS_INLINE unsigned index_list(uint64_t units)
{
    unsigned level = index_level(units);
    unsigned shift = level == 0 ? 0 : level - 1;
    return level * BOUNDED_SUBLISTS + (unsigned)(units >> shift) % BOUNDED_SUBLISTS;
}

/* The size of the smallest blocks of the list. */
ALWAYS_INLINE uint64_t index_least(unsigned list)
{
    unsigned level = list / BOUNDED_SUBLISTS;
    uint64_t sublist = list % BOUNDED_SUBLISTS;
    return level == 0 ? sublist : (BOUNDED_SUBLISTS + sublist) << (level - 1);
}

ALWAYS_INLINE bool index_is_tree(unsigned list)
{
    return !BOUNDED_JOURNALED && list >= 2 * BOUNDED_SUBLISTS;
}

ALWAYS_INLINE bounded_word *index_lists(const struct bounded *heap)
{
    return (bounded_word *)((char *)heap + heap->lists);
}

ALWAYS_INLINE void index_set_first(struct bounded *heap, unsigned list, uint64_t unit)
{
    bounded_note(heap, &index_lists(heap)[list], 1);
    index_lists(heap)[list] = unit;
}

/* What is known of requests of one alignment, so that blocks are not looked through again and again. A heap in a file
 * has none of it, for its records are the same in all processes. */
struct index_known {
    bounded_word
        vain; /* the fewest units that no free block in a list can serve; UINT64_MAX: not known */
    bounded_word came; /* the last free block that made that number rise; it may be one no more */
    bounded_word
        others; /* the fewest units that none but that block can serve; not more than `vain` */
};

enum {
    INDEX_ALIGNMENTS = 16, /* 32 bytes to 1 MiB */
    INDEX_KNOWN_WORDS = sizeof(struct index_known) / sizeof(bounded_word),
    INDEX_VAIN = BOUNDED_JOURNALED ? 0 : 1 + INDEX_ALIGNMENTS * INDEX_KNOWN_WORDS
};

/* Behind the lists: the least number of `others`, below which no free block that comes changes anything, and then
 * what is known. */
ALWAYS_INLINE bounded_word *index_vain(const struct bounded *heap)
{
    return index_lists(heap) + heap->levels * (unsigned)BOUNDED_SUBLISTS;
}

ALWAYS_INLINE struct index_known *index_known(const struct bounded *heap)
{
    return (struct index_known *)(index_vain(heap) + 1);
}

/* The heap is new. */
ALWAYS_INLINE void index_hope(const struct bounded *heap)
{
    if (INDEX_VAIN != 0)
        memset(index_vain(heap), 0xFF, INDEX_VAIN * sizeof(bounded_word));
}

/* A free block may serve what was asked for in vain. */
void index_note_hope(const struct bounded *heap, uint64_t unit, uint64_t units);

/* A free block of that many units has come. */
ALWAYS_INLINE void index_came(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    if (INDEX_VAIN != 0 && unlikely(units >= index_vain(heap)[0]))
        index_note_hope(heap, unit, units);
}

ALWAYS_INLINE void list_insert(struct bounded *heap, unsigned list, uint64_t unit)
{
    uint64_t next = index_lists(heap)[list];
    if (BOUNDED_JOURNALED && !is_unit(heap, next))
        next = no_block(heap); /* a file's lists may name anything once blocks overlap */
    set_links(heap, unit, (struct bounded_links){ .next = next, .previous = no_block(heap) });
    if (next != no_block(heap))
        set_previous(heap, next, unit);
    index_set_first(heap, list, unit);
}

ALWAYS_INLINE void index_insert(struct bounded *heap, uint64_t unit, uint64_t units)
{
    unsigned list = index_list(units);
    if (index_is_tree(list))
        size_tree_insert(heap, &index_lists(heap)[list], unit, units);
    else
        list_insert(heap, list, unit);
    heap->sublists[list / BOUNDED_SUBLISTS] |= (uint16_t)(1u << list % BOUNDED_SUBLISTS);
    heap->level_bits |= (uint64_t)1 << list / BOUNDED_SUBLISTS;
    heap->free_units += units;
    index_came(heap, unit, units);
}

ALWAYS_INLINE void list_is_empty(struct bounded *heap, unsigned list)
{
    unsigned level = list / BOUNDED_SUBLISTS;
    heap->sublists[level] &= (uint16_t) ~(1u << list % BOUNDED_SUBLISTS);
    if (heap->sublists[level] == 0)
        heap->level_bits &= ~((uint64_t)1 << level);
}

ALWAYS_INLINE void list_remove(struct bounded *heap, unsigned list, uint64_t unit)
{
    struct bounded_links links = *block_links(heap, unit);
    if (links.next != no_block(heap))
        set_previous(heap, links.next, links.previous);
    if (links.previous != no_block(heap))
        set_next(heap, links.previous, links.next);
    else
        index_set_first(heap, list, links.next);
}

/* The block must be sound. */
ALWAYS_INLINE void index_remove(struct bounded *heap, uint64_t unit, uint64_t units)
{
    unsigned list = index_list(units);
    if (index_is_tree(list))
        size_tree_remove(heap, &index_lists(heap)[list], unit);
    else
        list_remove(heap, list, unit);
    heap->free_units -= units;
    if (index_lists(heap)[list] == no_block(heap))
        list_is_empty(heap, list);
}

/* Whether a block that gets another size or start stays where it is in the lists. */
ALWAYS_INLINE bool index_stays(uint64_t units, uint64_t new_units)
{
    unsigned list = index_list(new_units);
    return index_list(units) == list && !index_is_tree(list);
}

/* Then the block at `to` takes the place of the one at `from`. */
ALWAYS_INLINE void index_replace(struct bounded *heap, uint64_t from, uint64_t from_units,
                                 uint64_t to, uint64_t to_units)
{
    ASSERT(index_stays(from_units, to_units));
    struct bounded_links links = *block_links(heap, from);
    set_links(heap, to, links);
    if (links.next != no_block(heap))
        set_previous(heap, links.next, to);
    if (links.previous != no_block(heap))
        set_next(heap, links.previous, to);
    else
        index_set_first(heap, index_list(to_units), to);
    heap->free_units += to_units - from_units;
    index_came(heap, to, to_units);
}

ALWAYS_INLINE bool index_links_agree(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    if (index_is_tree(index_list(units)))
        return size_tree_links_agree(heap, &index_lists(heap)[index_list(units)], unit);
    struct bounded_links links = *block_links(heap, unit);
    if (links.next != no_block(heap) &&
        (!is_unit(heap, links.next) || block_links(heap, links.next)->previous != unit))
        return false;
    if (links.previous == no_block(heap))
        return index_lists(heap)[index_list(units)] == unit;
    return is_unit(heap, links.previous) && block_links(heap, links.previous)->next == unit;
}

/* The fields of the free block there; 0 when there is none, or its header, its foot, or the links
 * between it and its list are damaged. */
ALWAYS_INLINE uint64_t index_check(const struct bounded *heap, uint64_t unit)
{
    if (!is_unit(heap, unit))
        return 0;
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    if (!fields_are_free(fields) || !block_fits(heap, unit, units) ||
        *foot_before(heap, unit + units) != units || !index_links_agree(heap, unit, units))
        return 0;
    return fields;
}

/* The same for a block that the first of a list, not a tree, is known to name. */
ALWAYS_INLINE uint64_t index_check_first(const struct bounded *heap, uint64_t unit)
{
    if (unlikely(!is_unit(heap, unit)))
        return 0;
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    struct bounded_links links = *block_links(heap, unit);
    if (!fields_are_free(fields) || !block_fits(heap, unit, units) ||
        *foot_before(heap, unit + units) != units || links.previous != no_block(heap))
        return 0;
    if (links.next != no_block(heap) &&
        (!is_unit(heap, links.next) || block_links(heap, links.next)->previous != unit))
        return 0;
    return fields;
}

/* The block that follows in the list, in an order that has each of its blocks once; no_block(): none
 * does. What it answers may be damaged, and the list a circle. */
ALWAYS_INLINE uint64_t index_next(const struct bounded *heap, unsigned list, uint64_t unit)
{
    return index_is_tree(list) ? size_tree_next(heap, unit) : block_links(heap, unit)->next;
}

/* index_check where speed is no matter; and its size alone, 0 when there is none. */
uint64_t index_free_fields(const struct bounded *heap, uint64_t unit);
uint64_t index_free_block(const struct bounded *heap, uint64_t unit);

/* A free block with room for that many units, which must not be more than the heap has; 0: none. */
uint64_t index_find(const struct bounded *heap, uint64_t units);

/* The same with room at a multiple of `align` from `gap` units after its start. */
uint64_t index_find_aligned(const struct bounded *heap, uint64_t units, size_t align,
                            uint64_t *gap);

/* Whether the block has room for that many units at a multiple of `align`. */
bool index_fits(const struct bounded *heap, uint64_t unit, uint64_t units, size_t align,
                uint64_t *gap);

/* How many units aligned blocks may need beyond their size. */
ALWAYS_INLINE uint64_t index_padding(size_t align)
{
    return align <= BOUNDED_UNIT ? 0 : align / BOUNDED_UNIT + 1;
}

#endif
