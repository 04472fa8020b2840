/* SPDX-License-Identifier: MIT */
/* malloc and free: sizes from 0 up, alignment, and blocks that do not share bytes. */
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

static void zero_bytes_are_a_block(void **state)
{
    (void)state;
    void *first = malloc(opaque_size(0));
    void *second = malloc(opaque_size(0));

    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    free(first);
    free(second);
}

static void free_of_null_does_nothing(void **state)
{
    (void)state;
    free(opaque(NULL));
}

/* Every size up to beyond the classes of small blocks, then the neighbours of each power of two. */
static size_t size_after(size_t size)
{
    if (size < 5000)
        return size + 1;
    size_t power = (size_t)1 << (63 - __builtin_clzll(size));
    if (size < power + 1)
        return size + 1;
    return size < power * 3 / 2 ? power * 3 / 2 : size < 2 * power - 1 ? 2 * power - 1 : size + 1;
}

/* A block of n bytes must suit any object of n bytes: 16 from 16 bytes on, else the largest power
 * of two that is not above the size. */
static size_t alignment_due(size_t size)
{
    return size >= 16 ? 16 : (size_t)1 << (63 - __builtin_clzll(size | 1));
}

static void every_size_is_aligned_and_writable(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 64 * MIB; size = size_after(size)) {
        unsigned char *blocks[5];

        for (size_t i = 0; i < 5; i++) {
            blocks[i] = malloc(opaque_size(size));
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % alignment_due(size), 0);
            if (size < 1 * MIB)
                memset(blocks[i], (int)i + 1, size);
            else
                blocks[i][0] = blocks[i][size - 1] = (unsigned char)(i + 1);
        }
        for (size_t i = 0; i < 5; i++) {
            if (size > 0)
                assert_true(blocks[i][0] == i + 1 && blocks[i][size - 1] == i + 1);
            free(blocks[i]);
        }
    }
}

struct extent {
    uintptr_t begin;
    uintptr_t end;
};

static int extent_compare(const void *a, const void *b)
{
    const struct extent *left = a;
    const struct extent *right = b;

    return (left->begin > right->begin) - (left->begin < right->begin);
}

/* Blocks count as long as malloc_usable_size says, for programs use all of that. */
static void live_blocks_do_not_overlap(void **state)
{
    size_t count = scaled(60000);
    struct extent *extents = malloc(count * sizeof(*extents));
    uint64_t random = 1;

    (void)state;
    assert_non_null(extents);
    for (size_t i = 0; i < count; i++) {
        size_t size = rng_size(&random, i % 100 == 0 ? 20 : 12);
        void *block = malloc(size);
        assert_non_null(block);
        memset(block, (int)i, size < 64 ? size : 64);
        extents[i].begin = (uintptr_t)block;
        extents[i].end = extents[i].begin + malloc_usable_size(block);
    }
    qsort(extents, count, sizeof(*extents), extent_compare);
    for (size_t i = 1; i < count; i++)
        assert_true(extents[i].begin >= extents[i - 1].end);
    for (size_t i = 0; i < count; i++)
        free((void *)extents[i].begin);
    free(extents);
}

static void contents_stay_while_others_come_and_go(void **state)
{
    enum { SLOTS = 500 };
    static unsigned char *blocks[SLOTS];
    static size_t sizes[SLOTS];
    static uint64_t seeds[SLOTS];
    uint64_t random = 2;

    (void)state;
    for (size_t round = scaled(100000); round > 0; round--) {
        size_t i = (size_t)rng_below(&random, SLOTS);
        if (blocks[i] != NULL)
            assert_true(pattern_holds(blocks[i], sizes[i], sizes[i], seeds[i]));
        free(blocks[i]);
        sizes[i] = rng_size(&random, round % 50 == 0 ? 18 : 11);
        seeds[i] = rng_next(&random);
        blocks[i] = malloc(sizes[i]);
        assert_non_null(blocks[i]);
        pattern_fill(blocks[i], sizes[i], seeds[i]);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (blocks[i] != NULL)
            assert_true(pattern_holds(blocks[i], sizes[i], sizes[i], seeds[i]));
        free(blocks[i]);
    }
}

/* Freed memory is used again: a loop may not make the process grow. */
static void freed_memory_is_used_again(void **state)
{
    static const size_t sizes[] = { 1, 16, 100, 1000, 5000, 40000, 300000, 3000000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t before = memory_used();
        for (size_t round = 64 * MIB / sizes[i] / 8 + 8; round > 0; round--) {
            unsigned char *block = malloc(sizes[i]);
            assert_non_null(block);
            memset(block, 1, sizes[i]);
            free(block);
        }
        assert_in_range(memory_used(), 0, before + 4 * MIB);
    }
}

/* The C library's own calls must allocate from the same heap that the program frees to. */
static void strings_of_the_c_library_can_be_freed(void **state)
{
    (void)state;
#if BARROW_OVERRIDE_MALLOC
    for (int i = 0; i < 1000; i++) {
        char *copy = strdup("a line of text that is a few words long");
        assert_non_null(copy);
        assert_true(malloc_usable_size(copy) >= strlen(copy) + 1);
        free(copy);
    }
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_are_a_block),
        cmocka_unit_test(free_of_null_does_nothing),
        cmocka_unit_test(every_size_is_aligned_and_writable),
        cmocka_unit_test(live_blocks_do_not_overlap),
        cmocka_unit_test(contents_stay_while_others_come_and_go),
        cmocka_unit_test(freed_memory_is_used_again),
        cmocka_unit_test(strings_of_the_c_library_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
