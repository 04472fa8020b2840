/* SPDX-License-Identifier: MIT */
/* slab_unit.h: a slab is cut into blocks unit by unit, as they are needed. A unit is a page or
 * more, 1/64 of a long slab; `holes` has a bit for each unit whose blocks (those that start in it)
 * are out of circulation. At first all units are holes. Purging makes holes again of units whose
 * pages hold free blocks only. So "not cut yet" and "given back" are one state, and a hole costs no
 * memory. */
#ifndef BARROW_HEAP_SLAB_UNIT_H
#define BARROW_HEAP_SLAB_UNIT_H

#include "heap/size_class.h"
#include "region/page_map.h"

enum { UNITS_MOST = 64, UNIT_LEAST_SHIFT = 12 };

ALWAYS_INLINE unsigned unit_shift(const struct span *slab)
{
    unsigned shift = highest_bit(slab->granules) + GRANULE_SHIFT - 6;
    return shift < UNIT_LEAST_SHIFT ? UNIT_LEAST_SHIFT : shift;
}

ALWAYS_INLINE size_t unit_bytes(const struct span *slab)
{
    return (size_t)1 << unit_shift(slab);
}

/* Whether a block that starts there is out of circulation: never cut, or given back. Without the
 * lock: true is certain only of a block that is not the program's. The address is in the slab. */
ALWAYS_INLINE bool slab_is_in_hole(const struct span *slab, const void *block)
{
    size_t distance = (size_t)((const char *)block - span_start(slab));
    return LOAD_RELAXED(&slab->holes) >> (distance >> unit_shift(slab)) & 1;
}

/* relaxed: slab_is_in_hole reads it without the lock */
static inline void set_holes(struct span *slab, uint64_t holes)
{
    __atomic_store_n(&slab->holes, holes, __ATOMIC_RELAXED);
}

static inline uint64_t unit_bits(size_t first, size_t count)
{
    return (count == 64 ? ~0ULL : (1ULL << count) - 1) << first;
}

/* How many blocks the slab has: the first slab of a class may be shorter than others. */
ALWAYS_INLINE uint32_t slab_capacity(const struct span *slab)
{
    return (uint32_t)(span_bytes(slab) / size_class_bytes(slab->size_class));
}

static inline uint64_t all_holes(const struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    uint32_t capacity = slab_capacity(slab);
    uint64_t holes = 0;
    if (size <= unit)
        return ~0ULL >> (63 - (capacity - 1) * size / unit);
    for (uint32_t i = 0; i < capacity; i++)
        holes |= 1ULL << (i * size / unit);
    return holes;
}

#endif
