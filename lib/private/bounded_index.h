/* SPDX-License-Identifier: MIT */
/* bounded_index.h: where the free blocks of a bounded heap are found: lists by size in two levels.
 * Level 0 has lists of exactly 2 to 15 units; above, each level is a doubling, cut into 16 lists.
 * Bits say which lists are not empty, so that finding one costs the same in every heap. */
#ifndef BARROW_PRIVATE_BOUNDED_INDEX_H
#define BARROW_PRIVATE_BOUNDED_INDEX_H

#include "private/bounded_block.h"

ALWAYS_INLINE unsigned index_level(uint64_t units)
{
    return units < BOUNDED_SUBLISTS ? 0 : 60u - (unsigned)__builtin_clzll(units);
}

/* The list for blocks of that size. */
ALWAYS_INLINE unsigned index_list(uint64_t units)
{
    unsigned level = index_level(units);
    unsigned shift = level == 0 ? 0 : level - 1;
    return level * BOUNDED_SUBLISTS + (unsigned)(units >> shift) % BOUNDED_SUBLISTS;
}

ALWAYS_INLINE void index_insert(struct bounded *heap, uint64_t unit, uint64_t units)
{
    unsigned list = index_list(units);
    uint64_t next = heap->lists[list];
    *block_links(heap, unit) = (struct bounded_links){ .next = next, .previous = 0 };
    if (next != 0)
        block_links(heap, next)->previous = unit;
    heap->lists[list] = unit;
    heap->sublists[list / BOUNDED_SUBLISTS] |= (uint16_t)(1u << list % BOUNDED_SUBLISTS);
    heap->level_bits |= (uint64_t)1 << list / BOUNDED_SUBLISTS;
    heap->free_units += units;
}

/* The block must be sound. */
ALWAYS_INLINE void index_remove(struct bounded *heap, uint64_t unit, uint64_t units)
{
    struct bounded_links links = *block_links(heap, unit);
    heap->free_units -= units;
    if (links.next != 0)
        block_links(heap, links.next)->previous = links.previous;
    if (links.previous != 0) {
        block_links(heap, links.previous)->next = links.next;
        return;
    }
    unsigned list = index_list(units), level = list / BOUNDED_SUBLISTS;
    heap->lists[list] = links.next;
    if (links.next != 0)
        return;
    heap->sublists[level] &= (uint16_t) ~(1u << list % BOUNDED_SUBLISTS);
    if (heap->sublists[level] == 0)
        heap->level_bits &= ~((uint64_t)1 << level);
}

/* The size of the free block there; 0 when there is none, or its header, its foot, or the links
 * between it and its list are damaged. */
uint64_t index_free_block(const struct bounded *heap, uint64_t unit);

/* A free block with room for that many units at a multiple of `align`, which starts `gap` units
 * after the block; 0: none. */
uint64_t index_find(const struct bounded *heap, uint64_t units, size_t align, uint64_t *gap);

/* How many units aligned blocks may need beyond their size. */
ALWAYS_INLINE uint64_t index_padding(size_t align)
{
    return align <= BOUNDED_UNIT ? 0 : align / BOUNDED_UNIT + 1;
}

#endif
