/* SPDX-License-Identifier: MIT */
/* many.c: more heaps, of all kinds, than the first part of the table of handles has. */
#include "support/suite.h"

#include <string.h>

#include "kinds.h"

enum { HEAPS = 1000 };

static HANDLE heaps[HEAPS];
static void *blocks[HEAPS];

/* A heap of each kind in turn, small if it is bounded. */
static void make(size_t i)
{
    const struct kind *kind = &kinds[i % KINDS];
    heaps[i] = HeapCreate(kind->options, 0, kind->maximum != 0 ? 64 * KIB : 0);
    assert_non_null(heaps[i]);
    blocks[i] = HeapAlloc(heaps[i], 0, 40 + i % 100);
    assert_non_null(blocks[i]);
    assert_int_equal(HeapSize(heaps[i], 0, blocks[i]), 40 + i % 100);
    memset(blocks[i], (int)i, 40 + i % 100);
}

static void drop(size_t i)
{
    for (size_t at = 0; at < 40 + i % 100; at++)
        assert_int_equal(((unsigned char *)blocks[i])[at], (unsigned char)i);
    assert_true(HeapFree(heaps[i], 0, blocks[i]));
    assert_true(HeapDestroy(heaps[i]));
    assert_null(HeapAlloc(heaps[i], 0, 1));
    assert_false(HeapDestroy(heaps[i]));
}

static void every_heap_of_many_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAPS; i++)
        make(i);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < HEAPS; i++) {
            void *block = HeapAlloc(heaps[i], HEAP_ZERO_MEMORY, 100);
            assert_non_null(block);
            assert_true(HeapFree(heaps[i], 0, block));
            assert_true(HeapValidate(heaps[i], 0, NULL));
        }
    for (size_t i = 0; i < HEAPS; i++)
        drop((i * 7) % HEAPS);
}

/* What is near a handle is none, nor is a place of the slot where another kind of heap could be. */
static void what_is_near_a_handle_is_none(void **state)
{
    (void)state;
    enum { FEW = 100 };
    for (size_t i = 0; i < FEW; i++)
        make(i);
    for (size_t i = 0; i < FEW; i++)
        for (intptr_t distance = -0x30000; distance <= 0x30000; distance += 0x1000) {
            char *near = (char *)heaps[i] + distance;
            size_t is_one = 0;
            for (size_t j = 0; j < FEW; j++)
                is_one += near == heaps[j];
            if (!is_one && near != (char *)GetProcessHeap())
                assert_null(HeapAlloc(near, 0, 1));
        }
    for (size_t i = 0; i < FEW; i++)
        drop(i);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_heap_of_many_works),
        cmocka_unit_test(what_is_near_a_handle_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
