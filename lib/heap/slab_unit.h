/* SPDX-License-Identifier: MIT */
/* slab_unit.h: a slab is cut into blocks unit by unit, as they are needed. A unit is a page or
 * more, 1/64 of a long slab; `holes` has a bit for each unit whose blocks (those that start in it)
 * are out of circulation. At first all units are holes. Purging makes holes again of units whose
 * pages hold free blocks only. So "not cut yet" and "given back" are one state, and a hole costs no
 * memory.
 *
 * For slab.c and slab_purge.c alone. */
#ifndef BARROW_HEAP_SLAB_UNIT_H
#define BARROW_HEAP_SLAB_UNIT_H

#include "heap/size_class.h"
#include "region/span.h"

enum { UNITS_MOST = 64, UNIT_LEAST = 4096 };

static inline size_t unit_bytes(const struct span *slab)
{
    size_t unit = span_bytes(slab) / UNITS_MOST;
    return unit < UNIT_LEAST ? UNIT_LEAST : unit;
}

/* relaxed: slab_is_in_hole reads it without the lock */
static inline void set_holes(struct span *slab, uint64_t holes)
{
    __atomic_store_n(&slab->holes, holes, __ATOMIC_RELAXED);
}

static inline uint64_t all_holes(const struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    uint32_t capacity = size_class_capacity(slab->size_class);
    uint64_t holes = 0;
    if (size <= unit)
        return ~0ULL >> (63 - (capacity - 1) * size / unit);
    for (uint32_t i = 0; i < capacity; i++)
        holes |= 1ULL << (i * size / unit);
    return holes;
}

/* Links are checked before they are followed wherever lists pass under the lock: the program may
 * have written to a block that it had freed. */
static inline bool is_inside(const struct span *slab, const void *address)
{
    return (size_t)((const char *)address - span_start(slab)) < span_bytes(slab);
}

#endif
