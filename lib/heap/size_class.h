/* SPDX-License-Identifier: MIT */
/* size_class.h: the sizes that slabs have blocks of.
 *
 * Steps of 16 bytes up to 256; from there eight classes for each doubling up to 4 KiB, so that at
 * most an eighth of a block is slack. Every size is a multiple of 16, and for every power of two up
 * to 4 KiB some class at most twice the size asked for is a multiple of it, which is how aligned
 * blocks are had without headers. Longer blocks are medium/medium.h's. */
#ifndef BARROW_HEAP_SIZE_CLASS_H
#define BARROW_HEAP_SIZE_CLASS_H

#include "os/compiler.h"
#include "region/page_map.h"

enum {
    SIZE_CLASSES = 48,
    EVEN_CLASSES = 16, /* those in steps of 16 bytes */
    SMALL_MAX = 4096,  /* the longest block; up to here the class is looked up, see struct theap */
    SMALL_LIMIT = SMALL_MAX + 1,
    SMALL_UNITS = SMALL_MAX / 16 + 1,
    LONG_UNIT = 256 /* divides the sizes of all long classes, see size_class_magic */
};

ALWAYS_INLINE unsigned size_class_of(size_t size)
{
    if (size <= 256)
        return (unsigned)((size + 15) / 16) - (size != 0);
    unsigned log = highest_bit(size - 1);
    return EVEN_CLASSES + (log - 8) * 8 + (((size - 1) >> (log - 3)) & 7);
}

ALWAYS_INLINE size_t size_class_bytes(unsigned size_class)
{
    if (size_class < EVEN_CLASSES)
        return (size_class + 1) * 16;
    unsigned log = 8 + (size_class - EVEN_CLASSES) / 8, step = (size_class - EVEN_CLASSES) % 8;
    return ((size_t)1 << log) + ((size_t)(step + 1) << (log - 3));
}

/* The smallest class whose blocks hold `size` bytes and start at multiples of align, a power of two:
 * every class from the rounded size on has steps that align divides, or has just that size.
 * SIZE_CLASSES if slabs have no such blocks. */
ALWAYS_INLINE unsigned size_class_of_aligned(size_t align, size_t size)
{
    if (align > SMALL_MAX || size > SMALL_MAX)
        return SIZE_CLASSES;
    return size_class_of(round_up(size != 0 ? size : 1, align));
}

/* Whether realloc leaves a slab's block of `bytes` where it is: it fits, and half of the block would
 * not be idle, or there is no smaller class. */
ALWAYS_INLINE bool size_class_keeps(size_t bytes, size_t size)
{
    return size <= bytes && (size >= bytes / 2 || bytes == size_class_bytes(0));
}

/* How long the class's slabs are: at least 32 blocks. */
ALWAYS_INLINE unsigned size_class_granules(unsigned size_class)
{
    size_t size = size_class_bytes(size_class);
    return size <= 2048 ? 1 : 4;
}

ALWAYS_INLINE unsigned size_class_capacity(unsigned size_class)
{
    return (unsigned)(((size_t)size_class_granules(size_class) << GRANULE_SHIFT) /
                      size_class_bytes(size_class));
}

/* Whether blocks start at the same distances in each granule of a slab, so that an address's low 16
 * bits tell: slabs of one granule, and sizes that divide a granule. The others are "long". */
ALWAYS_INLINE bool size_class_is_long(unsigned size_class)
{
    return size_class_granules(size_class) > 1 && !is_power_of_two(size_class_bytes(size_class));
}

/* What sizes and distances are counted in by the check below. */
ALWAYS_INLINE size_t size_class_unit(unsigned size_class)
{
    return size_class_is_long(size_class) ? LONG_UNIT : 1;
}

/* The check that an address starts one of the first n blocks, without a division. m = 2^32 / size,
 * rounded to the next larger integer. The start of block q is q * size bytes away, and its residue
 *
 *     q * size * m mod 2^32 = q * step, where step = size * m - 2^32, which is 1 to size
 *
 * rises with q. Any other distance, below 2^16, has a residue of at least m - step, which is more
 * than that of all starts: so the first n blocks are told by one comparison. */
ALWAYS_INLINE uint32_t size_class_magic(unsigned size_class)
{
    size_t size = size_class_bytes(size_class) / size_class_unit(size_class);
    return (uint32_t)((((uint64_t)1 << 32) + size) / size);
}

/* The residues of the first `blocks` starts are below it; 0 for none. */
ALWAYS_INLINE uint32_t size_class_reach(unsigned size_class, uint32_t blocks)
{
    size_t size = size_class_bytes(size_class) / size_class_unit(size_class);
    uint32_t step = (uint32_t)size * size_class_magic(size_class);
    return blocks == 0 ? 0 : (blocks - 1) * step + 1;
}

/* How many blocks start in a granule of the class's slabs; of a long class, in all of the slab. */
ALWAYS_INLINE uint32_t size_class_starts(unsigned size_class)
{
    return size_class_is_long(size_class) ? size_class_capacity(size_class)
                                          : (uint32_t)(GRANULE_SIZE / size_class_bytes(size_class));
}

/* For a distance from the start of a granule of the slab. */
ALWAYS_INLINE bool is_start(uint32_t distance, uint32_t magic, uint32_t reach)
{
    return distance * magic < reach;
}

/* For a distance from the start of a long class's slab. */
ALWAYS_INLINE bool is_long_start(uint32_t distance, uint32_t magic, uint32_t reach)
{
    return distance % LONG_UNIT == 0 && is_start(distance / LONG_UNIT, magic, reach);
}

#endif
