/* SPDX-License-Identifier: MIT */
/* With BARROW_STATS, every block that is allocated counts once, and once more when it is freed,
 * also where realloc replaces one by another. */
#include "test.h"

#include <barrow/barrow.h>

static struct barrow_stats stats_now(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    assert_int_equal(barrow_stats_get(&stats), 0);
    return stats;
}

static void balance_after(size_t from, size_t to)
{
    struct barrow_stats before = stats_now();
    for (int i = 0; i < 100; i++) {
        void *block = barrow_realloc(barrow_malloc(from), to);
        assert_non_null(block);
        barrow_free(block);
    }
    struct barrow_stats after = stats_now();
    assert_true(after.allocations - before.allocations >= 100);
    assert_int_equal(after.allocations - before.allocations, after.frees - before.frees);
}

static void realloc_counts_both_blocks(void **state)
{
    (void)state;
    balance_after(100, 1000);
    balance_after(60 * 1000, 100 * 1000);
    balance_after(100 * 1000, 100);
    balance_after(100 * 1000, 10 * 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(realloc_counts_both_blocks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
