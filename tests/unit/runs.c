/* SPDX-License-Identifier: MIT */
/* Free runs against a plain array that says of each granule which set it is in. The descriptors are
 * those of addresses that nobody uses, so the process heap is out of it. */
#include "test.h"

#include "region/runs.h"

enum { GRANULES = 3000, SETS = 3, IN_USE = -1 };

static uint32_t base; /* number of granule 0 of the model, which is never free */
static int model[GRANULES];
static struct run_set sets[SETS];

static int start(void **state)
{
    (void)state;
    base = (uint32_t)(GRANULES_MAX / 2 + LEAF_GRANULES - GRANULES / 2); /* in two leaves */
    assert_true(page_map_cover(base, GRANULES + 1));
    for (uint32_t i = 0; i <= GRANULES; i++)
        memset(span_at(base + i), 0, sizeof(struct span));
    for (int i = 0; i < GRANULES; i++)
        model[i] = IN_USE;
    /* two kinds of one arena, and another arena's */
    sets[0] = (struct run_set){ .kind = SPAN_CLEAN, .arena = 3 };
    sets[1] = (struct run_set){ .kind = SPAN_DIRTY, .arena = 3 };
    sets[2] = (struct run_set){ .kind = SPAN_DIRTY, .arena = 4 };
    return 0;
}

static void fill(uint32_t at, size_t granules, int set)
{
    for (size_t i = at; i < at + granules; i++)
        model[i] = set;
}

static void insert(uint32_t at, size_t granules, int set)
{
    for (size_t i = at; i < at + granules; i++)
        assert_int_equal(model[i], IN_USE);
    fill(at, granules, set);
    runs_insert(&sets[set], base + at, granules);
}

/* The place in the model of a run that was taken; 0: none. */
static uint32_t take(int set, size_t granules, size_t align)
{
    uint32_t index = runs_take(&sets[set], granules, align);
    return index == 0 ? 0 : index - base;
}

static struct span *run_at(uint32_t at)
{
    return span_at(base + at);
}

static size_t length_at(uint32_t at)
{
    size_t length = 0;
    while (at + length < GRANULES && model[at + length] == model[at])
        length++;
    return length;
}

static size_t linked(const struct run_set *set)
{
    size_t runs = 0;
    for (unsigned i = 0; i < EXACT_RUNS; i++) {
        assert_int_equal(set->in_use >> i & 1, set->exact[i] != 0);
        for (uint32_t run = set->exact[i]; run != 0; run = span_at(run)->next, runs++)
            assert_int_equal(span_at(run)->granules, i + 1);
    }
    return runs;
}

/* The subtree's runs, whose lengths and addresses rise from left to right. */
static size_t grown(uint32_t tree, uint32_t *last)
{
    if (tree == 0)
        return 0;
    size_t runs = grown(span_at(tree)->prev, last);
    assert_true(span_at(tree)->granules > EXACT_RUNS);
    if (*last != 0)
        assert_true(span_at(*last)->granules < span_at(tree)->granules ||
                    (span_at(*last)->granules == span_at(tree)->granules && *last < tree));
    *last = tree;
    return runs + 1 + grown(span_at(tree)->next, last);
}

/* Every maximal stretch of one set in the model is one run, and is in its set. */
static void check(void)
{
    size_t runs[SETS] = { 0 };
    for (uint32_t i = 1; i < GRANULES; i += (uint32_t)length_at(i)) {
        if (model[i] == IN_USE) {
            assert_int_equal(span_kind(run_at(i)), SPAN_NONE);
            continue;
        }
        runs[model[i]]++;
        assert_int_equal(span_kind(run_at(i)), sets[model[i]].kind);
        assert_int_equal(span_arena(run_at(i)), sets[model[i]].arena);
        assert_int_equal(run_at(i)->granules, length_at(i));
        assert_int_equal(run_at(i + (uint32_t)length_at(i) - 1)->head, base + i);
    }
    for (int set = 0; set < SETS; set++) {
        uint32_t last = 0;
        assert_int_equal(linked(&sets[set]) + grown(sets[set].tree, &last), runs[set]);
    }
}

static bool is_aligned(uint32_t at, size_t align)
{
    return (base + at) % align == 0;
}

/* Whether a stretch of the model has that many aligned granules. */
static bool could_take(int set, size_t granules, size_t align)
{
    size_t length = 0;
    for (uint32_t i = 1; i < GRANULES; i++) {
        if (model[i] != set)
            length = 0;
        else if (length != 0 || is_aligned(i, align))
            length++;
        if (length >= granules)
            return true;
    }
    return false;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void empty_sets_give_nothing(void **state)
{
    (void)state;
    for (int set = 0; set < SETS; set++) {
        assert_int_equal(take(set, 1, 1), 0);
        assert_int_equal(runs_take_thoroughly(&sets[set], 1, 2), 0);
        assert_int_equal(runs_longest(&sets[set]), 0);
        assert_false(runs_take_at(&sets[set], base + 1, 1));
        assert_false(runs_take_at(&sets[set], base + GRANULES, 1));
        assert_false(runs_take_at(&sets[set], 1, 1)); /* no descriptor there */
    }
    check();
}

static void neighbours_of_one_set_join(void **state)
{
    (void)state;
    insert(10, 5, 0);
    insert(20, 5, 0);
    insert(15, 5, 0); /* closes the gap */
    check();
    assert_int_equal(run_at(10)->granules, 15);
    insert(25, 5, 1); /* another kind, and another arena: both stay apart */
    insert(5, 5, 2);
    insert(30, 5, 2);
    check();
    assert_int_equal(run_at(10)->granules, 15);
    assert_int_equal(run_at(25)->granules, 5);
}

static void runs_may_cross_leaves(void **state)
{
    (void)state;
    insert(1, 1, 0);
    insert(GRANULES - 1, 1, 0);
    insert(2, GRANULES - 3, 0);
    check();
    assert_int_equal(run_at(1)->granules, GRANULES - 1);
    assert_int_equal(take(0, GRANULES - 1, 1), 1);
    fill(1, GRANULES - 1, IN_USE);
    check();
}

/* A last granule's `head` may be left over from a use long ago. */
static void stale_descriptors_join_nothing(void **state)
{
    (void)state;
    insert(100, 10, 0);
    assert_int_equal(take(0, 10, 1), 100);
    fill(100, 10, IN_USE);
    insert(100, 4, 0); /* granule 109 still says: head 100 */
    insert(110, 5, 0);
    check();
    assert_int_equal(run_at(100)->granules, 4);
    assert_int_equal(run_at(110)->granules, 5);
}

static void the_shortest_run_that_fits_is_taken(void **state)
{
    (void)state;
    const size_t lengths[] = { 30, 9, 12, 200, 10, 70, 500, 71, 33, 70 };
    uint32_t at = 10, ten = 0, seventy = 0;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        insert(at, lengths[i], 1);
        ten = lengths[i] == 10 ? at : ten;
        seventy = lengths[i] == 70 && seventy == 0 ? at : seventy;
        at += (uint32_t)lengths[i] + 1;
    }
    assert_int_equal(take(1, 10, 1), ten);
    assert_int_equal(take(1, 66, 1), seventy); /* the lower of two */
    assert_int_equal(take(1, 501, 1), 0);
    assert_int_equal(span_at(runs_longest(&sets[1]))->granules, 500);
}

static void taking_at_a_place_wants_its_head(void **state)
{
    (void)state;
    insert(50, 10, 1);
    assert_false(runs_take_at(&sets[1], base + 51, 1));
    assert_false(runs_take_at(&sets[1], base + 49, 1));
    assert_false(runs_take_at(&sets[1], base + 50, 11));
    assert_false(runs_take_at(&sets[0], base + 50, 4));
    assert_false(runs_take_at(&sets[2], base + 50, 4));
    check();
    assert_true(runs_take_at(&sets[1], base + 50, 4));
    fill(50, 4, IN_USE);
    check();
    assert_true(runs_take_at(&sets[1], base + 54, 6));
    fill(54, 6, IN_USE);
    check();
}

static void alignment_is_of_addresses(void **state)
{
    for (size_t align = 1; align <= 256; align *= 2) {
        insert(1, 2 * 256 + 20, 0);
        uint32_t at = take(0, 3, align);
        assert_true(at != 0 && is_aligned(at, align));
        fill(at, 3, IN_USE);
        check();
        insert(at, 3, 0);
        check();
        assert_int_equal(run_at(1)->granules, 2 * 256 + 20);
        start(state);
    }
}

/* A run that is just long enough, and happens to be aligned, among many that are not. */
static void an_aligned_run_is_found_in_the_end(void **state)
{
    for (size_t granules = 8; granules <= 92; granules += 28) { /* in lists, and in the tree */
        uint32_t step = (uint32_t)granules * 2 + 1, fit = 0;
        for (uint32_t at = 1; at + step < GRANULES; at += step) {
            bool aligned = is_aligned(at, 16);
            if (aligned && fit != 0)
                continue;
            fit = aligned ? at : fit;
            insert(at, granules, 0);
        }
        assert_int_not_equal(fit, 0);
        uint32_t index = runs_take_thoroughly(&sets[0], granules, 16);
        assert_int_equal(index, base + fit);
        fill(fit, granules, IN_USE);
        check();
        start(state);
    }
}

static void take_random(struct random *random)
{
    int set = (int)random_below(random, SETS);
    size_t granules = 1 + random_below(random, random_below(random, 4) == 0 ? 300 : 20);
    size_t align = random_below(random, 3) == 0 ? (size_t)1 << random_below(random, 6) : 1;
    uint32_t at = take(set, granules, align);
    if (at == 0 && align > 1) {
        uint32_t index = runs_take_thoroughly(&sets[set], granules, align);
        at = index == 0 ? 0 : index - base;
    }
    if (at == 0) {
        assert_false(could_take(set, granules, align));
        return;
    }
    assert_true(is_aligned(at, align));
    for (size_t i = at; i < at + granules; i++)
        assert_int_equal(model[i], set);
    fill(at, granules, IN_USE);
}

static void insert_random(struct random *random)
{
    uint32_t at = 1 + (uint32_t)random_below(random, GRANULES - 1);
    size_t max = 1 + random_below(random, 60), granules = 0;
    while (granules < max && at + granules < GRANULES && model[at + granules] == IN_USE)
        granules++;
    if (granules != 0)
        insert(at, granules, (int)random_below(random, SETS));
}

static void take_at_random(struct random *random)
{
    uint32_t at = 1 + (uint32_t)random_below(random, GRANULES - 1);
    size_t granules = 1 + random_below(random, 10);
    int set = (int)random_below(random, SETS);
    bool is_head = model[at] == set && model[at - 1] != set;
    bool taken = runs_take_at(&sets[set], base + at, granules);
    assert_int_equal(taken, is_head && length_at(at) >= granules);
    if (taken)
        fill(at, granules, IN_USE);
}

static void remove_longest(struct random *random)
{
    struct run_set *set = &sets[random_below(random, SETS)];
    uint32_t longest = runs_longest(set), at = longest - base;
    if (longest == 0) {
        assert_false(could_take((int)(set - sets), 1, 1));
        return;
    }
    size_t granules = span_at(longest)->granules;
    assert_int_equal(granules, length_at(at));
    for (uint32_t i = 1; i < GRANULES; i++)
        assert_true(model[i] != (int)(set - sets) || length_at(i) <= granules);
    runs_remove(set, longest);
    fill(at, granules, IN_USE);
}

static void many_operations_agree_with_the_model(void **state)
{
    (void)state;
    struct random random = { 20251 };
    for (int i = 0; i < 20000; i++) {
        size_t what = random_below(&random, 100);
        if (what < 50)
            insert_random(&random);
        else if (what < 85)
            take_random(&random);
        else if (what < 98)
            take_at_random(&random);
        else
            remove_longest(&random);
        if (i % 50 == 0)
            check();
    }
    check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(empty_sets_give_nothing, start),
        cmocka_unit_test_setup(neighbours_of_one_set_join, start),
        cmocka_unit_test_setup(runs_may_cross_leaves, start),
        cmocka_unit_test_setup(stale_descriptors_join_nothing, start),
        cmocka_unit_test_setup(the_shortest_run_that_fits_is_taken, start),
        cmocka_unit_test_setup(taking_at_a_place_wants_its_head, start),
        cmocka_unit_test_setup(alignment_is_of_addresses, start),
        cmocka_unit_test_setup(an_aligned_run_is_found_in_the_end, start),
        cmocka_unit_test_setup(many_operations_agree_with_the_model, start),
    };
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
