/* SPDX-License-Identifier: MIT */
/*
 * The allocator that does nothing, for the least a pair of malloc and free can cost in `patterns`:
 * it hands out the next bytes of a fixed arena, round and round, and free returns at once. Blocks
 * are overwritten when the arena wraps, so no program that stores anything in them works with it.
 */
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

enum { ARENA = 1 << 26, ALIGN = 16, LARGEST = 1 << 20 };

static _Alignas(4096) char arena[ARENA];
static size_t used;

EXPORT void *malloc(size_t size)
{
    size_t at = used;
    if (at > ARENA - LARGEST)
        at = 0;
    used = (at + size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    return arena + at;
}

EXPORT void free(void *block)
{
    (void)block;
}
