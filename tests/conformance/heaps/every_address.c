/* SPDX-License-Identifier: MIT */
/* Every address around a heap's blocks is given to every call that takes a block. Only the addresses of
 * live blocks are taken; all others are refused, and nothing has changed. */
#include <stdbool.h>
#include <string.h>

#include "kinds.h"
#include "support/suite.h"

enum { SIZES = 9, EACH = 4, BLOCKS = SIZES * EACH, AROUND = 4096 };

static const SIZE_T sizes[SIZES] = { 0, 14, 16, 30, 100, 1000, 3000, 20000, 200000 };
static char *blocks[BLOCKS];
static bool freed[BLOCKS];

static bool is_live(const char *address)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i] == address && !freed[i])
            return true;
    return false;
}

static void check_address(HANDLE heap, char *address)
{
    if (is_live(address)) {
        assert_true(HeapSize(heap, 0, address) != (SIZE_T)-1);
        assert_true(HeapValidate(heap, 0, address));
        return;
    }
    assert_true(HeapSize(heap, 0, address) == (SIZE_T)-1);
    assert_false(HeapValidate(heap, 0, address));
    assert_null(HeapReAlloc(heap, 0, address, 50));
    assert_null(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, address, 0));
    assert_false(HeapFree(heap, 0, address));
}

/* Blocks in use, free ones, and what has not been cut yet; small, long, and with a span of their own. */
static void only_blocks_are_taken(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        HANDLE heap = kind_make(&kinds[kind]);
        assert_non_null(heap);
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = HeapAlloc(heap, 0, sizes[i / EACH]);
            assert_non_null(blocks[i]);
            memset(blocks[i], 0x5A, sizes[i / EACH]);
        }
        for (size_t i = 0; i < BLOCKS; i++)
            freed[i] = i % EACH == 1 && HeapFree(heap, 0, blocks[i]);
        for (size_t i = 0; i < BLOCKS; i++)
            for (char *at = blocks[i] - AROUND; at <= blocks[i] + sizes[i / EACH] + AROUND; at++)
                if (at < blocks[i] + AROUND || at > blocks[i] + sizes[i / EACH] - 64 ||
                    (size_t)at % 512 == 0)
                    check_address(heap, at);
        assert_true(HeapValidate(heap, 0, NULL));
        for (size_t i = 0; i < BLOCKS; i++)
            for (SIZE_T byte = 0; !freed[i] && byte < sizes[i / EACH]; byte++)
                assert_int_equal(blocks[i][byte], 0x5A);
        assert_true(HeapDestroy(heap));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(only_blocks_are_taken) };
    return cmocka_run_group_tests_name("every_address", tests, NULL, NULL);
}
