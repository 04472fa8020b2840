/* SPDX-License-Identifier: MIT */
#include "support/pattern.h"

#include <string.h>

enum { PAGE = 4096, MARK = 32 };

static unsigned char pattern_byte(uint64_t seed, size_t i)
{
    uint64_t word = (seed + i / 8 + 1) * 0x9e3779b97f4a7c15U;

    return (unsigned char)(word >> (8 + i % 8 * 7));
}

static void stretch_fill(unsigned char *bytes, size_t from, size_t to, uint64_t seed)
{
    for (size_t i = from; i < to; i++)
        bytes[i] = pattern_byte(seed, i);
}

static bool stretch_holds(const unsigned char *bytes, size_t from, size_t to, uint64_t seed)
{
    for (size_t i = from; i < to; i++)
        if (bytes[i] != pattern_byte(seed, i))
            return false;
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void pattern_fill(void *block, size_t size, uint64_t seed)
{
    if (size <= PATTERN_DENSE) {
        stretch_fill(block, 0, size, seed);
        return;
    }
    for (size_t at = 0; at < size; at += PAGE)
        stretch_fill(block, at, smaller(at + MARK, size), seed);
    stretch_fill(block, size - MARK, size, seed);
}

bool pattern_holds(const void *block, size_t kept, size_t size, uint64_t seed)
{
    kept = smaller(kept, size);
    if (size <= PATTERN_DENSE)
        return stretch_holds(block, 0, kept, seed);
    for (size_t at = 0; at < kept; at += PAGE)
        if (!stretch_holds(block, at, smaller(at + MARK, kept), seed))
            return false;
    return kept < size || stretch_holds(block, size - MARK, size, seed);
}

bool bytes_are_zero(const void *block, size_t size)
{
    const unsigned char *bytes = block;

    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}
