/* SPDX-License-Identifier: MIT */
/* calloc: zeros, whatever the memory held before. Refusals are in impossible.c. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

static const size_t sizes[] = { 1,     7,     8,     15,     16,     17,     100,     128,
                                1000,  1024,  2048,  4000,   4096,   5000,   8192,    16384,
                                20000, 32768, 65536, 100000, 131072, 262144, 1 << 20, 5 << 20 };

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void no_elements_are_a_block(void **state)
{
    (void)state;
    void *blocks[] = { calloc(0, 0), calloc(opaque_size(0), 8), calloc(8, opaque_size(0)),
                       calloc(0, opaque_size(SIZE_MAX)), calloc(opaque_size(SIZE_MAX), 0) };

    for (size_t i = 0; i < 5; i++) {
        assert_non_null(blocks[i]);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(blocks[i], blocks[j]);
    }
    for (size_t i = 0; i < 5; i++)
        free(blocks[i]);
}

static void fresh_memory_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        unsigned char *blocks[8];

        for (size_t j = 0; j < 8; j++) {
            blocks[j] = calloc(1, sizes[i]);
            assert_non_null(blocks[j]);
            assert_true(bytes_are_zero(blocks[j], sizes[i]));
        }
        for (size_t j = 0; j < 8; j++)
            free(blocks[j]);
    }
}

static void *soiled(size_t size)
{
    void *block = malloc(size);

    assert_non_null(block);
    memset(block, 0xa5, malloc_usable_size(block));
    return block;
}

/* Frees count soiled blocks at once, so that their slabs fall free too, and looks at as many. */
static void reuse_check(size_t dirty_size, size_t size, size_t count, int trim)
{
    static void *blocks[512];

    for (size_t i = 0; i < count; i++)
        blocks[i] = soiled(dirty_size);
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
    if (trim)
        malloc_trim(0);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = calloc(size, 1);
        assert_non_null(blocks[i]);
        assert_true(bytes_are_zero(blocks[i], size));
        memset(blocks[i], 0x5a, size);
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

static size_t count_for(size_t size)
{
    return size < 20000 ? scaled(500) : size < 200000 ? scaled(40) : 3;
}

static void reused_blocks_are_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        reuse_check(sizes[i], sizes[i], count_for(sizes[i]), 0);
}

static void memory_of_other_sizes_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        for (size_t j = 0; j < SIZES; j += 3)
            reuse_check(sizes[i], sizes[j], 3, 0);
}

static void trimmed_memory_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        reuse_check(sizes[i], sizes[i], count_for(sizes[i]), 1);
}

/* Half of the blocks stay, so memory falls free in holes between them. */
static void holes_are_zero(void **state)
{
    enum { BLOCKS = 400 };
    static unsigned char *blocks[BLOCKS];

    (void)state;
    for (size_t i = 0; i < SIZES && sizes[i] <= 100000; i++) {
        for (size_t j = 0; j < BLOCKS; j++)
            blocks[j] = soiled(sizes[i]);
        for (size_t j = 0; j < BLOCKS; j += 2)
            free(blocks[j]);
        malloc_trim(0);
        for (size_t j = 0; j < BLOCKS; j += 2) {
            blocks[j] = calloc(1, sizes[i]);
            assert_non_null(blocks[j]);
            assert_true(bytes_are_zero(blocks[j], sizes[i]));
        }
        for (size_t j = 1; j < BLOCKS; j += 2)
            assert_true(blocks[j][0] == 0xa5 && blocks[j][sizes[i] - 1] == 0xa5);
        for (size_t j = 0; j < BLOCKS; j++)
            free(blocks[j]);
    }
}

/* The tail that a shrunk block gave up was written, and comes back in some later block. */
static void tails_of_shrunk_blocks_are_zero(void **state)
{
    (void)state;
    for (size_t size = 64; size <= 8 * MIB; size *= 2) {
        void *kept = realloc(soiled(size), size / 4);
        void *block = calloc(1, size / 2);

        assert_non_null(kept);
        assert_non_null(block);
        assert_true(bytes_are_zero(block, size / 2));
        free(block);
        free(kept);
    }
}

static void *thread_frees(void *block)
{
    free(block);
    return NULL;
}

static void memory_freed_by_another_thread_is_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, thread_frees, soiled(sizes[i])), 0);
        pthread_join(thread, NULL);
        reuse_check(sizes[i], sizes[i], 2, 0);
    }
}

static void count_and_size_multiply(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 5000; count = count * 3 + 1) {
        for (size_t size = 1; size <= 1000; size = size * 5 + 2) {
            void *block = calloc(count, size);

            assert_non_null(block);
            assert_true(malloc_usable_size(block) >= count * size);
            assert_true(bytes_are_zero(block, count * size));
            free(block);
        }
    }
}

/* Zeros fresh from the system need not be written: a large calloc costs no memory. */
static void large_fresh_blocks_cost_no_memory(void **state)
{
    (void)state;
    size_t before = memory_resident();
    unsigned char *block = calloc(1, 512 * MIB);

    assert_non_null(block);
    assert_in_range(memory_resident(), 0, before + 8 * MIB);
    for (size_t at = 0; at < 512 * MIB; at += 64 * MIB)
        assert_int_equal(block[at], 0);
    free(block);
}

static bool reads_zero(const unsigned char *bytes, size_t count)
{
    unsigned char any = 0;
    for (size_t i = 0; i < count; i++)
        any |= bytes[i];
    return any == 0;
}

/* Programs take what malloc_usable_size tells of for theirs. */
static void all_usable_bytes_are_zero(void **state)
{
    enum { COUNT = 6 };
    unsigned char *blocks[COUNT];
    (void)state;
    for (size_t size = 0; size < 400000; size += size < 1100 ? 1 : size / 50) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = malloc(opaque_size(size));
            memset(blocks[i], 0x80, malloc_usable_size(blocks[i]));
        }
        for (size_t i = 0; i < COUNT; i++)
            free(blocks[i]);
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = calloc(1, opaque_size(size));
            assert_true(reads_zero(blocks[i], malloc_usable_size(blocks[i])));
        }
        for (size_t i = 0; i < COUNT; i++)
            free(blocks[i]);
    }
}

/* A larger class may lend the block: its usable size is that of the lender. */
static void all_usable_bytes_of_lent_blocks_are_zero(void **state)
{
    enum { COUNT = 300 };
    static unsigned char *blocks[COUNT];
    uint64_t random = 3;
    size_t lent = 0;
    (void)state;
    for (size_t i = 0; i < scaled(20000); i++) {
        size_t at = (size_t)rng_below(&random, COUNT);
        size_t size = 4097 + (size_t)rng_below(&random, 60000), usable;
        free(blocks[at]);
        blocks[at] = calloc(1, size);
        usable = malloc_usable_size(blocks[at]);
        lent += usable > size + size / 8 + 16;
        assert_true(reads_zero(blocks[at], usable));
        memset(blocks[at], 0x80, usable);
    }
    assert_int_not_equal(lent, 0);
    for (size_t at = 0; at < COUNT; at++)
        free(blocks[at]);
}

/* realloc that grows within what calloc gave shows zeros. */
static void growth_within_a_zeroed_block_is_zero(void **state)
{
    (void)state;
    for (size_t size = 1; size < 200000; size += size < 600 ? 1 : size / 9) {
        unsigned char *block = malloc(opaque_size(size));
        memset(block, 0x80, malloc_usable_size(block));
        free(block);
        block = calloc(1, opaque_size(size));
        size_t usable = malloc_usable_size(block);
        unsigned char *grown = realloc(block, usable);
        assert_ptr_equal(grown, block);
        assert_true(reads_zero(grown, usable));
        free(grown);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_elements_are_a_block),
        cmocka_unit_test(fresh_memory_is_zero),
        cmocka_unit_test(reused_blocks_are_zero),
        cmocka_unit_test(memory_of_other_sizes_is_zero),
        cmocka_unit_test(trimmed_memory_is_zero),
        cmocka_unit_test(holes_are_zero),
        cmocka_unit_test(tails_of_shrunk_blocks_are_zero),
        cmocka_unit_test(memory_freed_by_another_thread_is_zero),
        cmocka_unit_test(count_and_size_multiply),
        cmocka_unit_test(large_fresh_blocks_cost_no_memory),
        cmocka_unit_test(all_usable_bytes_are_zero),
        cmocka_unit_test(all_usable_bytes_of_lent_blocks_are_zero),
        cmocka_unit_test(growth_within_a_zeroed_block_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
