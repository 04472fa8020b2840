/* SPDX-License-Identifier: MIT */
/* malloc_usable_size: at least what was asked, the same at each call, and all of it usable. */
#include <pthread.h>
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/suite.h"

static size_t size_after(size_t size)
{
    return size < 4200 ? size + 1 : size + size / 17;
}

static void of_null_is_zero(void **state)
{
    (void)state;
    assert_int_equal(malloc_usable_size(opaque(NULL)), 0);
}

static void covers_what_was_asked(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 64 * MIB; size = size_after(size)) {
        void *block = malloc(size);

        assert_non_null(block);
        assert_true(malloc_usable_size(block) >= size);
        free(block);
    }
}

/* Slack is memory lost: a quarter of the size and a little is what size classes may cost. */
static void is_not_far_above(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 64 * MIB; size = size_after(size)) {
        void *block = malloc(size);
        size_t usable = malloc_usable_size(block);

        assert_in_range(usable, size, size + size / 4 + (size < 16384 ? 32 : 64 * KIB));
        free(block);
    }
}

/* Neighbours are filled to the brim; each must keep its own contents and its size. */
static void all_of_it_is_ours(void **state)
{
    enum { BLOCKS = 12 };

    (void)state;
    for (size_t size = 0; size <= 2 * MIB; size = size_after(size)) {
        void *blocks[BLOCKS];
        size_t usable[BLOCKS];
        size_t count = size < 100000 ? BLOCKS : 3;

        for (size_t i = 0; i < count; i++) {
            blocks[i] = malloc(size);
            usable[i] = malloc_usable_size(blocks[i]);
            pattern_fill(blocks[i], usable[i], i);
        }
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(malloc_usable_size(blocks[i]), usable[i]);
            assert_true(pattern_holds(blocks[i], usable[i], usable[i], i));
            free(blocks[i]);
        }
    }
}

/* realloc has to move the slack too, for a program may have used it. */
static void realloc_keeps_the_slack(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 4 * MIB; size = size_after(size)) {
        void *block = malloc(size);
        size_t usable = malloc_usable_size(block);

        pattern_fill(block, usable, size);
        block = realloc(block, usable * 3);
        assert_non_null(block);
        assert_true(pattern_holds(block, usable, usable, size));
        free(block);
    }
}

static void *thread_asks(void *block)
{
    return (void *)malloc_usable_size(block);
}

static void is_the_same_in_any_thread(void **state)
{
    static const size_t sizes[] = { 0, 1, 24, 100, 5000, 60000, 1 << 20, 10 << 20 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = malloc(sizes[i]);
        pthread_t thread;
        void *seen;

        assert_int_equal(pthread_create(&thread, NULL, thread_asks, block), 0);
        pthread_join(thread, &seen);
        assert_int_equal((size_t)seen, malloc_usable_size(block));
        free(block);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_null_is_zero),         cmocka_unit_test(covers_what_was_asked),
        cmocka_unit_test(is_not_far_above),        cmocka_unit_test(all_of_it_is_ours),
        cmocka_unit_test(realloc_keeps_the_slack), cmocka_unit_test(is_the_same_in_any_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
