/* SPDX-License-Identifier: MIT */
/* size_class.h: the sizes that slabs have blocks of.
 *
 * Steps of 16 bytes up to 256; from there eight classes for each doubling up to 64 KiB, so that at
 * most an eighth of a block is slack. Every size is a multiple of 16, and for every power of two up
 * to 64 KiB some class at most twice the size asked for is a multiple of it, which is how aligned
 * blocks are had without headers. */
#ifndef BARROW_HEAP_SIZE_CLASS_H
#define BARROW_HEAP_SIZE_CLASS_H

#include "os/compiler.h"
#include "region/span.h"

enum {
    SIZE_CLASSES = 80,
    EVEN_CLASSES = 16, /* those in steps of 16 bytes */
    SLAB_BLOCK_MAX = 64 * 1024,
    SMALL_MAX = 4096, /* up to here the class is looked up in a table, see struct theap */
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
    if (align > SLAB_BLOCK_MAX || size > SLAB_BLOCK_MAX)
        return SIZE_CLASSES;
    return size_class_of(round_up(size != 0 ? size : 1, align));
}

/* Whether realloc leaves a slab's block of `bytes` where it is: it fits, and half of the block would
 * not be idle, or there is no smaller class. */
ALWAYS_INLINE bool size_class_keeps(size_t bytes, size_t size)
{
    return size <= bytes && (size >= bytes / 2 || bytes == size_class_bytes(0));
}

/* How long the class's slabs are: at least 16 blocks, and 32 up to 8 KiB. */
ALWAYS_INLINE unsigned size_class_granules(unsigned size_class)
{
    size_t size = size_class_bytes(size_class);
    return size <= 2048 ? 1 : size <= 8192 ? 4 : size <= 32768 ? 8 : 16;
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
    return size_class_granules(size_class) > 1 && GRANULE_SIZE % size_class_bytes(size_class) != 0;
}

/* For the check that an address is the start of a block, without a division: with m = ceil(2^32 /
 * size) a distance below 2^16 is a multiple of the size exactly if (distance * m) mod 2^32 < 2^16.
 * (For the multiple q * size it is q times what m was rounded up by, so less than the distance; for
 * others it is m at least.) Long classes have sizes and distances in units. */
ALWAYS_INLINE uint32_t size_class_magic(unsigned size_class)
{
    size_t size = size_class_bytes(size_class);
    size_t units = size_class_is_long(size_class) ? size / LONG_UNIT : size;
    return (uint32_t)((((uint64_t)1 << 32) + units - 1) / units);
}

ALWAYS_INLINE bool is_multiple(uint32_t distance, uint32_t magic)
{
    return distance * magic < 1 << 16;
}

/* The same for a distance from the start of a long class's slab. */
ALWAYS_INLINE bool is_long_multiple(uint32_t distance, uint32_t magic)
{
    return distance % LONG_UNIT == 0 && is_multiple(distance / LONG_UNIT, magic);
}

#endif
