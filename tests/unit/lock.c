/* SPDX-License-Identifier: MIT */
/* The lock: one holder at a time, who is known, under contention and with waiters asleep. */
#include "test.h"

#include "os/lock.h"
#include "os/thread.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct os_lock lock;
static size_t guarded; /* not atomic: only the lock keeps it whole */
static _Atomic size_t strangers;

static void a_free_lock_is_nobodys(void **state)
{
    (void)state;
    struct os_lock own = { 0 };
    assert_false(os_lock_is_held(&own));
    assert_false(os_lock_is_mine(&own));
}

static void the_holder_knows(void **state)
{
    (void)state;
    struct os_lock own = { 0 };
    os_lock(&own);
    assert_true(os_lock_is_held(&own));
    assert_true(os_lock_is_mine(&own));
    assert_false(os_try_lock(&own));
    os_unlock(&own);
    assert_false(os_lock_is_held(&own));
    assert_false(os_lock_is_mine(&own));
    assert_true(os_try_lock(&own));
    assert_true(os_lock_is_mine(&own));
    os_unlock(&own);
}

static void a_reset_lock_is_free(void **state)
{
    (void)state;
    struct os_lock own = { 0 };
    os_lock(&own);
    os_lock_reset(&own);
    assert_false(os_lock_is_held(&own));
    assert_false(os_lock_is_mine(&own));
    os_lock(&own);
    os_unlock(&own);
}

static void *look(void *seen)
{
    *(bool *)seen = os_lock_is_mine(&lock) || !os_lock_is_held(&lock) || os_try_lock(&lock);
    return NULL;
}

static void others_see_that_it_is_not_theirs(void **state)
{
    (void)state;
    pthread_t thread;
    bool wrong = true;
    os_lock(&lock);
    assert_int_equal(pthread_create(&thread, NULL, look, &wrong), 0);
    pthread_join(thread, NULL);
    os_unlock(&lock);
    assert_false(wrong);
}

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 8 != 0 || !os_try_lock(&lock))
            os_lock(&lock);
        strangers += !os_lock_is_mine(&lock);
        guarded++;
        if (i % 1024 == 0)
            os_yield(); /* so that others have to wait asleep */
        os_unlock(&lock);
        strangers += os_lock_is_mine(&lock);
    }
    return NULL;
}

static void one_at_a_time(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    guarded = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(guarded, THREADS * ROUNDS);
    assert_int_equal(strangers, 0);
    assert_false(os_lock_is_held(&lock));
}

static void *wait_for_it(void *unused)
{
    (void)unused;
    os_lock(&lock);
    guarded++;
    os_unlock(&lock);
    return NULL;
}

/* Waiters that sleep are woken one after the other. */
static void sleepers_wake(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    os_lock(&lock);
    guarded = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_it, NULL), 0);
    os_sleep_ms(50);
    assert_int_equal(guarded, 0);
    os_unlock(&lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(guarded, THREADS);
    assert_false(os_lock_is_held(&lock));
}

#if !defined(_WIN32) /* where there are no signals */
static struct os_lock second;

static void *hold_other_and_wait(void *unused)
{
    (void)unused;
    os_lock(&second);
    os_lock(&lock);
    os_unlock(&lock);
    os_unlock(&second);
    return NULL;
}

/* As in a signal handler that interrupts an unlock before it wakes anybody: it wants a lock whose
 * holder sleeps beside the one that is free by now. */
static void a_sleeper_finds_a_lock_that_is_free(void **state)
{
    (void)state;
    bool taken = false;
    pthread_t thread;
    os_lock(&lock);
    assert_int_equal(pthread_create(&thread, NULL, hold_other_and_wait, NULL), 0);
    while (!(atomic_load(&lock.word) & LOCK_AWAITED))
        os_yield();
    os_sleep_ms(50); /* until it sleeps */
    atomic_store(&lock.word, 0);
    for (int tries = 0; tries < 3000 && !(taken = os_try_lock(&second)); tries++)
        os_sleep_ms(10);
    assert_true(taken);
    os_unlock(&second);
    pthread_join(thread, NULL);
}
#endif

static void *give_token(void *token)
{
    *(uintptr_t *)token = os_thread_token();
    return NULL;
}

static void tokens_differ(void **state)
{
    (void)state;
    pthread_t thread;
    uintptr_t other = 0;
    assert_int_equal(pthread_create(&thread, NULL, give_token, &other), 0);
    pthread_join(thread, NULL);
    assert_true(other != 0 && os_thread_token() != 0 && other != os_thread_token());
    assert_true(os_thread_token() == os_thread_token());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_lock_is_nobodys),
        cmocka_unit_test(the_holder_knows),
        cmocka_unit_test(a_reset_lock_is_free),
        cmocka_unit_test(others_see_that_it_is_not_theirs),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(sleepers_wake),
#if !defined(_WIN32)
        cmocka_unit_test(a_sleeper_finds_a_lock_that_is_free),
#endif
        cmocka_unit_test(tokens_differ),
    };
    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
