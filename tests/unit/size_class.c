/* SPDX-License-Identifier: MIT */
/* Size classes: every size has the least class that fits, and the arithmetic over them is right for
 * every size and offset there is. */
#include "test.h"

#include "heap/heap.h"
#include "heap/size_class.h"

static void every_size_has_the_least_class_that_fits(void **state)
{
    (void)state;
    for (size_t size = 0; size <= SMALL_MAX; size++) {
        unsigned size_class = size_class_of(size);
        assert_true(size_class < SIZE_CLASSES);
        assert_true(size_class_bytes(size_class) >= size);
        assert_true(size_class == 0 || size_class_bytes(size_class - 1) < size);
    }
    assert_int_equal(size_class_bytes(SIZE_CLASSES - 1), SMALL_MAX);
}

static void classes_rise_in_multiples_of_sixteen(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        assert_int_equal(size_class_bytes(size_class) % 16, 0);
        assert_true(size_class == 0 ||
                    size_class_bytes(size_class) > size_class_bytes(size_class - 1));
        assert_int_equal(size_class_of(size_class_bytes(size_class)), size_class);
    }
}

static void slack_is_an_eighth_at_most(void **state)
{
    (void)state;
    for (size_t size = 257; size <= SMALL_MAX; size++) {
        size_t slack = size_class_bytes(size_class_of(size)) - size;
        assert_true(slack * 8 <= size);
    }
    for (size_t size = 1; size <= 256; size++)
        assert_true(size_class_bytes(size_class_of(size)) - size < 16);
}

static void slabs_hold_enough_blocks(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        size_t size = size_class_bytes(size_class), capacity = size_class_capacity(size_class);
        size_t bytes = (size_t)size_class_granules(size_class) << GRANULE_SHIFT;
        assert_true(capacity >= 32);
        assert_true(capacity * size <= bytes && bytes - capacity * size < size);
        assert_true((bytes - capacity * size) * 16 <= bytes);
    }
}

/* A size rounded up to a power of two has a class of which all blocks are aligned to it, at most
 * twice as large. */
static void every_alignment_has_a_class(void **state)
{
    (void)state;
    for (size_t align = 16; align <= SMALL_MAX; align *= 2)
        for (size_t size = align; size <= SMALL_MAX; size += 16) {
            unsigned size_class = size_class_of(round_up(size, align));
            assert_int_equal(size_class_bytes(size_class) % align, 0);
            assert_true(size_class_bytes(size_class) <= 2 * size);
        }
}

/* The check of free() against division: for each distance in every class's longest slab, behind the
 * last block too. */
static void magic_check_agrees_with_division(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        uint64_t magic = size_class_magic(size_class);
        size_t size = size_class_bytes(size_class);
        size_t most = (size_t)size_class_granules(size_class) << GRANULE_SHIFT;
        for (size_t distance = 0; distance < most; distance++) {
            if (is_start(distance, magic) != (distance % size == 0))
                fail_msg("class %u: distance %zu", size_class, distance);
            if (is_start(-distance - 1, magic))
                fail_msg("class %u: %zu behind the last block", size_class, distance + 1);
        }
    }
}

/* A bin with room for one block takes any of a slab of one granule. */
static void the_room_for_a_block_exceeds_all_residues(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        if (size_class_granules(size_class) == 1)
            assert_true((size_class_capacity(size_class) - 1) * size_class_bytes(size_class) *
                            size_class_magic(size_class) <
                        ROOM);
}

/* What shares a place with a slab in the table of own slabs, everywhere a program's address can be, is
 * not taken for a block of it, however much room there is: about each multiple of what the table covers, both ways. */
static void addresses_elsewhere_are_no_starts(void **state)
{
    (void)state;
    const uint64_t room = (uint64_t)UINT16_MAX / 16
                          << ROOM_SHIFT; /* of the smallest blocks, a slab */
    const size_t window = (size_t)OWN_PLACES << GRANULE_SHIFT;
    struct random random = { 11 };
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        uint64_t magic = size_class_magic(size_class), size = size_class_bytes(size_class);
        for (size_t n = 1; n < ((size_t)1 << ADDRESS_BITS) / window; n += 1 + n / 64) {
            for (int i = 0; i < 50; i++) {
                /* a start, the places beside it, and any other */
                size_t far = n * window + random_below(&random, GRANULE_SIZE) * 16;
                size_t tries[] = { far / size * size, far / size * size + 1, far / size * size - 1,
                                   far };
                for (size_t k = 0; k < COUNT(tries); k++)
                    if (tries[k] * magic < room || -tries[k] * magic < room)
                        fail_msg("class %u: %zu bytes away", size_class, tries[k]);
            }
        }
    }
}

static void the_table_of_small_sizes_agrees(void **state)
{
    (void)state;
    static struct theap theap;
    theap_init(&theap, 1);
    for (size_t size = 0; size <= SMALL_MAX; size++) {
        assert_int_equal(bin_class(&theap, theap_small_bin(&theap, size)), size_class_of(size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_has_the_least_class_that_fits),
        cmocka_unit_test(classes_rise_in_multiples_of_sixteen),
        cmocka_unit_test(slack_is_an_eighth_at_most),
        cmocka_unit_test(slabs_hold_enough_blocks),
        cmocka_unit_test(every_alignment_has_a_class),
        cmocka_unit_test(magic_check_agrees_with_division),
        cmocka_unit_test(the_room_for_a_block_exceeds_all_residues),
        cmocka_unit_test(addresses_elsewhere_are_no_starts),
        cmocka_unit_test(the_table_of_small_sizes_agrees),
    };
    return cmocka_run_group_tests_name("size classes", tests, NULL, NULL);
}
