/* SPDX-License-Identifier: MIT */
/* slab_purge.c: the search for holes: pages of a slab that hold free blocks only go back to the system,
 * and the blocks leave the free list first, for their links go with the pages. Of a block that is longer
 * than a page the inside goes too, and the block stays listed.
 *
 * What must stay true: a block that starts in a hole is not on the list, every other one that is
 * not in use is; and nothing that a block in use touches is given back. */
#include "heap/slab.h"
#include "heap/slab_unit.h"
#include "os/vm.h"
#include "region/region.h"

/* How many free blocks of the list touch each unit. */
struct touches {
    uint16_t count[UNITS_MOST];
};

/* False when the list has been written over: whoever takes from it next will say so. */
static bool count_listed(const struct span *slab, size_t size, struct touches *touches)
{
    unsigned shift = unit_shift(slab);
    const char *start = span_start(slab);
    for (const struct block *block = slab->free; block != BLOCK_END; block = block->next) {
        if (unlikely(!block_is_linked(block)))
            return false;
        size_t distance = (size_t)((const char *)block - start);
        for (size_t unit = distance >> shift; unit <= (distance + size - 1) >> shift; unit++)
            touches->count[unit]++;
    }
    return true;
}

/* Whether all blocks that touch the unit are free: each is listed, or starts in a hole. */
static bool is_free_unit(const struct span *slab, size_t size, unsigned unit, unsigned listed)
{
    unsigned shift = unit_shift(slab);
    uint32_t capacity = slab_capacity(slab);
    uint32_t first = (uint32_t)(((size_t)unit << shift) / size);
    uint32_t end = (uint32_t)(((((size_t)unit + 1) << shift) - 1) / size) + 1;
    end = end < capacity ? end : capacity;
    if (first >= end)
        return true;
    uint32_t free = listed;
    bool enters = first * size < (size_t)unit << shift;
    if (enters && slab->holes >> (first * size >> shift) & 1)
        free++;
    if (slab->holes >> unit & 1)
        free += end - first - enters;
    return free == end - first;
}

static uint64_t free_units(const struct span *slab, size_t size, const struct touches *touches)
{
    uint64_t free = 0;
    unsigned units = (unsigned)(span_bytes(slab) >> unit_shift(slab));
    for (unsigned unit = 0; unit < units; unit++)
        free |= (uint64_t)is_free_unit(slab, size, unit, touches->count[unit]) << unit;
    return free;
}

/* The units of those groups, each as large as a page of the system, all of whose units are among
 * these. */
static uint64_t whole_pages(const struct span *slab, uint64_t units)
{
    size_t page = os_page_size() >> unit_shift(slab);
    uint64_t whole = 0;
    if (page <= 1)
        return units;
    for (size_t first = 0; first < UNITS_MOST; first += page) {
        uint64_t group = unit_bits(first, page);
        whole |= (units & group) == group ? group : 0;
    }
    return whole;
}

/* The units of all pages that have one of these units. */
static uint64_t pages_with(const struct span *slab, uint64_t units)
{
    size_t page = os_page_size() >> unit_shift(slab);
    uint64_t all = 0;
    if (page <= 1)
        return units;
    for (size_t first = 0; first < UNITS_MOST; first += page) {
        uint64_t group = unit_bits(first, page);
        all |= (units & group) != 0 ? group : 0;
    }
    return all;
}

/* Takes the blocks that start in holes off the list. Where the system refuses to take their pages, no
 * word of them is left all the same. */
static void relist(struct span *slab)
{
    struct block *block = slab->free, *next;
    slab->free = BLOCK_END;
    slab->free_count = 0;
    for (; block != BLOCK_END; block = next) {
        next = block->next;
        if (slab_is_in_hole(slab, block))
            *block = (struct block){ NULL, 0 };
        else
            slab_push_listed(slab, block);
    }
}

/* Units whose pages hold free blocks only: new holes, and the inside of long blocks, where no block
 * starts and so no link is. First the list, without what is about to vanish; then the memory. */
static uint64_t find_free_units(const struct theap *theap, struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class);
    uint64_t starts = all_holes(slab), before = slab->holes;
    struct touches touches = { { 0 } };
    if (!count_listed(slab, size, &touches))
        return 0;
    uint64_t free = whole_pages(slab, free_units(slab, size, &touches));
    uint64_t new_holes = free & starts & ~before;
    if (new_holes != 0) {
        set_holes(slab, before | new_holes);
        slab_note_starts(theap, slab, new_holes, false);
        relist(slab);
        /* a block that starts in a hole may end in a page that was kept */
        slab->zero_holes = false;
    }
    return pages_with(slab, free & (new_holes | ~starts));
}

uint64_t slab_search(struct theap *theap, struct span *slab)
{
    ASSERT(os_lock_is_mine(&theap->lock) && slab->group == GROUPS);
    size_t size = size_class_bytes(slab->size_class), listed = slab->free_count * size;
    uint64_t before = slab->holes;
    atomic_store_explicit(&slab->stirred, false, memory_order_relaxed);
    if (listed < os_page_size())
        return 0;
    uint64_t units = find_free_units(theap, slab);
    size_t gone = listed - slab->free_count * size;
    theap->listed -= gone;
    theap->circulating -= gone;
    size_t hollow = (size_t)bits_set(slab->holes & ~before) * unit_bytes(slab);
    region_account_hollow(slab, (ptrdiff_t)hollow);
    return units;
}

/* In runs of units, for fewer calls. */
size_t slab_discard(const struct span *slab, uint64_t units)
{
    size_t purged = 0, unit = unit_bytes(slab);
    while (units != 0) {
        unsigned first = lowest_bit(units);
        uint64_t rest = ~(units >> first);
        unsigned count = rest != 0 ? lowest_bit(rest) : UNITS_MOST - first;
        if (os_discard(span_start(slab) + first * unit, count * unit))
            purged += count * unit;
        units &= ~unit_bits(first, count);
    }
    region_account_purge(purged);
    return purged;
}
