/* SPDX-License-Identifier: MIT */
/* Threads come and go: theaps are handed on with all that is in them, and what runs at a thread's
 * very end may still allocate and free. */
#include "test.h"

#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/threads.h"
#include "invariants.h"
#include "os/thread.h"
#include "region/region.h"

#include <pthread.h>

enum { AT_ONCE = 8 };

static void run(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_number_leads_to_its_theap(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    assert_non_null(theap);
    assert_ptr_equal(threads_current(), theap);
    assert_ptr_equal(threads_current_if_any(), theap);
    assert_ptr_equal(threads_theap(theap_number(theap)), theap);
    assert_null(threads_theap(0));
    assert_null(threads_theap(threads_theaps() + 1));
    assert_null(threads_theap(THEAP_NONE));
    assert_null(threads_theap(UINT32_MAX));
    assert_ptr_equal(theap_fast(), theap);
}

static void *nothing(void *seen)
{
    *(struct theap **)seen = threads_current_if_any();
    return NULL;
}

static void a_thread_that_asks_for_nothing_has_no_theap(void **state)
{
    (void)state;
    struct theap *seen = &theap_none;
    uint32_t before = threads_theaps();
    run(nothing, &seen);
    /* the C library may have asked for something in its name where malloc is ours */
    assert_true(seen == NULL || threads_theaps() <= before + 1);
}

static void *keep_one(void *block)
{
    void *freed = heap_alloc(3000);
    *(void **)block = heap_alloc(200);
    heap_free(freed, "test");
    return threads_current();
}

static void theaps_are_handed_on(void **state)
{
    (void)state;
    void *blocks[300];
    run(keep_one, &blocks[0]);
    heap_free(blocks[0], "test");
    uint32_t theaps = threads_theaps(), idle = threads_idle_theaps();
    assert_true(idle >= 1);
    for (size_t i = 0; i < COUNT(blocks); i++)
        run(keep_one, &blocks[i]);
    assert_int_equal(threads_theaps(), theaps);
    assert_int_equal(threads_idle_theaps(), idle);
    for (size_t i = 0; i < COUNT(blocks); i++) {
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, 200);
        heap_free(blocks[i], "test");
    }
    check_heap();
}

static pthread_barrier_t barrier;

static void *work(void *own)
{
    void *blocks[100];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heap_alloc((i + 1) * 50);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(blocks[i], "test");
    *(struct theap **)own = threads_current();
    return NULL;
}

static void run_at_once(struct theap **theaps)
{
    pthread_t threads[AT_ONCE];
    pthread_barrier_init(&barrier, NULL, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &theaps[i]), 0);
    for (size_t i = 0; i < AT_ONCE; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static void threads_at_once_have_theaps_of_their_own(void **state)
{
    (void)state;
    struct theap *theaps[AT_ONCE];
    run_at_once(theaps);
    for (size_t i = 0; i < AT_ONCE; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(theaps[i], theaps[j]);
    check_heap();
}

static void thousands_of_threads_do_not_grow_the_heap(void **state)
{
    (void)state;
    struct theap *theaps[AT_ONCE];
    run_at_once(theaps);
    run_at_once(theaps);
    uint32_t made = threads_theaps();
    size_t committed = region_committed();
    for (int round = 0; round < 60; round++)
        run_at_once(theaps);
    assert_int_equal(threads_theaps(), made);
    /* more of them may run at the same time than before: a medium span each */
    assert_true(region_committed() <= committed + AT_ONCE * MAP_GRANULES * GRANULE_SIZE);
    check_heap();
    purge_all();
    check_heap();
}

/* ---- the end of a thread ------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { ROUNDS = 3 }; /* in the fourth the sanitizer knows the thread no more */
#define HAS_ROUNDS
#endif
#endif
#ifndef HAS_ROUNDS
enum { ROUNDS = 4 };
#endif

static pthread_key_t key;
static _Atomic int destructions;
static _Thread_local int rounds;

/* Allocates and frees in every round of destructors that the C library grants, also after the
 * library's own. */
static void allocate_late(void *block)
{
    destructions++;
    heap_free(block, "test");
    if (++rounds == ROUNDS)
        return;
    void *more = heap_alloc(500);
    memset(more, 1, 500);
    pthread_setspecific(key, more);
}

static void *leave_a_value(void *kept)
{
    pthread_setspecific(key, heap_alloc(500));
    *(void **)kept = heap_alloc(700);
    return NULL;
}

static void destructors_may_allocate(void **state)
{
    (void)state;
    enum { THREADS = 100 };
    void *kept[THREADS];
    assert_int_equal(pthread_key_create(&key, allocate_late), 0);
    run(leave_a_value, &kept[0]);
    heap_free(kept[0], "test");
    uint32_t theaps = threads_theaps();
    destructions = 0;
    for (size_t i = 0; i < THREADS; i++)
        run(leave_a_value, &kept[i]);
    pthread_key_delete(key);
    assert_int_equal(destructions, ROUNDS * THREADS);
    assert_true(threads_theaps() <= theaps + 2);
    for (size_t i = 0; i < THREADS; i++)
        heap_free(kept[i], "test");
    check_heap();
}

/* ---- the spare theap ----------------------------------------------------------------------- */

static void the_spare_theap_is_one_at_a_time(void **state)
{
    (void)state;
    struct theap *spare = threads_lock_spare();
    assert_non_null(spare);
    assert_null(threads_lock_spare()); /* in use by this very thread */
    threads_unlock_spare();
    assert_ptr_equal(threads_lock_spare(), spare);
    threads_unlock_spare();
    assert_ptr_not_equal(spare, threads_current());
}

/* As in a signal handler that came while the thread held its theap's lock. */
static void an_interrupted_thread_uses_the_spare_theap(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    theap_flush(theap);
    os_lock(&theap->lock);
    char *block = heap_alloc(100), *large = heap_alloc(100000), *aligned;
    aligned = heap_alloc_aligned(4096, 100);
    assert_true(block != NULL && large != NULL && aligned != NULL);
    memset(block, 1, 100);
    block = heap_realloc(block, 5000, "test");
    assert_non_null(block);
    assert_int_equal(block[99], 1);
    heap_free(large, "test");
    heap_free(aligned, "test");
    purge_all();
    os_unlock(&theap->lock);
    heap_free(block, "test");
    theap_flush(theap);
    check_heap();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_leads_to_its_theap),
        cmocka_unit_test(a_thread_that_asks_for_nothing_has_no_theap),
        cmocka_unit_test(theaps_are_handed_on),
        cmocka_unit_test(threads_at_once_have_theaps_of_their_own),
        cmocka_unit_test(thousands_of_threads_do_not_grow_the_heap),
        cmocka_unit_test(destructors_may_allocate),
        cmocka_unit_test(the_spare_theap_is_one_at_a_time),
        cmocka_unit_test(an_interrupted_thread_uses_the_spare_theap),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
