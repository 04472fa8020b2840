/* SPDX-License-Identifier: MIT */
/* Where address space is limited, memory is mapped piece by piece inside a window. The limit is
 * told by a stand-in for the system, so that the test runs where a real one would stop a sanitizer.
 */
#include "test.h"

#include "invariants.h"
#include "os/vm.h"
#include "region/region.h"

enum { LIMIT = 256 << 20, SHORT = 16 /* granules that are kept mapped, see window.h */ };

static size_t mapped, mapped_most = SIZE_MAX;

size_t __wrap_os_address_space_limit(void);
enum os_mapped __real_os_map_at(void *address, size_t size);
enum os_mapped __wrap_os_map_at(void *address, size_t size);
void __real_os_release(void *address, size_t size);
void __wrap_os_release(void *address, size_t size);

size_t __wrap_os_address_space_limit(void)
{
    return LIMIT;
}

enum os_mapped __wrap_os_map_at(void *address, size_t size)
{
    if (size > mapped_most || mapped > mapped_most - size)
        return OS_REFUSED;
    enum os_mapped result = __real_os_map_at(address, size);
    if (result == OS_MAPPED)
        mapped += size;
    return result;
}

void __wrap_os_release(void *address, size_t size)
{
    __real_os_release(address, size);
    mapped -= size;
}

static struct span *try_alloc(size_t granules)
{
    bool zero;
    return region_alloc(granules, 1, 0, SPAN_LARGE, &zero);
}

static struct span *alloc(size_t granules)
{
    struct span *span = try_alloc(granules);
    assert_non_null(span);
    return span;
}

static int purge_everything(void **state)
{
    (void)state;
    mapped_most = SIZE_MAX;
    region_purge(true);
    return 0;
}

static bool is_zero(const char *bytes, size_t length)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static void the_reservation_is_small(void **state)
{
    (void)state;
    struct region_figures figures;
    region_free(alloc(1));
    region_figures(&figures);
    assert_int_equal(region_map.limit, (size_t)LIMIT / GRANULE_SIZE * 4);
    assert_true(figures.reserved < LIMIT / 2);
    check_region();
}

static void long_memory_goes_back_with_its_addresses(void **state)
{
    (void)state;
    struct span *span = alloc(500);
    memset(span_start(span), 1, span_bytes(span));
    size_t before = mapped;
    region_free(span);
    region_purge(true);
    assert_true(before - mapped >= 500 * (size_t)GRANULE_SIZE);
    check_region();
}

static void alignment_is_as_asked(void **state)
{
    (void)state;
    for (unsigned log = 0; log <= 10; log++) {
        bool zero;
        struct span *span = region_alloc(3, (size_t)1 << log, 0, SPAN_LARGE, &zero);
        assert_non_null(span);
        assert_true((uintptr_t)span_start(span) % ((size_t)GRANULE_SIZE << log) == 0);
        check_region();
        region_free(span);
    }
}

/* Long blocks come and go for ever while others stay between them: the addresses that were given
 * back are used again. */
static void addresses_are_used_again(void **state)
{
    (void)state;
    enum { ROUNDS = 200 };
    struct span *kept[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        struct span *span = alloc(600);
        *span_start(span) = 1;
        kept[i] = alloc(SHORT + 1);
        region_free(span);
        region_purge(true);
    }
    check_region();
    for (size_t i = 0; i < ROUNDS; i++)
        region_free(kept[i]);
    region_purge(true);
    check_region();
}

/* With no addresses left, memory that is free but dirty serves all the same. */
static void a_full_window_ends_in_null(void **state)
{
    (void)state;
    struct span *spans[64];
    size_t count = 0;
    mapped_most = LIMIT;
    while (count < COUNT(spans) && (spans[count] = try_alloc(300)) != NULL)
        count++;
    assert_true(count >= 5 && count < 20);
    check_region();
    assert_null(try_alloc(300));
    region_free(spans[--count]);
    spans[count++] = alloc(300);
    while (count > 0)
        region_free(spans[--count]);
    region_purge(true);
    check_region();
    region_free(alloc(1000));
}

static void spans_grow_into_free_neighbours_only(void **state)
{
    (void)state;
    bool zero;
    struct span *span = alloc(20);
    memset(span_start(span), 1, span_bytes(span));
    region_shrink(span, 4);
    assert_true(region_grow(span, 9, &zero));
    if (zero)
        assert_true(is_zero(span_start(span) + 4 * GRANULE_SIZE, 5 * GRANULE_SIZE));
    check_region();
    assert_false(region_grow(span, region_map.limit - 1, &zero));
    assert_int_equal(span->granules, 9);
    region_free(span);
}

static void many_operations_agree(void **state)
{
    (void)state;
    struct span *spans[40] = { NULL };
    struct random random = { 99 };
    for (int i = 0; i < 3000; i++) {
        struct span **span = &spans[random_below(&random, COUNT(spans))];
        bool zero;
        if (random_below(&random, 30) == 0)
            region_purge(random_below(&random, 2) == 0);
        if (*span == NULL) {
            size_t granules = 1 + random_below(&random, random_below(&random, 4) == 0 ? 90 : 20);
            *span =
                region_alloc(granules, (size_t)1 << random_below(&random, 3), 0, SPAN_LARGE, &zero);
            assert_non_null(*span);
            if (zero)
                assert_true(is_zero(span_start(*span), span_bytes(*span)));
            memset(span_start(*span), 1, 100);
        } else if (random_below(&random, 3) == 0) {
            region_grow(*span, (*span)->granules + 2, &zero);
        } else if (random_below(&random, 3) == 0 && (*span)->granules > 1) {
            region_shrink(*span, (*span)->granules - 1);
        } else {
            assert_int_equal(*span_start(*span), 1);
            region_free(*span);
            *span = NULL;
        }
        if (i % 64 == 0)
            check_region();
    }
    for (size_t i = 0; i < COUNT(spans); i++)
        if (spans[i] != NULL)
            region_free(spans[i]);
    check_region();
}

#define WINDOW_TEST(test) cmocka_unit_test_setup_teardown(test, purge_everything, purge_everything)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WINDOW_TEST(the_reservation_is_small),
        WINDOW_TEST(long_memory_goes_back_with_its_addresses),
        WINDOW_TEST(alignment_is_as_asked),
        WINDOW_TEST(addresses_are_used_again),
        WINDOW_TEST(a_full_window_ends_in_null),
        WINDOW_TEST(spans_grow_into_free_neighbours_only),
        WINDOW_TEST(many_operations_agree),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
