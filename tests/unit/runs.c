/* SPDX-License-Identifier: MIT */
/* Free runs against a plain array that says of each granule what it is. runs.c is compiled once
 * more here, over descriptors of our own, so that the process heap is out of it. */
#include "test.h"

#include <stdatomic.h>

#define region_map    own_map
#define runs_insert   own_insert
#define runs_take     own_take
#define runs_take_at  own_take_at
#define runs_take_any own_take_any
#define runs_forget   own_forget

#include "region/runs.c"

enum { GRANULES = 3000 };

struct region_map own_map;
static struct span descriptors[GRANULES];
static enum span_kind model[GRANULES]; /* SPAN_NONE: in use */

static int start(void **state)
{
    (void)state;
    runs_forget();
    memset(descriptors, 0, sizeof descriptors);
    memset(model, 0, sizeof model);
    own_map.spans = descriptors;
    /* aligned to five granules' worth of nothing in particular */
    own_map.base = (uintptr_t)0x7f0000050000;
    own_map.limit = GRANULES;
    own_map.frontier = GRANULES;
    return 0;
}

static void fill(uint32_t index, size_t granules, enum span_kind kind)
{
    for (size_t i = index; i < index + granules; i++)
        model[i] = kind;
}

static bool is_dirty(enum span_kind kind)
{
    return kind == SPAN_YOUNG || kind == SPAN_OLD;
}

/* How many granules from `at` on, in steps of +1 or -1, are of the kind that the first one is of.
 */
static size_t stretch(int64_t at, int step)
{
    size_t length = 0;
    for (int64_t i = at; i > 0 && i < GRANULES && model[i] == model[at]; i += step)
        length++;
    return length;
}

/* Young and old stretches that touch become one, of the kind that most of it was of. */
static void join_dirty(uint32_t index, size_t granules)
{
    uint32_t end = index + (uint32_t)granules;
    size_t before = index > 1 && is_dirty(model[index - 1]) ? stretch(index - 1, -1) : 0;
    size_t after = end < GRANULES && is_dirty(model[end]) ? stretch(end, 1) : 0;
    size_t ages[2] = { 0 };
    enum span_kind last = model[index];

    for (size_t i = index - before; i < end + after; i++)
        ages[model[i] == SPAN_OLD]++;
    enum span_kind most = ages[1] > ages[0] ? SPAN_OLD : SPAN_YOUNG;
    fill(index - (uint32_t)before, before + granules + after, ages[0] == ages[1] ? last : most);
}

static void insert(uint32_t index, size_t granules, enum span_kind kind)
{
    for (size_t i = index; i < index + granules; i++)
        assert_int_equal(model[i], SPAN_NONE);
    fill(index, granules, kind);
    if (is_dirty(kind))
        join_dirty(index, granules);
    runs_insert(index, granules, kind);
}

/* Every maximal stretch of one kind in the model is one run, and is linked in its bin. */
static size_t linked_runs(enum span_kind kind)
{
    size_t runs = 0;
    for (unsigned bin = 0; bin < BINS; bin++) {
        uint32_t before = 0, list = sets[set_of(kind)].bins[bin];
        bool in_use = sets[set_of(kind)].in_use[bin / 64] >> (bin % 64) & 1;
        assert_int_equal(in_use, list != 0);
        for (; list != 0; before = list, list = span_at(list)->next, runs++) {
            assert_int_equal(span_at(list)->prev, before);
            assert_int_equal(span_kind(span_at(list)), kind);
            assert_int_equal(bin_of(span_at(list)->granules), bin);
        }
    }
    return runs;
}

static void check(void)
{
    size_t runs[KINDS] = { 0 };
    for (uint32_t i = 1; i < GRANULES;) {
        enum span_kind kind = model[i];
        uint32_t end = i + 1;
        while (end < GRANULES && model[end] == kind)
            end++;
        if (kind == SPAN_NONE) {
            for (; i < end; i++)
                assert_int_equal(span_kind(span_at(i)), SPAN_NONE);
            continue;
        }
        runs[set_of(kind)]++;
        assert_int_equal(span_kind(span_at(i)), kind);
        assert_int_equal(span_at(i)->granules, end - i);
        assert_int_equal(span_at(end - 1)->head, i);
        for (i++; i < end; i++)
            assert_int_equal(span_kind(span_at(i)), SPAN_NONE);
    }
    for (int set = 0; set < KINDS; set++)
        assert_int_equal(linked_runs((enum span_kind)(set + SPAN_UNMAPPED)), runs[set]);
}

static bool is_aligned(uint32_t index, size_t align)
{
    return ((own_map.base >> GRANULE_SHIFT) + index) % align == 0;
}

/* Whether a stretch of the model holds that many aligned granules. */
static bool could_take(enum span_kind kind, size_t granules, size_t align)
{
    size_t length = 0;
    for (uint32_t i = 1; i < GRANULES; i++) {
        if (model[i] != kind)
            length = 0;
        else if (length != 0 || is_aligned(i, align))
            length++;
        if (length >= granules)
            return true;
    }
    return false;
}

static void empty_runs_give_nothing(void **state)
{
    (void)state;
    size_t granules;
    for (enum span_kind kind = SPAN_UNMAPPED; kind <= SPAN_OLD; kind++) {
        assert_int_equal(runs_take(kind, 1, 1), 0);
        assert_int_equal(runs_take_any(kind, &granules), 0);
    }
    assert_int_equal(runs_take_at(1, 1), SPAN_NONE);
    assert_int_equal(runs_take_at(GRANULES, 1), SPAN_NONE);
    check();
}

static void neighbours_of_one_kind_join(void **state)
{
    (void)state;
    insert(10, 5, SPAN_CLEAN);
    insert(20, 5, SPAN_CLEAN);
    insert(15, 5, SPAN_CLEAN); /* closes the gap */
    check();
    assert_int_equal(span_at(10)->granules, 15);
    insert(25, 5, SPAN_YOUNG); /* another kind: stays apart */
    insert(5, 5, SPAN_OLD);
    check();
    assert_int_equal(span_at(10)->granules, 15);
}

/* Or what is freed now and what was freed a while ago would both be too short for what they could
 * hold together. */
static void young_and_old_join_and_most_of_it_tells_the_age(void **state)
{
    (void)state;
    insert(10, 5, SPAN_YOUNG);
    insert(20, 7, SPAN_OLD);
    insert(15, 5, SPAN_YOUNG);
    check();
    assert_int_equal(span_kind(span_at(10)), SPAN_YOUNG); /* ten in all, when they met */
    insert(27, 40, SPAN_OLD);
    check();
    assert_int_equal(span_kind(span_at(10)), SPAN_OLD);
    assert_int_equal(span_at(10)->granules, 57);
    insert(67, 57, SPAN_YOUNG);
    assert_int_equal(span_kind(span_at(10)), SPAN_YOUNG); /* as long: the last comer's */
    check();
}

static void the_ends_of_the_window_hold(void **state)
{
    (void)state;
    insert(1, 1, SPAN_CLEAN);
    insert(GRANULES - 1, 1, SPAN_CLEAN);
    insert(2, GRANULES - 3, SPAN_CLEAN);
    check();
    assert_int_equal(span_at(1)->granules, GRANULES - 1);
    assert_int_equal(runs_take(SPAN_CLEAN, GRANULES - 1, 1), 1);
    fill(1, GRANULES - 1, SPAN_NONE);
    check();
}

/* A last granule's `head` may be left over from a use long ago. */
static void stale_descriptors_join_nothing(void **state)
{
    (void)state;
    insert(100, 10, SPAN_CLEAN);
    assert_int_equal(runs_take(SPAN_CLEAN, 10, 1), 100);
    fill(100, 10, SPAN_NONE);
    insert(100, 4, SPAN_CLEAN); /* granule 109 still says: head 100 */
    insert(110, 5, SPAN_CLEAN);
    check();
    assert_int_equal(span_at(100)->granules, 4);
    assert_int_equal(span_at(110)->granules, 5);
}

static void the_closest_fit_is_taken(void **state)
{
    (void)state;
    const size_t lengths[] = { 30, 9, 12, 200, 10, 64, 500 };
    uint32_t at = 10, ten = 0, fortieth = 0;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        insert(at, lengths[i], SPAN_YOUNG);
        ten = lengths[i] == 10 ? at : ten;
        fortieth = lengths[i] == 64 ? at : fortieth;
        at += (uint32_t)lengths[i] + 1;
    }
    assert_int_equal(runs_take(SPAN_YOUNG, 10, 1), ten);
    assert_int_equal(runs_take(SPAN_YOUNG, 40, 1), fortieth);
    assert_int_equal(runs_take(SPAN_YOUNG, 501, 1), 0);
}

static void taking_at_a_place_wants_its_head(void **state)
{
    (void)state;
    insert(50, 10, SPAN_OLD);
    assert_int_equal(runs_take_at(51, 1), SPAN_NONE);
    assert_int_equal(runs_take_at(49, 1), SPAN_NONE);
    assert_int_equal(runs_take_at(50, 11), SPAN_NONE);
    check();
    assert_int_equal(runs_take_at(50, 4), SPAN_OLD);
    fill(50, 4, SPAN_NONE);
    check();
    assert_int_equal(runs_take_at(54, 6), SPAN_OLD);
    fill(54, 6, SPAN_NONE);
    check();
}

static void alignment_is_of_addresses(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 256; align *= 2) {
        insert(1, 2 * 256 + 20, SPAN_CLEAN);
        uint32_t index = runs_take(SPAN_CLEAN, 3, align);
        assert_true(index != 0 && is_aligned(index, align));
        fill(index, 3, SPAN_NONE);
        check();
        insert(index, 3, SPAN_CLEAN);
        check();
        assert_int_equal(span_at(1)->granules, 2 * 256 + 20);
        start(NULL);
    }
}

static void bins_cover_every_length(void **state)
{
    (void)state;
    unsigned last = 0;
    for (size_t granules = 1; granules < (size_t)1 << 17; granules++) {
        assert_true(bin_of(granules) == last || bin_of(granules) == last + 1);
        last = bin_of(granules);
    }
    assert_true(bin_of(((size_t)1 << 32) - 1) < BINS);
}

static void take_random(struct random *random)
{
    enum span_kind kind = (enum span_kind)(SPAN_UNMAPPED + random_below(random, KINDS));
    size_t granules = 1 + random_below(random, random_below(random, 4) == 0 ? 300 : 20);
    size_t align = random_below(random, 3) == 0 ? (size_t)1 << random_below(random, 6) : 1;
    uint32_t index = runs_take(kind, granules, align);
    if (index == 0) {
        /* it looks at a few runs of each length only, so it may miss aligned ones; never others */
        assert_true(align > 1 || bin_of(granules) >= EXACT_BINS ||
                    !could_take(kind, granules, align));
        return;
    }
    assert_true(is_aligned(index, align));
    for (size_t i = index; i < index + granules; i++)
        assert_int_equal(model[i], kind);
    fill(index, granules, SPAN_NONE);
}

static void insert_random(struct random *random)
{
    uint32_t index = 1 + (uint32_t)random_below(random, GRANULES - 1);
    size_t most = 1 + random_below(random, 40), granules = 0;
    while (granules < most && index + granules < GRANULES && model[index + granules] == SPAN_NONE)
        granules++;
    if (granules != 0)
        insert(index, granules, (enum span_kind)(SPAN_UNMAPPED + random_below(random, KINDS)));
}

static void take_at_random(struct random *random)
{
    uint32_t index = 1 + (uint32_t)random_below(random, GRANULES - 1);
    size_t granules = 1 + random_below(random, 10), length = 0;
    enum span_kind kind = model[index];
    if (kind != SPAN_NONE && kind != SPAN_UNMAPPED && model[index - 1] != kind)
        while (index + length < GRANULES && model[index + length] == kind)
            length++;
    enum span_kind taken = runs_take_at(index, granules);
    assert_int_equal(taken, length >= granules ? kind : SPAN_NONE);
    if (taken != SPAN_NONE)
        fill(index, granules, SPAN_NONE);
}

static void take_any_random(struct random *random)
{
    enum span_kind kind = (enum span_kind)(SPAN_UNMAPPED + random_below(random, KINDS));
    size_t granules;
    uint32_t index = runs_take_any(kind, &granules);
    if (index == 0) {
        assert_false(could_take(kind, 1, 1));
        return;
    }
    assert_true(model[index - 1] != kind);
    assert_true(index + granules == GRANULES || model[index + granules] != kind);
    for (size_t i = index; i < index + granules; i++)
        assert_int_equal(model[i], kind);
    fill(index, granules, SPAN_NONE);
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
        else if (what < 97)
            take_at_random(&random);
        else
            take_any_random(&random);
        if (i % 50 == 0)
            check();
    }
    check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(empty_runs_give_nothing, start),
        cmocka_unit_test_setup(neighbours_of_one_kind_join, start),
        cmocka_unit_test_setup(young_and_old_join_and_most_of_it_tells_the_age, start),
        cmocka_unit_test_setup(the_ends_of_the_window_hold, start),
        cmocka_unit_test_setup(stale_descriptors_join_nothing, start),
        cmocka_unit_test_setup(the_closest_fit_is_taken, start),
        cmocka_unit_test_setup(taking_at_a_place_wants_its_head, start),
        cmocka_unit_test_setup(alignment_is_of_addresses, start),
        cmocka_unit_test(bins_cover_every_length),
        cmocka_unit_test_setup(many_operations_agree_with_the_model, start),
    };
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
