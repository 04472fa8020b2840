/* SPDX-License-Identifier: MIT */
/* free_sized, free_aligned_sized and cfree: they free whatever free frees, from any entry point. */
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/scale.h"
#include "support/suite.h"

/* From 0 through every class, in steps, to blocks that have a span to themselves. */
static size_t size_after(size_t size)
{
    return size < 300 ? size + 1 : size + size / 5;
}

typedef void freer(void *block, size_t size);
typedef void *maker(size_t size);

static void cycle(freer *free_one, maker *make, size_t size, size_t rounds)
{
    for (; rounds > 0; rounds--) {
        unsigned char *block = make(size);

        assert_non_null(block);
        memset(block, 1, size);
        free_one(block, size);
    }
}

/* Were the blocks lost, the loops over a few sizes would take 32 MiB each. */
static void frees(freer *free_one, maker *make)
{
    static const size_t few[] = { 20, 100, 1000, 5000, 40000, 300000, 3000000 };

    for (size_t size = 0; size <= 6 * MIB; size = size_after(size))
        cycle(free_one, make, size, 3);
    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
        size_t before = memory_used();
        cycle(free_one, make, few[i], 32 * MIB / few[i]);
        assert_in_range(memory_used(), 0, before + 12 * MIB);
    }
}

static void *plain(size_t size)
{
    return malloc(opaque_size(size));
}

static void *zeroed(size_t size)
{
    return calloc(1, opaque_size(size));
}

static void *resized(size_t size)
{
    void *block = malloc(size / 2 + 1);

    return size == 0 ? block : realloc(block, size);
}

static void sized(void *block, size_t size)
{
    free_sized(block, size);
}

static void resized_free(void *block, size_t size)
{
    free_sized(block, size == 0 ? 1 : size);
}

static void by_cfree(void *block, size_t size)
{
    (void)size;
    cfree(block);
}

static void sized_frees_malloc(void **state)
{
    (void)state;
    frees(sized, plain);
}

static void sized_frees_calloc(void **state)
{
    (void)state;
    frees(sized, zeroed);
}

static void sized_frees_realloc(void **state)
{
    (void)state;
    frees(resized_free, resized);
}

static void cfree_frees(void **state)
{
    (void)state;
    frees(by_cfree, plain);
}

static void aligned_sized_frees_aligned_alloc(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= 2 * MIB; alignment *= 2) {
        for (size_t size = 0; size <= 3 * MIB; size = size_after(size) + size / 3) {
            void *block = aligned_alloc(opaque_size(alignment), opaque_size(size));
            assert_non_null(block);
            memset(block, 1, size < 4096 ? size : 4096);
            free_aligned_sized(block, alignment, size);
        }
    }
}

static void null_is_fine(void **state)
{
    (void)state;
    free_sized(opaque(NULL), 0);
    free_sized(opaque(NULL), 100);
    free_sized(opaque(NULL), opaque_size(SIZE_MAX));
    free_aligned_sized(opaque(NULL), 16, 16);
    free_aligned_sized(opaque(NULL), opaque_size(0), 16);
    cfree(opaque(NULL));
}

/* What one of them freed comes back whole: blocks of all kinds live side by side after it. */
static void freed_memory_comes_back(void **state)
{
    enum { BLOCKS = 64 };
    unsigned char *blocks[BLOCKS];

    (void)state;
    for (size_t round = 0; round < scaled(300); round++) {
        size_t size = round * 7 % 3000;
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = i % 2 == 0 ? malloc(size) : aligned_alloc(64, size);
            assert_non_null(blocks[i]);
            memset(blocks[i], (int)i, size);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            for (size_t at = 0; at < size; at += size / 8 + 1)
                assert_int_equal(blocks[i][at], i);
            if (i % 2 == 0)
                free_sized(blocks[i], size);
            else
                free_aligned_sized(blocks[i], 64, size);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sized_frees_malloc),
        cmocka_unit_test(sized_frees_calloc),
        cmocka_unit_test(sized_frees_realloc),
        cmocka_unit_test(cfree_frees),
        cmocka_unit_test(aligned_sized_frees_aligned_alloc),
        cmocka_unit_test(null_is_fine),
        cmocka_unit_test(freed_memory_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
