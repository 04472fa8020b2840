/* SPDX-License-Identifier: MIT */
/* heap_fixture.h: a heap of its own for each test. Included by one source of a program. */
#ifndef HEAP_FIXTURE_H
#define HEAP_FIXTURE_H

#include "heap_test.h"

static HANDLE heap; /* growable, serialized, fresh for each test */

static int set_up(void **state)
{
    (void)state;
    heap = HeapCreate(0, 0, 0);
    return heap == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    return !HeapDestroy(heap);
}

#define with_heap(test)             cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define with_heap_not_on_wine(test) not_on_wine_setup_teardown(test, set_up, tear_down)

#endif
