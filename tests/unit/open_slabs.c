/* SPDX-License-Identifier: MIT */
/* Slabs that take their own blocks back, past a full bin. */
#include "test.h"

#include "heap/heap.h"
#include "heap/open_slab.h"
#include "heap/threads.h"
#include "invariants.h"

enum { SIZE = 64, MANY = 200 * 1024 };

static void *blocks[MANY];

static size_t open_count(unsigned size_class)
{
    const struct open_slab *newest = threads_current()->open[size_class];
    size_t count = 0;
    for (const struct open_slab *open = newest; open != NULL;
         open = open->next != newest ? open->next : NULL)
        count++;
    return count;
}

static void allocate(size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_non_null(blocks[i] = heap_alloc(SIZE));
}

/* The bin's lists are at their shortest, so they go back to their slabs again and again, while these are
 * open for the rest of their blocks. */
static void slabs_that_are_free_do_not_stay_open(void **state)
{
    (void)state;
    unsigned size_class = size_class_of(SIZE);
    theap_flush(threads_current());
    for (int wave = 0; wave < 3; wave++) {
        allocate(MANY);
        theap_flush(threads_current());
        for (size_t i = 0; i < MANY; i++)
            heap_free(blocks[i], "free");
        assert_true(open_count(size_class) <= 8);
        check_heap();
    }
}

/* What open slabs have serves again: no more is cut. */
static void open_slabs_serve(void **state)
{
    (void)state;
    enum { SOME = 20 * 1024 };
    unsigned size_class = size_class_of(SIZE);
    allocate(SOME);
    theap_flush(threads_current());
    for (size_t i = 0; i < SOME; i++)
        if (i % 2 == 0)
            heap_free(blocks[i], "free");
    assert_true(open_count(size_class) > 4);
    size_t cut = threads_current()->circulating;
    for (size_t i = 0; i < SOME; i += 2)
        blocks[i] = heap_alloc(SIZE);
    assert_int_equal(threads_current()->circulating, cut);
    check_heap();
    for (size_t i = 0; i < SOME; i++)
        heap_free(blocks[i], "free");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slabs_that_are_free_do_not_stay_open),
        cmocka_unit_test(open_slabs_serve),
    };
    return cmocka_run_group_tests_name("open slabs", tests, NULL, NULL);
}
