/* SPDX-License-Identifier: MIT */
/* What one thread does without the lock that another one holds may come between any two instructions of the
 * other's: here it does, after each of them in turn. */
#include "test.h"

#include "heap/heap.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"
#include "region/runs.h"
#include "stress/single_step.h"

static size_t step, other_comes_at;

static bool is_time(void)
{
    if (step++ != other_comes_at)
        return false;
    stepping = 0;
    return true;
}

/* ---- a bin's spare list belongs to whoever exchanges it out ---------------------------------- */

enum { BLOCKS = 3000 }; /* more than any list holds */

static struct theap *theap;
static struct bin *bin;
static struct block *owners;

/* A full list becomes the spare one. */
static void fill_spare_list(void)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = heap_alloc(1));
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
    assert_non_null(bin->spare);
}

/* Only the exchange, as of theap_refill; what comes after it does not matter to who releases. */
static void owner_takes_list(void)
{
    if (is_time())
        owners = atomic_exchange(&bin->spare, NULL);
}

static void release(void)
{
    os_lock(&theap->lock);
    theap_release_spares(theap, true);
    theap_unlock(theap);
}

static void give_back(struct block *list)
{
    os_lock(&theap->lock);
    slab_give(theap, list);
    theap_unlock(theap);
}

static void a_spare_list_has_one_taker(void **state)
{
    size_t taken = 0;
    (void)state;
    theap = threads_current();
    bin = &theap->bins[size_class_of(1)];
    for (other_comes_at = 0;; other_comes_at++) {
        fill_spare_list();
        owners = NULL;
        step = 0;
        single_step(release, owner_takes_list);
        assert_true(step > other_comes_at);
        assert_null(bin->spare);
        check_heap();
        if (owners == NULL)
            break; /* from here on the release has it */
        give_back(owners);
        taken++;
    }
    print_message("             the owner was first after each of %zu instructions\n", taken);
    assert_true(taken > 2);
    check_heap();
}

/* ---- a run's neighbour becomes another arena's ----------------------------------------------- */

/* Granules of addresses that nobody uses: [FIRST, MIDDLE) becomes a run of ours, [MIDDLE, END) one of
 * another arena's, whose lock is not ours. */
enum { FIRST = 1, MIDDLE = 3, END = 7, GRANULES = 10 };

static uint32_t base;
static struct run_set ours, others;

static void start_runs(void)
{
    for (uint32_t i = 0; i < GRANULES; i++)
        memset(span_at(base + i), 0, sizeof(struct span));
    ours = (struct run_set){ .kind = SPAN_CLEAN, .arena = 3 };
    others = (struct run_set){ .kind = SPAN_CLEAN, .arena = 0 };
}

static void check_run(const struct run_set *set, uint32_t index, uint32_t granules)
{
    assert_int_equal(runs_count(set), 1);
    assert_int_equal(set->exact[granules - 1], index);
    assert_int_equal(span_at(index)->granules, granules);
    assert_true(span_is_run(span_at(index), SPAN_CLEAN, set->arena));
}

static void insert_ours_before(void)
{
    runs_insert(&ours, base + FIRST, MIDDLE - FIRST);
}

static void insert_others(void)
{
    runs_insert(&others, base + MIDDLE, END - MIDDLE);
}

/* As after a purge: the granules were ours, and become free memory of the ground. */
static void other_inserts(void)
{
    if (is_time())
        insert_others();
}

static void insert_ours_behind(void)
{
    runs_insert(&ours, base + END, 2);
}

static size_t insert_beside(void insert(void), uint32_t index)
{
    for (other_comes_at = 0;; other_comes_at++) {
        start_runs();
        insert_others(); /* once ours */
        runs_remove(&others, base + MIDDLE);
        span_set_both(span_at(base + MIDDLE), SPAN_NONE, ours.arena);
        span_set_both(span_at(base + END - 1), SPAN_NONE, ours.arena);
        step = 0;
        single_step(insert, other_inserts);
        if (step <= other_comes_at)
            break; /* it has ended before */
        check_run(&ours, index, 2);
        check_run(&others, base + MIDDLE, END - MIDDLE);
    }
    start_runs();
    return step;
}

static void a_neighbour_of_another_arena_is_not_joined(void **state)
{
    (void)state;
    size_t before = insert_beside(insert_ours_before, base + FIRST);
    size_t behind = insert_beside(insert_ours_behind, base + END);
    print_message("             the other came after each of %zu and %zu instructions\n", before,
                  behind);
    assert_true(before > 20 && behind > 20);
}

static int prepare(void **state)
{
    (void)state;
    base = (uint32_t)(GRANULES_MAX / 2);
    return page_map_cover(base, GRANULES) ? single_step_prepare() : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spare_list_has_one_taker),
        cmocka_unit_test(a_neighbour_of_another_arena_is_not_joined),
    };
    return cmocka_run_group_tests_name("interleaved", tests, prepare, NULL);
}
