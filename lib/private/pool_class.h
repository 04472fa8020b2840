/* SPDX-License-Identifier: MIT */
/* pool_class.h: the sizes that the slabs of private heaps have blocks of, in bytes with the size
 * word: steps of 16 up to 1 KiB, so that the class is the size shifted; from there eight for each
 * doubling up to 64 KiB. Class 0 does not exist. */
#ifndef BARROW_PRIVATE_POOL_CLASS_H
#define BARROW_PRIVATE_POOL_CLASS_H

#include "os/compiler.h"
#include "region/page_map.h"

enum {
    SIZE_WORD = 2, /* bytes at a block's end that hold the size asked for */
    POOL_EVEN = 64,
    POOL_CLASSES = POOL_EVEN + 1 + 6 * 8,
    POOL_SMALL_MAX = POOL_EVEN * 16 - SIZE_WORD, /* sizes whose class is a shift away */
    POOL_SIZE_MAX = 64 * 1024 - SIZE_WORD,       /* larger blocks are spans */
    POOL_CUT = 4096                              /* bytes that are cut into blocks at once */
};

ALWAYS_INLINE size_t pool_small_class(size_t size)
{
    return (size + SIZE_WORD + 15) / 16;
}

ALWAYS_INLINE unsigned pool_class(size_t size)
{
    if (size <= POOL_SMALL_MAX)
        return (unsigned)pool_small_class(size);
    size_t bytes = size + SIZE_WORD;
    unsigned log = highest_bit(bytes - 1);
    return POOL_EVEN + 1 + (log - 10) * 8 + (((bytes - 1) >> (log - 3)) & 7);
}

ALWAYS_INLINE size_t pool_class_bytes(unsigned size_class)
{
    if (size_class <= POOL_EVEN)
        return size_class * 16;
    unsigned log = 10 + (size_class - POOL_EVEN - 1) / 8, step = (size_class - POOL_EVEN - 1) % 8;
    return ((size_t)1 << log) + ((size_t)(step + 1) << (log - 3));
}

/* How long the class's slabs are: 32 blocks at least up to 2 KiB, 16 up to 8, 8 beyond. */
ALWAYS_INLINE unsigned pool_class_granules(unsigned size_class)
{
    size_t bytes = pool_class_bytes(size_class);
    return bytes <= 2048 ? 1 : bytes <= 8192 ? 2 : bytes <= 32768 ? 4 : 8;
}

ALWAYS_INLINE unsigned pool_class_capacity(unsigned size_class)
{
    return (unsigned)(((size_t)pool_class_granules(size_class) << GRANULE_SHIFT) /
                      pool_class_bytes(size_class));
}

/* Whether a block of a slab of one granule starts at a distance, given the last one that was cut: if and only if
 *
 *     (last - distance) * magic mod 2^32 < POOL_STARTS
 *
 * The magic number is 2^32 / size rounded down, and one more, so magic * size is 2^32 + e, with 0 < e <= size <=
 * 2^11. From block to block the product rises by e, to 2^16 at most. All other distances yield more than 2^17 and
 * less than 2^32 - 2^17: between two blocks it is r * magic more, 0 < r < size, and magic > 2^20; and behind the
 * last block it is the product of what is before it, negated. 0 for slabs of more than one granule, and for the
 * nursery. */
enum { POOL_STARTS = 1 << 17 };

ALWAYS_INLINE uint32_t pool_class_magic(unsigned size_class)
{
    size_t bytes = pool_class_bytes(size_class);
    return size_class == 0 || pool_class_granules(size_class) > 1
               ? 0
               : (uint32_t)(((uint64_t)1 << 32) / bytes + 1);
}

#endif
