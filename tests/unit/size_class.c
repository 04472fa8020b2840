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

/* The check of free() against division: for each distance in every class's slab, with every number
 * of blocks in circulation; all distances for the few numbers that matter, else multiples of 16. */
static void magic_check_agrees_with_division(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        bool is_long = size_class_is_long(size_class);
        uint32_t magic = size_class_magic(size_class), starts = size_class_starts(size_class);
        size_t size = size_class_bytes(size_class), end = GRANULE_SIZE;
        end = is_long ? size_class_granules(size_class) * end : end;
        for (uint32_t count = 0; count <= starts; count++) {
            uint32_t reach = size_class_reach(size_class, count);
            bool all = count <= 1 || count == starts;
            for (uint32_t distance = 0; distance < end; distance += all ? 1 : 16)
                if ((is_long ? is_long_start(distance, magic, reach)
                             : is_start(distance, magic, reach)) !=
                    (distance % size == 0 && distance / size < count))
                    fail_msg("class %u, %u blocks: distance %u", size_class, count, distance);
        }
    }
}

static void the_quick_check_serves_the_common_sizes(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        if (size_class_bytes(size_class) <= 2048 || is_power_of_two(size_class_bytes(size_class)))
            assert_false(size_class_is_long(size_class));
}

static void the_table_of_small_sizes_agrees(void **state)
{
    (void)state;
    static struct theap theap;
    theap_init(&theap, 1);
    for (size_t size = 0; size <= SMALL_MAX; size++) {
        struct bin *bin = theap_bin(&theap, theap.bin_of[(size + 15) / 16]);
        assert_int_equal(bin_class(&theap, bin), size_class_of(size));
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
        cmocka_unit_test(the_quick_check_serves_the_common_sizes),
        cmocka_unit_test(the_table_of_small_sizes_agrees),
    };
    return cmocka_run_group_tests_name("size classes", tests, NULL, NULL);
}
