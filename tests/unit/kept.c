/* SPDX-License-Identifier: MIT */
/* Kept runs: against an array that says of each granule whether it is kept; by several threads at once,
 * each granule being one's at a time; and a run that was being cut when the process forked. The
 * descriptors are those of addresses that nobody uses. */
#include "test.h"

#include "region/kept.h"
#include "region/page_map.h"

#include <pthread.h>
#include <stdlib.h>

enum { GRANULES = 2000, THREADS = 4, STEPS = 20000 };

static uint32_t base; /* number of granule 0 of the model; the granule before is never kept */
static struct kept kept;

static int start(void **state)
{
    (void)state;
    base = (uint32_t)(GRANULES_MAX / 2 + LEAF_GRANULES - GRANULES / 2); /* in two leaves */
    assert_true(page_map_cover(base - 1, GRANULES + 2));
    memset(&kept, 0, sizeof kept);
    return 0;
}

/* Every run lies in the model, no two overlap, and no two neighbours are apart. Returns the granules. */
static size_t check(bool joined)
{
    static unsigned char seen[GRANULES + 1];
    size_t sum = 0;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < KEPT_RUNS; i++) {
        uint32_t first = kept_index(kept_run(&kept, i)) - base;
        size_t length = kept_length(kept_run(&kept, i));
        for (size_t at = first; at < first + length; at++) {
            assert_true(at < GRANULES);
            assert_false(seen[at]);
            seen[at] = 1;
        }
        if (length != 0 && joined)
            for (unsigned j = 0; j < KEPT_RUNS; j++)
                assert_false(kept_length(kept_run(&kept, j)) != 0 &&
                             kept_index(kept_run(&kept, j)) == base + first + length);
        sum += length;
    }
    assert_int_equal(kept_recount(&kept), sum);
    return sum;
}

static void takes_the_best_fit(void **state)
{
    (void)state;
    static const size_t lengths[] = { 9, 3, 5, 3, 20 };
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_true(kept_put(&kept, base + (uint32_t)i * 30, lengths[i]) == 0);
    assert_int_equal(kept_sum(&kept), 40);
    assert_int_equal(kept_take(&kept, 21), 0);
    assert_int_equal(kept_take(&kept, 3), base + 30); /* of two the lower one */
    assert_int_equal(kept_take(&kept, 4), base + 60);
    assert_int_equal(kept_take(&kept, 1), base + 64); /* what is left of it */
    assert_false(kept_take_at(&kept, base, 10));
    assert_true(kept_take_at(&kept, base, 4));
    assert_true(kept_take_at(&kept, base + 4, 5));
    assert_int_equal(check(true), 23);
}

static void joins_both_neighbours(void **state)
{
    (void)state;
    assert_true(kept_put(&kept, base, 4) == 0);
    assert_true(kept_put(&kept, base + 8, 4) == 0);
    assert_true(kept_put(&kept, base + 4, 4) == 0);
    assert_int_equal(check(true), 12);
    assert_int_equal(kept_take(&kept, 12), base);
    assert_int_equal(kept_sum(&kept), 0);
}

/* The run that finds no word comes back, with what it was joined to. */
static void rejects_when_full(void **state)
{
    (void)state;
    uint32_t index;
    for (uint32_t i = 0; i < KEPT_RUNS; i++)
        assert_true(kept_put(&kept, base + 2 * i, 1) == 0);
    uint64_t rejected = kept_put(&kept, base + 500, 7);
    assert_int_equal(kept_index(rejected), base + 500);
    assert_int_equal(kept_length(rejected), 7);
    assert_int_equal(check(true), KEPT_RUNS);
    assert_int_equal(kept_take_any(&kept, 0, &index), 0);
    for (uint32_t i = 0; i < KEPT_RUNS; i++)
        assert_int_equal(kept_take_any(&kept, 1, &index), 1);
    assert_int_equal(kept_take_any(&kept, SIZE_MAX, &index), 0);
}

static void agrees_with_a_model(void **state)
{
    (void)state;
    static bool is_kept[GRANULES];
    struct random random = { 3 };
    size_t sum = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t granules = 1 + random_below(&random, 20);
        uint32_t at = (uint32_t)random_below(&random, GRANULES - 20);
        bool none = true;
        for (size_t i = 0; i < granules; i++)
            none = none && !is_kept[at + i];
        bool put = random_below(&random, 2) == 0 && none;
        if (put) {
            uint64_t rejected = kept_put(&kept, base + at, granules);
            at = rejected != 0 ? kept_index(rejected) - base : at;
            granules = rejected != 0 ? kept_length(rejected) : granules;
            sum += rejected != 0 ? 0 : granules;
            put = rejected == 0;
            sum -= rejected != 0 ? granules : 0;
            for (size_t i = 0; rejected != 0 && i < granules; i++)
                sum += !is_kept[at + i]; /* the part that was kept before is no more */
        } else {
            uint32_t index = kept_take(&kept, granules);
            if (index == 0)
                continue;
            at = index - base;
            sum -= granules;
            for (size_t i = 0; i < granules; i++)
                assert_true(is_kept[at + i]);
        }
        for (size_t i = 0; i < granules; i++)
            is_kept[at + i] = put;
        assert_int_equal(kept_sum(&kept), sum);
    }
    assert_int_equal(check(true), sum);
}

/* ---- threads ----------------------------------------------------------------------------------- */

static _Atomic int users[GRANULES];

static void *take_and_put(void *seed)
{
    struct random random = { (uint32_t)(uintptr_t)seed };
    size_t lost = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t granules = 1 + random_below(&random, 12);
        uint32_t index = kept_take(&kept, granules);
        if (index == 0)
            continue;
        for (size_t i = 0; i < granules; i++)
            lost += atomic_fetch_add(&users[index - base + i], 1) != 0; /* another has it too */
        for (size_t i = 0; i < granules; i++)
            atomic_fetch_sub(&users[index - base + i], 1);
        while (kept_put(&kept, index, granules) != 0)
            lost++;
    }
    return (void *)(uintptr_t)lost;
}

static void threads_never_share_a_granule(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < 4; i++)
        assert_true(kept_put(&kept, base + 100 * i, 50) == 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *lost;
        assert_int_equal(pthread_join(threads[i], &lost), 0);
        assert_ptr_equal(lost, NULL);
    }
    assert_int_equal(check(false), 200);
}

static void a_run_that_was_being_cut_is_lost(void **state)
{
    (void)state;
    assert_true(kept_put(&kept, base, 4) == 0);
    assert_true(kept_put(&kept, base + 10, 4) == 0);
    for (unsigned i = 0; i < KEPT_RUNS; i++)
        if (kept_index(kept_run(&kept, i)) == base)
            atomic_store(&kept.runs[i], KEPT_BUSY);
    assert_int_equal(kept_take(&kept, 5), 0);
    kept_after_fork(&kept);
    assert_int_equal(kept_sum(&kept), 4);
    for (unsigned i = 0; i < KEPT_RUNS; i++)
        assert_true(kept_run(&kept, i) != KEPT_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_the_best_fit, start),
        cmocka_unit_test_setup(joins_both_neighbours, start),
        cmocka_unit_test_setup(rejects_when_full, start),
        cmocka_unit_test_setup(agrees_with_a_model, start),
        cmocka_unit_test_setup(threads_never_share_a_granule, start),
        cmocka_unit_test_setup(a_run_that_was_being_cut_is_lost, start),
    };
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
