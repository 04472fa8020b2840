/* SPDX-License-Identifier: MIT */
/* fork while other threads allocate: the child goes on allocating, frees what threads of its parent
 * had made, and forks again. A deadlock in a child ends it by SIGALRM, and that fails the test. */
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>

#include "crew.h"
#include "guard.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { WORKERS = 4, OWN = 200, LEFT = 500 };

/* What each worker made at its start and then leaves alone: the child may look at it and free it.
 */
static struct block left[WORKERS][LEFT];
static atomic_size_t ready;
static atomic_bool stop;

static void left_make(size_t worker, uint64_t *random)
{
    for (size_t i = 0; i < LEFT; i++)
        block_make(&left[worker][i], rng_size(random, i % 50 == 0 ? 18 : 11), random);
    atomic_fetch_add(&ready, 1);
}

static void *worker_body(void *number)
{
    static struct block blocks[WORKERS][OWN];
    struct block *own = blocks[(size_t)number];
    uint64_t random = (uint64_t)number;

    left_make((size_t)number, &random);
    while (!atomic_load(&stop)) {
        struct block *block = &own[rng_below(&random, OWN)];
        block_drop(block);
        block_make(block, rng_size(&random, rng_below(&random, 100) == 0 ? 20 : 11), &random);
    }
    for (size_t i = 0; i < OWN; i++)
        block_drop(&own[i]);
    return NULL;
}

static struct crew workers;

static void workers_start(void)
{
    atomic_store(&ready, 0);
    atomic_store(&stop, false);
    crew_start(&workers, WORKERS, worker_body);
    while (atomic_load(&ready) < WORKERS)
        sleep_milliseconds(1);
}

static void workers_stop(void)
{
    atomic_store(&stop, true);
    crew_join(&workers);
    for (size_t i = 0; i < WORKERS; i++)
        for (size_t j = 0; j < LEFT; j++)
            block_drop(&left[i][j]);
}

/* New blocks among the old, and half of the old ones resized before all are freed. */
static void child_uses_heap(uint64_t random)
{
    struct block fresh[100];

    for (size_t i = 0; i < 100; i++)
        block_make(&fresh[i], rng_size(&random, i == 0 ? 22 : 12), &random);
    for (size_t i = 0; i < WORKERS; i++) {
        for (size_t j = 0; j < LEFT; j++) {
            if (j % 2 == 0)
                block_resize(&left[i][j], rng_size(&random, 12), &random);
            block_drop(&left[i][j]);
        }
    }
    malloc_trim(0);
    for (size_t i = 0; i < 100; i++)
        block_drop(&fresh[i]);
}

static void child_frees_what_threads_made(void **state)
{
    (void)state;
    workers_start();
    for (size_t round = scaled(200); round > 0; round--) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            guard_child();
            child_uses_heap(round);
            _exit(0);
        }
        assert_true(guard_wait(pid));
    }
    workers_stop();
}

static void child_forks_again(void **state)
{
    (void)state;
    workers_start();
    for (size_t round = scaled(60); round > 0; round--) {
        pid_t pid = fork();
        if (pid == 0) {
            guard_child();
            pid_t inner = fork();
            if (inner == 0) {
                guard_child();
                child_uses_heap(round);
                _exit(0);
            }
            child_uses_heap(round + 1);
            _exit(guard_wait(inner) ? 0 : 1);
        }
        assert_true(guard_wait(pid));
    }
    workers_stop();
}

/* Several threads fork at the same time. */
static void *forker_body(void *number)
{
    uint64_t random = (uint64_t)number;

    for (size_t round = scaled(60); round > 0; round--) {
        struct block block;
        block_make(&block, rng_size(&random, 16), &random);
        pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            guard_child();
            block_resize(&block, rng_size(&random, 16), &random);
            block_drop(&block);
            _exit(0);
        }
        REQUIRE(guard_wait(pid));
        block_drop(&block);
    }
    return NULL;
}

static void many_threads_fork(void **state)
{
    (void)state;
    workers_start();
    crew_run(4, forker_body);
    workers_stop();
}

extern char **environ;

/* posix_spawn, which vforks: the child shares the memory until it has become another program. */
static void programs_are_spawned(void **state)
{
    char name[] = "true";
    char *argv[] = { name, NULL };

    (void)state;
    workers_start();
    for (size_t round = scaled(100); round > 0; round--) {
        pid_t pid;
        assert_int_equal(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
        assert_true(guard_wait(pid));
    }
    workers_stop();
}

static void child_vforks(void **state)
{
    (void)state;
    workers_start();
    for (size_t round = scaled(100); round > 0; round--) {
        pid_t pid = vfork();
        if (pid == 0)
            _exit(0);
        assert_true(guard_wait(pid));
    }
    workers_stop();
}

static void *child_thread(void *number)
{
    uint64_t random = (uint64_t)number;

    for (size_t i = 0; i < 300; i++) {
        struct block block;
        block_make(&block, rng_size(&random, 13), &random);
        block_drop(&block);
    }
    return NULL;
}

/* Daemons do it: fork first, then start the threads that work. */
static void child_starts_threads(void **state)
{
    (void)state;
    workers_start();
    for (size_t round = scaled(60); round > 0; round--) {
        pid_t pid = fork();
        if (pid == 0) {
            guard_child();
            for (int i = 0; i < 3; i++)
                crew_run(4, child_thread);
            child_uses_heap(round);
            _exit(0);
        }
        assert_true(guard_wait(pid));
    }
    workers_stop();
}

/* What the child does to the parent's blocks must not reach the parent, nor may the parent's heap
 * lose memory for every child. */
static void parent_is_unharmed(void **state)
{
    enum { BLOCKS = 1000 };
    static struct block blocks[BLOCKS];
    uint64_t random = 5;

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++)
        block_make(&blocks[i], rng_size(&random, 12), &random);
    malloc_trim(0); /* what the threads before left would be given back meanwhile */
    size_t before = memory_used();
    for (size_t round = scaled(100); round > 0; round--) {
        pid_t pid = fork();
        if (pid == 0) {
            guard_child();
            for (size_t i = 0; i < BLOCKS; i++) {
                memset(blocks[i].bytes, 0, blocks[i].size);
                free(blocks[i].bytes);
            }
            malloc_trim(0);
            _exit(0);
        }
        assert_true(guard_wait(pid));
    }
    assert_in_range(memory_used(), 0, before + 3 * MIB);
    for (size_t i = 0; i < BLOCKS; i++)
        block_drop(&blocks[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_frees_what_threads_made),
        cmocka_unit_test(child_forks_again),
        cmocka_unit_test(many_threads_fork),
        cmocka_unit_test(programs_are_spawned),
        cmocka_unit_test(child_vforks),
        cmocka_unit_test(child_starts_threads),
        cmocka_unit_test(parent_is_unharmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
