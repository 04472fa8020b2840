/* SPDX-License-Identifier: MIT */
/* The table of a theap's own slabs: a place belongs to the first granule that claims it, and none of
 * those that are a multiple of the window away can change it. */
#include "test.h"

#include "heap/own_slabs.h"

enum { GRANULE = 70000, OTHER = GRANULE + OWN_PLACES, FAR = GRANULE + 5 * OWN_PLACES };

static struct own_slabs own;
static struct bin bins[2];

static const char *last_in(size_t granule)
{
    return granule_start(granule) + 1024;
}

static void assert_place(const char *last, const struct bin *bin)
{
    uint32_t place = own_place(granule_start(GRANULE) + 77);
    assert_int_equal(place, GRANULE % OWN_PLACES);
    assert_ptr_equal(own_bin(&own, place), bin);
    if (bin != &own.none)
        assert_ptr_equal(own.last[place], last);
}

static int start(void **state)
{
    (void)state;
    memset(&own, 0, sizeof own);
    return 0;
}

static void the_first_has_the_place(void **state)
{
    (void)state;
    assert_place(NULL, &own.none);
    own_slabs_claim(&own, GRANULE, last_in(GRANULE), &bins[0]);
    assert_place(last_in(GRANULE), &bins[0]);
    own_slabs_claim(&own, OTHER, last_in(OTHER), &bins[1]);
    own_slabs_note(&own, OTHER, last_in(OTHER), true);
    own_slabs_note(&own, FAR, last_in(FAR), false);
    own_slabs_lead(&own, OTHER, &bins[0], &bins[1]);
    assert_place(last_in(GRANULE), &bins[0]);
}

static void a_vacant_place_is_had_by_the_next(void **state)
{
    (void)state;
    own_slabs_claim(&own, GRANULE, last_in(GRANULE), &bins[0]);
    own_slabs_note(&own, GRANULE, granule_start(GRANULE) - 64, true);
    assert_place(NULL, &own.none);
    own_slabs_note(&own, OTHER, last_in(OTHER), false); /* no claim */
    assert_place(NULL, &own.none);
    own_slabs_claim(&own, OTHER, last_in(OTHER), &bins[1]);
    assert_place(last_in(OTHER), &bins[1]);
}

static void a_place_can_be_taken(void **state)
{
    (void)state;
    own_slabs_claim(&own, OTHER, last_in(OTHER), &bins[1]);
    own_slabs_take(&own, GRANULE, last_in(GRANULE), &bins[0]);
    assert_place(last_in(GRANULE), &bins[0]);
    own_slabs_note(&own, OTHER, granule_start(OTHER) - 64, true); /* whose slab goes */
    assert_place(last_in(GRANULE), &bins[0]);
}

static void a_place_leads_elsewhere_and_back(void **state)
{
    (void)state;
    own_slabs_claim(&own, GRANULE, last_in(GRANULE), &bins[0]);
    own_slabs_lead(&own, GRANULE, &bins[0], &bins[1]);
    assert_place(last_in(GRANULE), &bins[1]);
    own_slabs_claim(&own, GRANULE, last_in(GRANULE) + 64, &bins[0]); /* more has been cut */
    assert_place(last_in(GRANULE) + 64, &bins[1]);
    own_slabs_lead(&own, GRANULE, &bins[0], &bins[1]);
    assert_place(last_in(GRANULE) + 64, &bins[1]);
    own_slabs_lead(&own, GRANULE, &bins[1], &bins[0]);
    assert_place(last_in(GRANULE) + 64, &bins[0]);
}

/* A place that is vacated while its slab is about to be closed has no start, wherever it leads. */
static void a_vacated_place_has_no_start(void **state)
{
    (void)state;
    bins[0] = (struct bin){ .magic = size_class_magic(3), .units = 4, .room = 7 * ROOM };
    own_slabs_claim(&own, GRANULE, last_in(GRANULE), &bins[0]);
    assert_ptr_equal(own_bin_of(&own, granule_start(GRANULE) + 64), &bins[0]);
    assert_null(own_bin_of(&own, granule_start(GRANULE) + 65));
    assert_null(own_bin_of(&own, granule_start(GRANULE) + 1088));
    assert_null(own_bin_of(&own, granule_start(OTHER) + 64));
    own_slabs_note(&own, GRANULE, granule_start(GRANULE) - 64, true);
    own.bin[GRANULE % OWN_PLACES] = (size_t)((uintptr_t)&bins[0] - (uintptr_t)&own);
    for (size_t i = 0; i < 2048; i++)
        assert_null(own_bin_of(&own, granule_start(GRANULE) + i));
}

#define OWN_TEST(test) cmocka_unit_test_setup(test, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_TEST(the_first_has_the_place),      OWN_TEST(a_vacant_place_is_had_by_the_next),
        OWN_TEST(a_place_can_be_taken),         OWN_TEST(a_place_leads_elsewhere_and_back),
        OWN_TEST(a_vacated_place_has_no_start),
    };
    return cmocka_run_group_tests_name("own slabs", tests, NULL, NULL);
}
