/* SPDX-License-Identifier: MIT */
/* heap_fill.c: heaps with a maximum: how full they get, that free neighbours are joined, and that
 * all of it can be had again. Linux only: Windows does not promise it. */
#include "heap_test.h"

static const SIZE_T maxima[] = { 64 * KIB, MIB, GIB };

static uint64_t seed;

static SIZE_T chance(SIZE_T below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

/* Sizes as evenly spread as their logarithms, from 64 bytes to a 64th of the heap. */
static SIZE_T mixed_size(SIZE_T maximum)
{
    SIZE_T power = 64;
    for (SIZE_T steps = chance((SIZE_T)__builtin_ctzll(maximum / 64 / 64)); steps > 0; steps--)
        power *= 2;
    return power + chance(power);
}

#define MOST 60000
static struct {
    unsigned char *p;
    SIZE_T size;
} block[MOST];
static size_t count;
static SIZE_T total; /* bytes asked for */

static void put(size_t i, HANDLE heap, SIZE_T size)
{
    block[i].p = HeapAlloc(heap, 0, size);
    block[i].size = block[i].p != NULL ? size : 0;
    total += block[i].size;
    if (size > 0 && block[i].p != NULL)
        block[i].p[0] = block[i].p[size - 1] = (unsigned char)i;
}

static void take_back(size_t i, HANDLE heap)
{
    if (block[i].p != NULL && block[i].size > 0) {
        assert_int_equal(block[i].p[0], (unsigned char)i);
        assert_int_equal(block[i].p[block[i].size - 1], (unsigned char)i);
    }
    assert_true(HeapFree(heap, 0, block[i].p));
    total -= block[i].size;
    block[i].p = NULL;
    block[i].size = 0;
}

/* Blocks of mixed sizes to the first failure. */
static void fill(HANDLE heap, SIZE_T maximum)
{
    count = 0;
    total = 0;
    do {
        assert_true(count < MOST);
        SetLastError(0xDEADBEEF);
        put(count, heap, mixed_size(maximum));
    } while (block[count++].p != NULL);
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
    count--;
}

static void mixed_sizes_fill_nine_tenths(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (seed = 1; seed <= 5; seed++) {
            uint64_t run = seed;
            HANDLE heap = heap_made(i % 2 ? HEAP_NO_SERIALIZE : 0, maxima[i]);
            fill(heap, maxima[i]);
            printf("%zu KiB: %zu blocks, %.2f %%\n", maxima[i] / KIB, count,
                   100.0 * (double)total / (double)maxima[i]);
            assert_true(total >= maxima[i] / 10 * 9);
            assert_true(total <= maxima[i]);
            assert_true(HeapValidate(heap, 0, NULL));
            assert_int_equal(census_of(heap).busy, count);
            assert_int_equal(census_of(heap).busy_bytes, total);
            heap_gone(heap);
            seed = run;
        }
    }
}

/* One size throughout. */
static void equal_sizes_fill_nine_tenths(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 200, 512, 1000, 1024, 4000, 4096 };
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 6; k++) {
            HANDLE heap = heap_made(0, maxima[i]);
            SIZE_T sum = 0;
            while (HeapAlloc(heap, 0, sizes[k]) != NULL)
                sum += sizes[k];
            assert_true(sum >= maxima[i] / 10 * 9 - sizes[k]);
            heap_gone(heap);
        }
    }
}

static void failure_harms_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        HANDLE heap = heap_made(0, maxima[i]);
        seed = 7;
        fill(heap, maxima[i]);
        assert_error(HeapAlloc(heap, 0, maxima[i] / 4), NULL, ERROR_NOT_ENOUGH_MEMORY);
        assert_error(HeapReAlloc(heap, 0, block[0].p, maxima[i] / 4), NULL,
                     ERROR_NOT_ENOUGH_MEMORY);
        assert_true(HeapValidate(heap, 0, NULL));
        size_t n = count;
        for (size_t k = 0; k < n; k++)
            take_back(k, heap);
        assert_int_equal(census_of(heap).busy, 0);
        heap_gone(heap);
    }
}

/* The largest block that a heap gives now; it is freed again. */
static SIZE_T largest(HANDLE heap, SIZE_T maximum)
{
    SIZE_T low = 0, high = maximum;
    while (high - low > 1) {
        SIZE_T middle = low + (high - low) / 2;
        void *p = HeapAlloc(heap, 0, middle);
        if (p != NULL)
            low = middle;
        else
            high = middle;
        assert_true(HeapFree(heap, 0, p));
    }
    return low;
}

static void largest_block_comes_back_whatever_the_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const size_t steps[] = { 1, 0, 7919, 3 };
        HANDLE heap = heap_made(0, maxima[i]);
        SIZE_T most = largest(heap, maxima[i]);
        assert_true(most >= maxima[i] / 10 * 9);
        for (size_t order = 0; order < 4; order++) {
            seed = order + 20;
            fill(heap, maxima[i]);
            size_t step = order == 1 ? count - 1 : steps[order]; /* backwards */
            for (size_t k = 0, at = 0; k < count; k++) {
                for (at = (at + step) % count; block[at].p == NULL;)
                    at = (at + 1) % count;
                take_back(at, heap);
            }
            assert_int_equal(census_of(heap).busy, 0);
            void *p = HeapAlloc(heap, 0, most);
            assert_non_null(p);
            assert_true(HeapFree(heap, 0, p));
        }
        heap_gone(heap);
    }
}

static void free_neighbours_are_joined(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, MIB);
    char *p[3], *rest = NULL;
    const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                              { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (int order = 0; order < 6; order++) {
        for (int k = 0; k < 3; k++)
            p[k] = taken(heap, 10000);
        assert_non_null(rest = HeapAlloc(heap, 0, largest(heap, MIB)));
        assert_null(HeapAlloc(heap, 0, 30000));
        for (int k = 0; k < 3; k++)
            assert_true(HeapFree(heap, 0, p[orders[order][k]]));
        char *joined = HeapAlloc(heap, 0, 30000);
        assert_ptr_equal(joined, p[0] < p[1] ? p[0] : p[2]);
        assert_true(HeapFree(heap, 0, joined));
        assert_true(HeapFree(heap, 0, rest));
    }
    heap_gone(heap);
}

static void growth_takes_the_free_neighbour(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, MIB);
    SIZE_T most = largest(heap, MIB);
    char *p = taken(heap, 1000);
    memset(p, 3, 1000);
    char *q = HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, most);
    assert_ptr_equal(q, p);
    assert_true(all_bytes(p, 3, 1000));
    assert_null(HeapAlloc(heap, 0, 1000));
    assert_ptr_equal(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, 1000), p);
    assert_non_null(HeapAlloc(heap, 0, most - 2000));
    heap_gone(heap);
}

static void churn_does_not_wear_the_heap_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        HANDLE heap = heap_made(0, maxima[i]);
        SIZE_T most = largest(heap, maxima[i]);
        seed = 99;
        fill(heap, maxima[i]);
        size_t n = count;
        for (size_t round = 0; round < 40000; round++) {
            size_t k = chance(n);
            if (block[k].p != NULL)
                take_back(k, heap);
            else if (total < maxima[i] / 10 * 7)
                put(k, heap, mixed_size(maxima[i]));
        }
        assert_true(HeapValidate(heap, 0, NULL));
        for (size_t k = 0; k < n; k++)
            take_back(k, heap);
        void *p = HeapAlloc(heap, 0, most);
        assert_non_null(p);
        heap_gone(heap);
    }
}

static void a_heap_of_64_gib_can_be_had(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 64 * GIB);
    const SIZE_T size = GIB / 4;
    char *p[60];
    for (int i = 0; i < 60; i++) {
        p[i] = taken(heap, size);
        p[i][0] = p[i][size - 1] = (char)i;
        assert_true(HeapFree(heap, 0, i % 2 ? p[i] : NULL));
    }
    for (int i = 0; i < 60; i += 2) {
        assert_int_equal(p[i][size - 1], i);
        assert_true(HeapFree(heap, 0, p[i]));
    }
    heap_gone(heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_sizes_fill_nine_tenths),
        cmocka_unit_test(equal_sizes_fill_nine_tenths),
        cmocka_unit_test(failure_harms_nothing),
        cmocka_unit_test(largest_block_comes_back_whatever_the_order),
        cmocka_unit_test(free_neighbours_are_joined),
        cmocka_unit_test(growth_takes_the_free_neighbour),
        cmocka_unit_test(churn_does_not_wear_the_heap_out),
        cmocka_unit_test(a_heap_of_64_gib_can_be_had),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
