/* SPDX-License-Identifier: MIT */
/* What only the inside of private heaps can be asked. */
#include "barrow/barrow.h"
#include "heap/heap.h"
#include "os/thread.h"
#include "private/private_heap.h"
#include "test.h"

#include <pthread.h>

/* A handler that interrupted malloc frees into the inbox: young blocks, those of a slab, long ones
 * of a slab, all are free from then on. */
static void interrupted_frees_are_frees(void **state)
{
    static const size_t sizes[] = { 0, 100, 1022, 1023, 5000, 65000 };
    (void)state;
    struct private_heap *heap = private_create(&(struct private_wish){ 0 });
    assert_non_null(heap);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        void *kept = private_alloc(heap, 1, sizes[i], 0),
             *block = private_alloc(heap, 1, sizes[i], 0);
        private_free_interrupted(heap, block);
        assert_int_equal(private_size(heap, block), PRIVATE_NO_BLOCK);
        assert_int_equal(private_size(heap, kept), sizes[i]);
        assert_false(private_free(heap, block, 0));
    }
    private_destroy(heap);
}

/* ---- the right of way in a bounded heap ----------------------------------------------------- */

enum { ENOUGH_CALLS = 2000, CALLS = 200000 };

static struct private_heap *make_bounded(void)
{
    struct private_heap *heap = private_create(&(struct private_wish){ .maximum = 1 << 20 });
    assert_non_null(heap);
    return heap;
}

/* Pairs of calls. */
static void *use(void *heap)
{
    for (int i = 0; i < ENOUGH_CALLS; i++) {
        void *block = private_alloc(heap, 1, 100, 0);
        assert_true(private_free(heap, block, 0));
    }
    return NULL;
}

static void *use_once(void *heap)
{
    assert_true(private_free(heap, private_alloc(heap, 1, 100, 0), 0));
    return NULL;
}

static void in_thread(void *(*work)(void *), void *heap)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, work, heap), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static bool is_mine(const struct private_heap *heap)
{
    return heap->right_of_way != NULL && heap->right_of_way->thread == os_thread_token();
}

/* Whoever calls often has it, until another comes; what a thread had that ended can be had again.
 */
static void one_thread_has_the_right_of_way(void **state)
{
    (void)state;
    struct private_heap *heap = make_bounded();
    if (!os_barrier_is_there())
        fail_msg("there is no membarrier here");
    assert_null(heap->right_of_way);
    for (int round = 0; round < 3; round++) {
        use(heap);
        assert_true(is_mine(heap));
        in_thread(use_once, heap);
        assert_null(heap->right_of_way);
        in_thread(use, heap);
        assert_non_null(heap->right_of_way);
        assert_false(is_mine(heap));
        use_once(heap);
        assert_null(heap->right_of_way);
    }
    private_destroy(heap);
}

static unsigned counter; /* the heap's mutex, or right of way, is not for it: HeapLock is */

static void *locks(void *heap)
{
    for (int i = 0; i < ENOUGH_CALLS; i++) {
        private_lock(heap);
        unsigned before = counter;
        void *block = private_alloc(heap, 1, 10, 0);
        counter = before + 1;
        assert_true(private_free(heap, block, 0));
        assert_true(private_unlock(heap));
    }
    return NULL;
}

/* One thread calls all the while, and so has the right of way between the times that others hold it
 * off. */
static void who_locks_holds_it_off(void **state)
{
    (void)state;
    struct private_heap *heap = make_bounded();
    pthread_t threads[3];
    counter = 0;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, locks, heap), 0);
    for (int i = 0; i < CALLS; i++) {
        void *block = private_alloc(heap, 1, (size_t)i % 500, 0);
        assert_int_equal(private_size(heap, block), i % 500);
        assert_true(private_free(heap, block, 0));
    }
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(counter, COUNT(threads) * ENOUGH_CALLS);
    private_destroy(heap);
}

/* A later heap in the slot has the same handle; what a thread has at hand is not for it. */
static void a_new_heap_owes_nobody_the_way(void **state)
{
    (void)state;
    struct private_heap *heap = make_bounded();
    use(heap);
    assert_true(is_mine(heap));
    private_destroy(heap);
    struct private_heap *next = make_bounded();
    for (int i = 0; i < 100 && next != heap; i++) {
        private_destroy(next);
        next = make_bounded();
    }
    assert_ptr_equal(next, heap);
    in_thread(use, next);
    assert_non_null(next->right_of_way);
    use_once(next);
    assert_null(next->right_of_way);
    private_destroy(next);
}

/* What malloc took from a heap in scope is told from its own blocks. */
static void blocks_of_scopes_stay_where_they_are(void **state)
{
    (void)state;
    struct private_heap *heap = private_create(&(struct private_wish){ 0 });
    struct barrow_scope scope;
    barrow_scope_enter(&scope, heap);
    void *block = heap_alloc(100);
    barrow_scope_leave(&scope);
    assert_true(private_has(heap, block));
    assert_false(heap_resize_in_place(block, 90, "test"));
    assert_int_equal(heap_usable_size(block, "test"), 100);
    heap_free(block, "test");
    private_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_frees_are_frees),
        cmocka_unit_test(one_thread_has_the_right_of_way),
        cmocka_unit_test(who_locks_holds_it_off),
        cmocka_unit_test(a_new_heap_owes_nobody_the_way),
        cmocka_unit_test(blocks_of_scopes_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
