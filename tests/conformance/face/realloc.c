/* SPDX-License-Identifier: MIT */
/* realloc and reallocarray: contents kept from any size to any other, and the edges as in glibc.
 * Refusals are in impossible.c. */
#include <errno.h>
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

static const size_t sizes[] = {
    1,       8,       16,      17,      48,       100,      256,      1000,
    1024,    2000,    2049,    4096,    5000,     10000,    16384,    32768,
    33000,   65536,   70000,   131072,  200000,   400000,   524288,   1048576,
    1048577, 3000000, 4194304, 9000000, 16777216, 30000000, 33554432, 67108864,
};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void of_null_is_malloc(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *block = realloc(opaque(NULL), sizes[i]);

        assert_non_null(block);
        assert_true(malloc_usable_size(block) >= sizes[i]);
        pattern_fill(block, sizes[i], i);
        assert_true(pattern_holds(block, sizes[i], sizes[i], i));
        free(block);
    }
    void *empty = realloc(opaque(NULL), opaque_size(0));
    assert_non_null(empty);
    free(empty);
}

/* glibc frees the block and returns NULL; programs in the wild count on it. */
static void to_zero_frees(void **state)
{
    (void)state;
    size_t before = memory_used();
    for (size_t round = 0; round < 1000; round++) {
        void *block = malloc(MIB);

        assert_non_null(block);
        memset(block, 1, MIB);
        errno = 0;
        assert_null(realloc(opaque(block), opaque_size(0)));
        assert_int_equal(errno, 0);
    }
    assert_in_range(memory_used(), 0, before + 300 * MIB);
    for (size_t size = 0; size < 5000; size += 13)
        assert_null(realloc(malloc(size), opaque_size(0)));
}

static void contents_stay_from_any_size_to_any(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < SIZES; j++) {
            void *block = malloc(sizes[i]);

            assert_non_null(block);
            pattern_fill(block, sizes[i], i * SIZES + j);
            block = realloc(block, sizes[j]);
            assert_non_null(block);
            assert_true(pattern_holds(block, sizes[j], sizes[i], i * SIZES + j));
            assert_true(malloc_usable_size(block) >= sizes[j]);
            assert_true(sizes[j] < 16 || (uintptr_t)block % 16 == 0);
            ((unsigned char *)block)[sizes[j] - 1] = 1;
            free(block);
        }
    }
}

/* A block that grows byte by byte and falls back, as a string buffer does. */
static void small_steps_keep_contents(void **state)
{
    unsigned char *block = NULL;
    size_t top = scaled(20000);

    (void)state;
    for (size_t size = 1; size <= top; size++) {
        block = realloc(block, size);
        assert_non_null(block);
        block[size - 1] = (unsigned char)(size * 7);
    }
    for (size_t size = top; size > 0; size -= size > 10 ? 7 : 1) {
        block = realloc(block, size);
        assert_non_null(block);
        for (size_t i = 0; i < size; i += size / 16 + 1)
            assert_int_equal(block[i], (unsigned char)((i + 1) * 7));
    }
    free(block);
}

/* Two large blocks that grow in turn: neither may run into the other. */
static void neighbours_grow_apart(void **state)
{
    enum { BLOCKS = 6 };
    unsigned char *blocks[BLOCKS] = { NULL };
    size_t size = 0;

    (void)state;
    for (size_t step = 10000; size < 24 * MIB; step += step / 4) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = realloc(blocks[i], size + step);
            assert_non_null(blocks[i]);
            if (size > 0)
                assert_true(pattern_holds(blocks[i], size, size, i));
            pattern_fill(blocks[i], size + step, i);
        }
        size += step;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_true(pattern_holds(blocks[i], size, size, i));
        free(blocks[i]);
    }
}

/* Aligned blocks may lose their alignment but not their contents. */
static void aligned_blocks_keep_contents(void **state)
{
    (void)state;
    for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 4) {
        for (size_t i = 0; i < SIZES && sizes[i] <= 16 * MIB; i += 2) {
            void *block = aligned_alloc(alignment, sizes[i]);

            assert_non_null(block);
            pattern_fill(block, sizes[i], i);
            block = realloc(block, sizes[i] * 2 + 1);
            assert_non_null(block);
            assert_true(pattern_holds(block, sizes[i], sizes[i], i));
            block = realloc(block, sizes[i] / 2 + 1);
            assert_non_null(block);
            assert_true(pattern_holds(block, sizes[i] / 2, sizes[i], i));
            free(block);
        }
    }
}

/* The same size again, and the usable size, need not move a block. */
static void to_what_it_has_stays_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *block = malloc(sizes[i]);
        uintptr_t address = (uintptr_t)block;

        assert_non_null(block);
        block = realloc(block, sizes[i]);
        assert_int_equal((uintptr_t)block, address);
        block = realloc(block, malloc_usable_size(block));
        assert_int_equal((uintptr_t)block, address);
        free(block);
    }
}

static void array_multiplies(void **state)
{
    (void)state;
    unsigned char *block = reallocarray(NULL, 10, 10);
    assert_non_null(block);
    assert_true(malloc_usable_size(block) >= 100);
    pattern_fill(block, 100, 3);
    block = reallocarray(block, 1000, 1000);
    assert_non_null(block);
    assert_true(malloc_usable_size(block) >= 1000000);
    assert_true(pattern_holds(block, 100, 100, 3));
    block = reallocarray(block, 25, 2);
    assert_non_null(block);
    assert_true(pattern_holds(block, 50, 100, 3));
    assert_null(reallocarray(opaque(block), opaque_size(0), 8));
    block = reallocarray(malloc(10), 8, opaque_size(0));
    assert_null(block);
}

static void random_walk_keeps_contents(void **state)
{
    enum { BLOCKS = 200 };
    static void *blocks[BLOCKS];
    static size_t held[BLOCKS];
    uint64_t random = 3;

    (void)state;
    for (size_t round = scaled(60000); round > 0; round--) {
        size_t i = (size_t)rng_below(&random, BLOCKS);
        size_t size = rng_size(&random, round % 100 == 0 ? 22 : 13);
        blocks[i] = realloc(blocks[i], size);
        assert_non_null(blocks[i]);
        if (held[i] > 0)
            assert_true(pattern_holds(blocks[i], size, held[i], i));
        pattern_fill(blocks[i], size, i);
        held[i] = size;
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_null_is_malloc),
        cmocka_unit_test(to_zero_frees),
        cmocka_unit_test(contents_stay_from_any_size_to_any),
        cmocka_unit_test(small_steps_keep_contents),
        cmocka_unit_test(neighbours_grow_apart),
        cmocka_unit_test(aligned_blocks_keep_contents),
        cmocka_unit_test(to_what_it_has_stays_in_place),
        cmocka_unit_test(array_multiplies),
        cmocka_unit_test(random_walk_keeps_contents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
