/* SPDX-License-Identifier: MIT */
#include "shadow.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ADDRESS_BITS 47

enum { UNITS_A_BYTE = 8 };

static unsigned char *bits;

bool shadow_start(void)
{
    void *memory = mmap(NULL, ((size_t)1 << ADDRESS_BITS) / SHADOW_UNIT / UNITS_A_BYTE,
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    bits = memory;
    return true;
}

/* A range as whole bytes of the map, and the bits of the bytes at its ends. */
struct range {
    unsigned char *first, *last;
    unsigned char first_mask, last_mask;
};

static struct range range_of(const void *address, size_t size)
{
    size_t from = (uintptr_t)address / SHADOW_UNIT;
    size_t to = ((uintptr_t)address + size - 1) / SHADOW_UNIT;
    struct range range = { bits + from / UNITS_A_BYTE, bits + to / UNITS_A_BYTE,
                           (unsigned char)(0xff << from % UNITS_A_BYTE),
                           (unsigned char)(0xff >> (UNITS_A_BYTE - 1 - to % UNITS_A_BYTE)) };
    if (range.first == range.last)
        range.first_mask = range.last_mask = range.first_mask & range.last_mask;
    return range;
}

/* relaxed, both: see shadow.h; the neighbours' bits in the same byte are theirs alone */
static bool set(unsigned char *byte, unsigned char mask)
{
    return (__atomic_fetch_or(byte, mask, __ATOMIC_RELAXED) & mask) == 0;
}

static bool clear(unsigned char *byte, unsigned char mask)
{
    return (__atomic_fetch_and(byte, (unsigned char)~mask, __ATOMIC_RELAXED) & mask) == mask;
}

static bool all_are(const unsigned char *from, const unsigned char *end, unsigned char value)
{
    return from >= end || (*from == value && memcmp(from, from + 1, (size_t)(end - from) - 1) == 0);
}

bool shadow_claim(const void *address, size_t size)
{
    struct range range = range_of(address, size);
    bool good = set(range.first, range.first_mask);
    if (range.first == range.last)
        return good;
    good &= set(range.last, range.last_mask) && all_are(range.first + 1, range.last, 0);
    if (range.last - range.first > 1)
        memset(range.first + 1, 0xff, (size_t)(range.last - range.first) - 1);
    return good;
}

bool shadow_release(const void *address, size_t size)
{
    struct range range = range_of(address, size);
    bool good = clear(range.first, range.first_mask);
    if (range.first == range.last)
        return good;
    good &= clear(range.last, range.last_mask) && all_are(range.first + 1, range.last, 0xff);
    if (range.last - range.first > 1)
        memset(range.first + 1, 0, (size_t)(range.last - range.first) - 1);
    return good;
}
