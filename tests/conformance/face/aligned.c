/* SPDX-License-Identifier: MIT */
/* aligned_alloc, posix_memalign, memalign, valloc, pvalloc and memalignment.
 * Refusals are in impossible.c. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

static void *by_aligned_alloc(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

static void *by_memalign(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

static void *by_posix_memalign(size_t alignment, size_t size)
{
    void *block = NULL;

    errno = 99;
    assert_int_equal(posix_memalign(&block, alignment, size), 0);
    assert_int_equal(errno, 99);
    return block;
}

typedef void *aligner(size_t alignment, size_t size);

static aligner *const aligners[] = { by_aligned_alloc, by_memalign, by_posix_memalign };

static const size_t sizes[] = {
    0,    1,    15,    16,    17,    63,    100,    512,     1000,          4095,
    4096, 4097, 30000, 65535, 65536, 65537, 100000, 1 << 20, (1 << 20) + 1, 5000000
};

enum {
    SIZES = sizeof(sizes) / sizeof(sizes[0]),
    ALIGNERS = sizeof(aligners) / sizeof(aligners[0])
};

/* Two blocks at a time: the second shows whether the first took what it may write. */
static void pair_check(aligner *align, size_t alignment, size_t size)
{
    unsigned char *first = align(alignment, size);
    unsigned char *second = align(alignment, size);

    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    assert_int_equal((uintptr_t)first % alignment, 0);
    assert_int_equal((uintptr_t)second % alignment, 0);
    assert_true(malloc_usable_size(first) >= size);
    assert_true(malloc_usable_size(second) >= size);
    pattern_fill(first, size, 1);
    pattern_fill(second, size, 2);
    assert_true(pattern_holds(first, size, size, 1));
    free(first);
    assert_true(pattern_holds(second, size, size, 2));
    free(second);
}

static void every_alignment_with_every_size(void **state)
{
    (void)state;
    for (size_t alignment = sizeof(void *); alignment <= 16 * MIB; alignment *= 2)
        for (size_t i = 0; i < SIZES; i++)
            for (size_t j = 0; j < ALIGNERS; j++)
                pair_check(aligners[j], opaque_size(alignment), opaque_size(sizes[i]));
}

static void one_gibibyte_alignment(void **state)
{
    (void)state;
    for (size_t j = 0; j < ALIGNERS; j++) {
        pair_check(aligners[j], GIB, 1);
        pair_check(aligners[j], GIB, 3 * MIB);
    }
}

/* The room in front of an aligned block costs address space, but may not cost memory. */
static void huge_alignment_costs_little_memory(void **state)
{
    enum { BLOCKS = 50 };
    void *blocks[BLOCKS];
    size_t before = memory_resident();

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = aligned_alloc(4 * MIB, 100);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, 100);
    }
    assert_in_range(memory_resident(), 0, before + 8 * MIB);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void small_alignments_of_aligned_alloc(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment < sizeof(void *); alignment *= 2)
        for (size_t i = 0; i < SIZES; i++)
            pair_check(by_aligned_alloc, opaque_size(alignment), opaque_size(sizes[i]));
}

/* As glibc: memalign raises an alignment to the next power of two, and 0 asks for none. */
static void memalign_rounds_alignments_up(void **state)
{
    static const size_t asked[] = { 0,  1,   3,    5,    12,   17,    24,     33,
                                    48, 100, 1000, 4095, 5000, 65537, 1000000 };

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        size_t due = 1;
        while (due < asked[i])
            due *= 2;
        for (size_t j = 0; j < SIZES; j++) {
            void *block = memalign(opaque_size(asked[i]), sizes[j]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % due, 0);
            pattern_fill(block, sizes[j], 1);
            free(block);
        }
    }
}

/* C23 asks no more that the size be a multiple of the alignment. */
static void sizes_need_not_be_multiples(void **state)
{
    (void)state;
    void *block = aligned_alloc(256, 10);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 256, 0);
    free(block);
}

static void valloc_aligns_to_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *block = valloc(opaque_size(sizes[i]));
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % page, 0);
        pattern_fill(block, sizes[i], 1);
        free(block);
    }
}

static void pvalloc_gives_whole_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        size_t whole = (sizes[i] + page - 1) / page * page;
        void *block = pvalloc(opaque_size(sizes[i]));
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % page, 0);
        assert_true(malloc_usable_size(block) >= whole);
        pattern_fill(block, whole, 1);
        free(block);
    }
}

static void memalignment_is_the_lowest_bit(void **state)
{
    (void)state;
    assert_int_equal(memalignment(opaque(NULL)), 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(memalignment((void *)((uintptr_t)1 << bit)) == (size_t)1 << bit);
        if (bit < 60)
            assert_true(memalignment((void *)((uintptr_t)13 << bit)) == (size_t)1 << bit);
    }
    assert_int_equal(memalignment((void *)UINTPTR_MAX), 1);
    for (size_t alignment = 16; alignment <= MIB; alignment *= 2) {
        void *block = aligned_alloc(alignment, 1);
        assert_true(memalignment(block) >= alignment);
        free(block);
    }
}

/* Many aligned blocks of one kind at a time, freed out of order, among plain ones. */
static void many_aligned_blocks(void **state)
{
    enum { BLOCKS = 300 };
    static void *blocks[BLOCKS];
    static size_t lengths[BLOCKS];
    uint64_t random = 4;

    (void)state;
    for (size_t round = scaled(30000); round > 0; round--) {
        size_t i = (size_t)rng_below(&random, BLOCKS);
        size_t alignment = (size_t)8 << rng_below(&random, 12);
        if (blocks[i] != NULL)
            assert_true(pattern_holds(blocks[i], lengths[i], lengths[i], i));
        free(blocks[i]);
        lengths[i] = rng_size(&random, 14);
        blocks[i] =
            round % 3 == 0 ? malloc(lengths[i]) : aligners[round % ALIGNERS](alignment, lengths[i]);
        assert_non_null(blocks[i]);
        if (round % 3 != 0)
            assert_int_equal((uintptr_t)blocks[i] % alignment, 0);
        pattern_fill(blocks[i], lengths[i], i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alignment_with_every_size),
        cmocka_unit_test(one_gibibyte_alignment),
        cmocka_unit_test(huge_alignment_costs_little_memory),
        cmocka_unit_test(small_alignments_of_aligned_alloc),
        cmocka_unit_test(memalign_rounds_alignments_up),
        cmocka_unit_test(sizes_need_not_be_multiples),
        cmocka_unit_test(valloc_aligns_to_pages),
        cmocka_unit_test(pvalloc_gives_whole_pages),
        cmocka_unit_test(memalignment_is_the_lowest_bit),
        cmocka_unit_test(many_aligned_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
