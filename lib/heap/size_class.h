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
    SLAB_GRANULES_MAX = 4,
    SMALL_MAX = 4096, /* the longest block; up to here the class is looked up, see struct theap */
    SMALL_LIMIT = SMALL_MAX + 1,
    SMALL_UNITS = SMALL_MAX / 16 + 1
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

/* How long the class's slabs are, but for a theap's first few: at least 64 blocks, and 128 up to 2 KiB, so that what is
 * done once for a slab counts for little. */
ALWAYS_INLINE unsigned size_class_granules(unsigned size_class)
{
    return size_class_bytes(size_class) <= 512 ? 1 : SLAB_GRANULES_MAX;
}

ALWAYS_INLINE unsigned size_class_capacity(unsigned size_class)
{
    return (unsigned)(((size_t)size_class_granules(size_class) << GRANULE_SHIFT) /
                      size_class_bytes(size_class));
}

/* The check that an address starts a block, without a division, by its distance to a later start.
 * The magic m is 2^64 / size, rounded up so that size * m = 2^64 + step, with a step of half the size
 * to one and a half times the size. A block that starts q blocks before has the residue
 *
 *     q * size * m mod 2^64 = q * step
 *
 * and all others in the slab, as well as those that start behind, have one of START_LIMIT or more: m
 * or more for those that start nowhere, nearly 2^64 for those behind. The same is true for addresses
 * outside of the slab that are at least 2^30 bytes away and are addresses of a program's at all: their
 * residues are 2^29 or more, for no distance times one and a half reaches m. */
enum { START_LIMIT = 1 << 19 };

_Static_assert(SLAB_GRANULES_MAX *GRANULE_SIZE * 3 / 2 < START_LIMIT,
               "no start in the longest slab has a residue as large");

ALWAYS_INLINE uint64_t size_class_magic(unsigned size_class)
{
    uint64_t size = size_class_bytes(size_class), magic = UINT64_MAX / size + 1;
    return size * magic < size / 2 ? magic + 1 : magic;
}

/* Whether a block starts at that distance before the start of another. */
ALWAYS_INLINE bool is_start(uintptr_t distance, uint64_t magic)
{
    return distance * magic < START_LIMIT;
}

#endif
