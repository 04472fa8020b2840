/* SPDX-License-Identifier: MIT */
/* Live blocks handed on between threads: a set of blocks that outlives its threads round by round,
 * and queues through which a thread's blocks flow to another for good.
 *
 * Nothing is purged here (BARROW_PURGE_DELAY=-1), so that what is resident rises only where freed
 * memory was not used again, whenever the machine lets a thread run. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "crew.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

/* --- rounds of threads that replace part of what they were given ------------------------------ */

enum { CREW = 4, SHARE = 3000 };

static struct block shares[CREW][SHARE];
static atomic_size_t round_number;

static void *replaces_some(void *number)
{
    struct block *share = shares[(size_t)number];
    uint64_t random = (uint64_t)number + 1000 * atomic_load(&round_number);

    for (size_t i = 0; i < SHARE / 2; i++) {
        struct block *block = &share[rng_below(&random, SHARE)];
        block_drop(block);
        block_make(block, rng_size(&random, 10), &random);
    }
    return NULL;
}

/* The figure for the memory bound: the live set is at most CREW * SHARE blocks of up to 1 KiB, of
 * about 250 bytes in the mean, which is 3 MiB. What the rounds free is 400 MiB, or 40 with a tenth
 * of them. How much of the live set each thread's heap comes to have room for depends on how many
 * run at once. */
static void rounds_of_threads_do_not_bleed(void **state)
{
    size_t rounds = scaled(300);
    size_t early = 0;

    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        atomic_store(&round_number, i);
        crew_run(CREW, replaces_some);
        if (i == rounds / 10)
            early = memory_used();
    }
    assert_in_range(memory_used(), 0, early + 20 * MIB);
    for (size_t i = 0; i < CREW; i++)
        for (size_t j = 0; j < SHARE; j++)
            block_drop(&shares[i][j]);
}

/* --- queues ---------------------------------------------------------------------------------- */

enum { QUEUE = 1024 };

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct block blocks[QUEUE];
    size_t first;
    size_t count;
};

static struct queue queues[2] = {
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER },
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER },
};

static void queue_put(struct queue *queue, struct block block)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == QUEUE)
        pthread_cond_wait(&queue->changed, &queue->lock);
    queue->blocks[(queue->first + queue->count++) % QUEUE] = block;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

static struct block queue_take(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0)
        pthread_cond_wait(&queue->changed, &queue->lock);
    struct block block = queue->blocks[queue->first];
    queue->first = (queue->first + 1) % QUEUE;
    queue->count--;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return block;
}

static size_t messages;

/* Two makers and two takers on the first queue. */
static void *maker(size_t number)
{
    uint64_t random = number;

    for (size_t i = 0; i < messages; i++) {
        struct block block;
        block_make(&block, rng_size(&random, i % 100 == 0 ? 17 : 10), &random);
        queue_put(&queues[0], block);
    }
    return NULL;
}

static void *taker(void)
{
    for (size_t i = 0; i < messages; i++) {
        struct block block = queue_take(&queues[0]);
        block_drop(&block);
    }
    return NULL;
}

static void *maker_or_taker(void *number)
{
    return (size_t)number % 2 == 0 ? maker((size_t)number) : taker();
}

static void one_way_flow_does_not_grow(void **state)
{
    (void)state;
    messages = scaled(50000);
    for (int i = 0; i < 6; i++) /* until as much is free as is kept free */
        crew_run(4, maker_or_taker);
    size_t before = memory_used();
    for (int i = 0; i < 6; i++)
        crew_run(4, maker_or_taker);
    assert_in_range(memory_used(), 0, before + 12 * MIB);
}

/* A block goes to the other side, is resized there, and comes back to be freed. */
static void *front(void)
{
    uint64_t random = 11;

    for (size_t i = 0; i < messages; i += 100) {
        for (size_t j = 0; j < 100; j++) {
            struct block block;
            block_make(&block, rng_size(&random, 12), &random);
            queue_put(&queues[0], block);
        }
        for (size_t j = 0; j < 100; j++) {
            struct block block = queue_take(&queues[1]);
            block_drop(&block);
        }
    }
    return NULL;
}

static void *back(void)
{
    uint64_t random = 12;

    for (size_t i = 0; i < messages; i++) {
        struct block block = queue_take(&queues[0]);
        block_resize(&block, rng_size(&random, 12), &random);
        queue_put(&queues[1], block);
    }
    return NULL;
}

static void *front_or_back(void *number)
{
    return (size_t)number == 0 ? front() : back();
}

static void there_and_back_does_not_grow(void **state)
{
    (void)state;
    messages = scaled(1000) * 100;
    crew_run(2, front_or_back);
    size_t before = memory_used();
    crew_run(2, front_or_back);
    assert_in_range(memory_used(), 0, before + 8 * MIB);
}

/* --- a thread that only frees ------------------------------------------------------------------
 */

static void **given;

enum { GIVEN = 20000 };

static void *frees_all(void *number)
{
    (void)number;
    for (size_t i = 0; i < GIVEN; i++)
        free(given[i]);
    return NULL;
}

/* The thread that allocates must get back what a thread that never allocates has freed: 10 MiB in
 * each round. */
static void memory_comes_back_from_a_freeing_thread(void **state)
{
    size_t before = 0;

    (void)state;
    given = malloc(GIVEN * sizeof(*given));
    assert_non_null(given);
    for (size_t round = 0; round < 2 + scaled(30); round++) {
        for (size_t i = 0; i < GIVEN; i++) {
            given[i] = malloc(500);
            assert_non_null(given[i]);
            memset(given[i], 1, 500);
        }
        crew_run(1, frees_all);
        if (round == 1)
            before = memory_used();
    }
    assert_in_range(memory_used(), 0, before + 10 * MIB);
    free(given);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_of_threads_do_not_bleed),
        cmocka_unit_test(one_way_flow_does_not_grow),
        cmocka_unit_test(there_and_back_does_not_grow),
        cmocka_unit_test(memory_comes_back_from_a_freeing_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
