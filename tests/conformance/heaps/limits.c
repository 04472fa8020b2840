/* SPDX-License-Identifier: MIT */
/* limits.c: a heap's limit, and who is asked when there is no room. */
#include "support/suite.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "kinds.h"
#include "support/calls.h"
#include "support/check.h"

/* Fills the heap with blocks of a size; how many bytes it took. */
static size_t fill(HANDLE heap, size_t size)
{
    size_t bytes = 0;
    for (void *block; (block = HeapAlloc(heap, 0, size)) != NULL; bytes += size)
        memset(block, 1, size);
    return bytes;
}

static void the_limit_holds(void **state)
{
    static const size_t sizes[] = { 56, 1000, 10000, 200000 };
    (void)state;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < 4; i++) {
            HANDLE heap = kind_make(&kinds[k]);
            assert_int_equal(barrow_heap_set_limit(heap, 4 * MIB, NULL, NULL), 0);
            size_t bytes = fill(heap, sizes[i]);
            assert_in_range(bytes, 3 * MIB, 4 * MIB);
            struct barrow_heap_stats stats = stats_of(heap);
            assert_in_range(stats.committed, bytes,
                            4 * MIB + 4 * KIB); /* and the heap's own page */
            assert_int_equal(stats.limit, 4 * MIB);
            assert_int_equal(stats.refused, 1);
            assert_int_equal(barrow_heap_set_limit(heap, 6 * MIB, NULL, NULL), 0);
            assert_in_range(bytes + fill(heap, sizes[i]), 4 * MIB + MIB / 2, 6 * MIB);
            assert_int_equal(barrow_heap_set_limit(heap, 0, NULL, NULL), 0);
            for (size_t n = 0; n < 4 * MIB / sizes[i]; n++)
                assert_non_null(HeapAlloc(heap, 0, sizes[i]));
            assert_true(HeapDestroy(heap));
        }
}

static void a_limit_below_what_is_used_refuses_new_memory_only(void **state)
{
    enum { BLOCKS = 10000 };
    static void *blocks[BLOCKS];
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        for (size_t i = 0; i < BLOCKS; i++)
            assert_non_null(blocks[i] = HeapAlloc(heap, 0, 200));
        assert_int_equal(barrow_heap_set_limit(heap, 64 * KIB, NULL, NULL), 0);
        assert_null(HeapAlloc(heap, 0, 8 * MIB));
        assert_true(HeapValidate(heap, 0, NULL));
        for (size_t i = 0; i < BLOCKS; i += 2)
            assert_true(HeapFree(heap, 0, blocks[i]));
        for (size_t i = 0; i < BLOCKS; i += 2)
            assert_non_null(HeapAlloc(heap, 0, 200));
        assert_true(HeapDestroy(heap));
    }
}

static void large_blocks_grow_up_to_the_limit(void **state)
{
    (void)state;
    HANDLE heap = HeapCreate(0, 0, 0);
    assert_int_equal(barrow_heap_set_limit(heap, 4 * MIB, NULL, NULL), 0);
    char *block = HeapAlloc(heap, 0, MIB);
    strcpy(block, "kept");
    block = HeapReAlloc(heap, 0, block, 3 * MIB);
    assert_non_null(block);
    assert_null(HeapReAlloc(heap, 0, block, 5 * MIB));
    assert_string_equal(block, "kept");
    assert_int_equal(HeapSize(heap, 0, block), 3 * MIB);
    assert_true(HeapFree(heap, 0, block));
    assert_int_equal(stats_of(heap).live_blocks, 0);
    assert_non_null(HeapAlloc(heap, 0, 4 * MIB));
    assert_true(HeapDestroy(heap));
}

/* ---- who is asked -------------------------------------------------------------------------- */

struct reserve {
    HANDLE heap;
    void *block; /* to be released when there is no room */
    size_t asked, wanted;
};

static int release(void *heap, size_t wanted, void *context)
{
    struct reserve *reserve = context;
    REQUIRE(heap == reserve->heap);
    REQUIRE(barrow_scope_heap() == NULL);
    reserve->asked++;
    reserve->wanted = wanted;
    /* the heap, and malloc, may be used; what fails here fails at once */
    REQUIRE(HeapAlloc(heap, 0, 100 * MIB) == NULL);
    free(malloc(5000));
    if (reserve->block == NULL)
        return 0;
    REQUIRE(HeapFree(heap, 0, reserve->block));
    reserve->block = NULL;
    return 1;
}

static void the_program_releases_something(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct reserve reserve = { kind_make(&kinds[k]), NULL, 0, 0 };
        assert_int_equal(barrow_heap_set_limit(reserve.heap, 8 * MIB, release, &reserve), 0);
        reserve.block = HeapAlloc(reserve.heap, 0, 5 * MIB);
        assert_non_null(reserve.block);
        void *next = HeapAlloc(reserve.heap, 0, 4 * MIB);
        assert_non_null(next);
        assert_true(reserve.asked == 1 && reserve.wanted == 4 * MIB);
        assert_int_equal(stats_of(reserve.heap).refused, 1); /* the one in the call */
        assert_null(HeapAlloc(reserve.heap, 0, 6 * MIB));
        assert_int_equal(reserve.asked, 2);
        reserve.block = HeapAlloc(reserve.heap, 0, 2 * MIB);
        assert_non_null(next = HeapReAlloc(reserve.heap, 0, next, 7 * MIB));
        assert_int_equal(reserve.asked, 3);
        assert_true(HeapDestroy(reserve.heap));
    }
}

static void plain_malloc_asks_too(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        struct reserve reserve = { kind_make(&kinds[k]), NULL, 0, 0 };
        struct barrow_scope scope;
        assert_int_equal(barrow_heap_set_limit(reserve.heap, 8 * MIB, release, &reserve), 0);
        assert_int_equal(barrow_scope_enter(&scope, reserve.heap), 0);
        reserve.block = malloc(5 * MIB);
        char *next = calloc(1, 4 * MIB);
        assert_non_null(next);
        assert_ptr_equal(barrow_scope_heap(), reserve.heap);
        assert_int_equal(reserve.asked, 1);
        errno = 0;
        assert_null(realloc(next, 9 * MIB));
        assert_int_equal(errno, ENOMEM);
        errno = 0;
        assert_null(aligned_alloc(64, 6 * MIB));
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(reserve.asked, 3);
        assert_true(HeapValidate(reserve.heap, 0, next));
        assert_int_equal(barrow_scope_leave(&scope), 0);
        assert_true(HeapDestroy(reserve.heap));
    }
}

static int again_and_again(void *heap, size_t wanted, void *context)
{
    int *left = context;
    (void)heap;
    (void)wanted;
    return --*left > 0;
}

static void it_is_asked_until_it_says_no(void **state)
{
    (void)state;
    int left = 10;
    HANDLE heap = HeapCreate(0, 0, MIB);
    assert_int_equal(barrow_heap_set_limit(heap, 0, again_and_again, &left), 0);
    assert_null(HeapAlloc(heap, 0, 2 * MIB)); /* more than the maximum */
    assert_int_equal(left, 0);
    assert_int_equal(barrow_heap_set_limit(heap, 0, NULL, NULL), 0);
    assert_null(HeapAlloc(heap, 0, 2 * MIB));
    assert_int_equal(left, 0);
    assert_true(HeapDestroy(heap));
}

static int make_room(void *heap, size_t wanted, void *context)
{
    (void)wanted;
    return barrow_heap_set_limit(heap, 0, NULL, context) == 0;
}

static void the_call_may_lift_the_limit(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        HANDLE heap = kind_make(&kinds[k]);
        assert_int_equal(barrow_heap_set_limit(heap, MIB, make_room, NULL), 0);
        assert_non_null(HeapAlloc(heap, 0, 3 * MIB));
        assert_int_equal(stats_of(heap).limit, 0);
        assert_true(HeapDestroy(heap));
    }
}

/* ---- threads ------------------------------------------------------------------------------- */

enum { THREADS = 4 };

static int refuse(void *heap, size_t wanted, void *context)
{
    (void)heap;
    (void)wanted;
    __atomic_fetch_add((size_t *)context, 1, __ATOMIC_RELAXED);
    return 0;
}

static void *push(void *heap)
{
    struct barrow_heap_stats stats = { .size = sizeof stats };
    for (size_t round = 0; round < 30; round++) {
        void *first = NULL, *block;
        for (size_t i = 0; (block = HeapAlloc(heap, 0, 16 + (round * 777 + i * 13) % 9000)); i++) {
            *(void **)block = first;
            first = block;
        }
        REQUIRE(round % 10 != 0 || barrow_heap_stats_get(heap, &stats) == 0);
        for (; first != NULL; first = block) {
            block = *(void **)first;
            REQUIRE(HeapFree(heap, 0, first));
        }
    }
    return NULL;
}

static void threads_do_not_pass_it_together(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].options & HEAP_NO_SERIALIZE)
            continue;
        size_t asked = 0;
        pthread_t threads[THREADS];
        HANDLE heap = kind_make(&kinds[k]);
        assert_int_equal(barrow_heap_set_limit(heap, 6 * MIB, refuse, &asked), 0);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, push, heap), 0);
        for (int i = 0; i < 200; i++) { /* set again while it is asked */
            assert_int_equal(barrow_heap_set_limit(heap, 6 * MIB, refuse, &asked), 0);
            assert_int_equal(barrow_heap_set_name(heap, i % 2 ? "odd" : "even"), 0);
            assert_true(barrow_heaps_json(NULL, 0) > 0);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        struct barrow_heap_stats stats = stats_of(heap);
        assert_in_range(stats.committed_peak, 4 * MIB, 6 * MIB + 4 * KIB);
        assert_in_range(asked, THREADS * 30, THREADS * 30 + 10);
        assert_int_equal(stats.refused, asked);
        assert_int_equal(stats.live_blocks, 0);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_true(HeapDestroy(heap));
    }
}

static void bad_heaps_are_refused(void **state)
{
    (void)state;
    HANDLE gone = HeapCreate(0, 0, 0);
    assert_true(HeapDestroy(gone));
    void *const bad[] = { NULL, gone, &gone, (void *)-1 };
    for (size_t i = 0; i < 4; i++) {
        errno = 0;
        assert_int_equal(barrow_heap_set_limit(bad[i], 1, NULL, NULL), -1);
        assert_int_equal(errno, EINVAL);
    }
    errno = 0;
    assert_int_equal(barrow_heap_set_limit(GetProcessHeap(), MIB, NULL, NULL), -1);
    assert_int_equal(errno, ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(a_limit_below_what_is_used_refuses_new_memory_only),
        cmocka_unit_test(large_blocks_grow_up_to_the_limit),
        cmocka_unit_test(the_program_releases_something),
        cmocka_unit_test(plain_malloc_asks_too),
        cmocka_unit_test(it_is_asked_until_it_says_no),
        cmocka_unit_test(the_call_may_lift_the_limit),
        cmocka_unit_test(threads_do_not_pass_it_together),
        cmocka_unit_test(bad_heaps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
