/* SPDX-License-Identifier: MIT */
/* Thousands of short threads: what an ended thread held is used by the next ones, whether it freed
 * its blocks itself, left them to another, or ended in an unusual way. */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { BLOCKS = 200 };

/* 200 blocks of up to 4 KiB: about 150 KiB in a thread. */
static void blocks_make(unsigned char **blocks, uint64_t seed)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = rng_size(&seed, 12);
        blocks[i] = malloc(size);
        REQUIRE(blocks[i] != NULL);
        memset(blocks[i], (int)i, size);
    }
}

static void blocks_drop(unsigned char **blocks)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        REQUIRE(blocks[i][0] == (unsigned char)i);
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void *frees_its_own(void *number)
{
    unsigned char *blocks[BLOCKS];

    blocks_make(blocks, (uint64_t)number);
    blocks_drop(blocks);
    return NULL;
}

static void *leaves_them(void *number)
{
    unsigned char **blocks = malloc(BLOCKS * sizeof(*blocks));

    REQUIRE(blocks != NULL);
    blocks_make(blocks, (uint64_t)number);
    return blocks;
}

/* Resident memory may not rise between two stretches of the same work. The first stretch is the
 * warm-up: what it took is there to be used again. Were it lost, the others would take 600 MiB, or
 * a tenth of that in a sanitizer's build. The bound leaves room for some threads more than in the
 * first stretch that have not come to their end when the next ones run. */
static void must_not_grow(void stretch(void))
{
    stretch();
    size_t before = memory_used();
    for (int i = 0; i < 3; i++)
        stretch();
    assert_in_range(memory_used(), 0, before + 24 * MIB);
}

static void one_after_another(void)
{
    for (size_t i = scaled(1500); i > 0; i--)
        crew_run(1, frees_its_own);
}

static void threads_in_turn(void **state)
{
    (void)state;
    must_not_grow(one_after_another);
}

static pthread_barrier_t ten_have_theirs;

static void *frees_when_ten_have_theirs(void *number)
{
    unsigned char *blocks[BLOCKS];

    blocks_make(blocks, (uint64_t)number);
    pthread_barrier_wait(&ten_have_theirs);
    blocks_drop(blocks);
    return NULL;
}

static void ten_at_once(void)
{
    for (size_t i = scaled(150); i > 0; i--)
        crew_run(10, frees_when_ten_have_theirs);
}

static void threads_in_tens(void **state)
{
    (void)state;
    REQUIRE(pthread_barrier_init(&ten_have_theirs, NULL, 10) == 0);
    must_not_grow(ten_at_once);
    pthread_barrier_destroy(&ten_have_theirs);
}

static void left_to_the_main_thread(void)
{
    for (size_t i = scaled(1500); i > 0; i--) {
        pthread_t thread;
        void *blocks;

        REQUIRE(pthread_create(&thread, NULL, leaves_them, (void *)i) == 0);
        REQUIRE(pthread_join(thread, &blocks) == 0);
        blocks_drop(blocks);
        free(blocks);
    }
}

static void blocks_left_to_the_main_thread(void **state)
{
    (void)state;
    must_not_grow(left_to_the_main_thread);
}

static void *takes_over(void *blocks)
{
    blocks_drop(blocks);
    blocks_make(blocks, 7);
    return blocks;
}

/* Each thread frees what the one before it made, and leaves as much again. */
static void left_to_the_next(void)
{
    void *blocks = leaves_them(NULL);

    for (size_t i = scaled(1500); i > 0; i--) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, takes_over, blocks) == 0);
        REQUIRE(pthread_join(thread, &blocks) == 0);
    }
    blocks_drop(blocks);
    free(blocks);
}

static void blocks_left_to_the_next_thread(void **state)
{
    (void)state;
    must_not_grow(left_to_the_next);
}

static void *exits_deep_inside(void *number)
{
    frees_its_own(number);
    pthread_exit(NULL);
}

static void by_pthread_exit(void)
{
    for (size_t i = scaled(1500); i > 0; i--)
        crew_run(1, exits_deep_inside);
}

static void threads_ended_by_pthread_exit(void **state)
{
    (void)state;
    must_not_grow(by_pthread_exit);
}

static void cleanup(void *blocks)
{
    blocks_drop(blocks);
}

static void *waits_for_cancellation(void *number)
{
    unsigned char *blocks[BLOCKS];

    blocks_make(blocks, (uint64_t)number);
    pthread_cleanup_push(cleanup, blocks);
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return NULL;
}

/* Cancelled in malloc, in a system call or between them: deferred, so at a cancellation point. */
static void *works_till_cancelled(void *number)
{
    for (;;) {
        frees_its_own(number);
        pthread_testcancel();
    }
    return NULL;
}

static void cancel_run(void *body(void *))
{
    pthread_t thread;
    void *result;

    REQUIRE(pthread_create(&thread, NULL, body, NULL) == 0);
    REQUIRE(pthread_cancel(thread) == 0);
    REQUIRE(pthread_join(thread, &result) == 0);
    REQUIRE(result == PTHREAD_CANCELED);
}

static void by_cancellation(void)
{
    for (size_t i = scaled(700); i > 0; i--) {
        cancel_run(waits_for_cancellation);
        cancel_run(works_till_cancelled);
    }
}

static void threads_ended_by_cancellation(void **state)
{
    (void)state;
    must_not_grow(by_cancellation);
}

static sem_t detached_done;

static void *detached_body(void *number)
{
    frees_its_own(number);
    sem_post(&detached_done);
    return NULL;
}

static void detached_ones(void)
{
    pthread_attr_t attributes;

    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    for (size_t i = scaled(1500); i > 0; i--) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, &attributes, detached_body, (void *)i) == 0);
        while (sem_wait(&detached_done) != 0)
            continue;
    }
    pthread_attr_destroy(&attributes);
}

static void detached_threads(void **state)
{
    (void)state;
    sem_init(&detached_done, 0, 0);
    must_not_grow(detached_ones);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_in_turn),
        cmocka_unit_test(threads_in_tens),
        cmocka_unit_test(blocks_left_to_the_main_thread),
        cmocka_unit_test(blocks_left_to_the_next_thread),
        cmocka_unit_test(threads_ended_by_pthread_exit),
        cmocka_unit_test(threads_ended_by_cancellation),
        cmocka_unit_test(detached_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
