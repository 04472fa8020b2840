/* SPDX-License-Identifier: MIT */
#include "support/block.h"

#include <stdint.h>

#include "support/calls.h"
#include "support/check.h"
#include "support/pattern.h"
#include "support/rng.h"

static void *zeroed(size_t size)
{
    void *bytes = calloc(1, size);

    REQUIRE(bytes != NULL && bytes_are_zero(bytes, size));
    return bytes;
}

static void *aligned(size_t size, uint64_t *random)
{
    size_t alignment = (size_t)16 << rng_below(random, 9);
    void *bytes = NULL;

    if (rng_below(random, 2) == 0)
        bytes = aligned_alloc(alignment, size);
    else
        REQUIRE(posix_memalign(&bytes, alignment, size) == 0);
    REQUIRE(bytes != NULL && (uintptr_t)bytes % alignment == 0);
    return bytes;
}

static void *bytes_make(size_t size, uint64_t *random)
{
    switch (rng_below(random, 8)) {
    case 0:
        return zeroed(size);
    case 1:
        return aligned(size, random);
    case 2:
        return realloc(NULL, size);
    default:
        return malloc(size);
    }
}

void block_make(struct block *block, size_t size, uint64_t *random)
{
    block->bytes = bytes_make(size, random);
    REQUIRE(block->bytes != NULL);
    REQUIRE(size < 16 || (uintptr_t)block->bytes % 16 == 0);
    block->size = size;
    block->seed = rng_next(random);
    pattern_fill(block->bytes, size, block->seed);
}

void block_resize(struct block *block, size_t size, uint64_t *random)
{
    block_check(block);
    void *bytes = realloc(block->bytes, size);
    REQUIRE(bytes != NULL);
    REQUIRE(pattern_holds(bytes, size, block->size, block->seed));
    block->bytes = bytes;
    block->size = size;
    block->seed = rng_next(random);
    pattern_fill(bytes, size, block->seed);
}

void block_check(const struct block *block)
{
    REQUIRE(block->bytes != NULL);
    REQUIRE(pattern_holds(block->bytes, block->size, block->size, block->seed));
}

void block_drop(struct block *block)
{
    if (block->bytes == NULL)
        return;
    block_check(block);
    free(block->bytes);
    block->bytes = NULL;
}
