/* SPDX-License-Identifier: MIT */
/* Children that the C library does not know of: made by the system call, as sandboxes and launchers do,
 * so that no handler of pthread_atfork runs in them. Their parents are busy. A deadlock in a child ends
 * it by SIGALRM, and that fails the test. */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include "barrow/barrow.h"
#include "crew.h"
#include "guard.h"
#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { WORKERS = 3, OWN = 200, LEFT = 500, PASSED = 64, LONG = 20 << 20 };

static struct block left[WORKERS][LEFT]; /* what children find, check and free */
static _Atomic(void *) passed[PASSED];   /* blocks that any worker may free */
static atomic_size_t ready;
static atomic_bool stop;

static pid_t raw_fork(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Half of the blocks are freed by another thread than the one that made them. */
static void *worker_body(void *number)
{
    static struct block blocks[WORKERS][OWN];
    struct block *own = blocks[(size_t)number];
    uint64_t random = (uint64_t)number + 1;

    for (size_t i = 0; i < LEFT; i++)
        block_make(&left[(size_t)number][i], rng_size(&random, i % 50 == 0 ? 18 : 11), &random);
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&stop)) {
        struct block *block = &own[rng_below(&random, OWN)];
        block_drop(block);
        block_make(block, rng_size(&random, rng_below(&random, 100) == 0 ? 20 : 11), &random);
        free(atomic_exchange(&passed[rng_below(&random, PASSED)], malloc(rng_size(&random, 11))));
    }
    for (size_t i = 0; i < OWN; i++)
        block_drop(&own[i]);
    return NULL;
}

static struct crew workers;

static int workers_start(void **state)
{
    (void)state;
    atomic_store(&ready, 0);
    atomic_store(&stop, false);
    crew_start(&workers, WORKERS, worker_body);
    while (atomic_load(&ready) < WORKERS)
        sleep_milliseconds(1);
    return 0;
}

static int workers_stop(void **state)
{
    (void)state;
    atomic_store(&stop, true);
    crew_join(&workers);
    for (size_t i = 0; i < WORKERS; i++)
        for (size_t j = 0; j < LEFT; j++)
            block_drop(&left[i][j]);
    for (size_t i = 0; i < PASSED; i++)
        free(atomic_exchange(&passed[i], NULL));
    return 0;
}

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
    for (size_t i = 0; i < 100; i++)
        block_drop(&fresh[i]);
}

static size_t committed(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    barrow_stats_get(&stats);
    return stats.committed;
}

/* By the library's own figures. */
static void child_gives_memory_back(void)
{
    char *block = malloc(LONG);
    REQUIRE(block != NULL);
    memset(block, 1, LONG);
    size_t before = committed();
    free(block);
    malloc_trim(0);
    REQUIRE(committed() + LONG <= before);
}

static void child(uint64_t random)
{
    guard_child();
    child_gives_memory_back();
    child_uses_heap(random);
    child_gives_memory_back();
    _exit(0);
}

static void child_does_what_its_parent_can(void **state)
{
    (void)state;
    for (size_t round = scaled(30); round > 0; round--) {
        pid_t pid = raw_fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(round);
        assert_true(guard_wait(pid));
    }
}

/* The first call that finds out may be any. */
static void first_call(size_t which)
{
    void *block = left[0][0].bytes;
    switch (which % 6) {
    case 0:
        malloc_trim(0);
        break;
    case 1:
        free(malloc(300000));
        break;
    case 2:
        REQUIRE(malloc_usable_size(block) >= left[0][0].size);
        break;
    case 3:
        free(aligned_alloc(4096, 8192));
        break;
    case 4:
        free(calloc(1, 100000));
        break;
    default:
        for (size_t i = 0; i < 2000; i++) /* of another thread's, until a batch is full */
            free(malloc(100));
    }
}

static void any_call_may_be_the_first(void **state)
{
    (void)state;
    for (size_t round = scaled(18); round > 0; round--) {
        pid_t pid = raw_fork();
        if (pid == 0) {
            guard_child();
            first_call(round);
            child(round);
        }
        assert_true(guard_wait(pid));
    }
}

static void child_forks_again(void **state)
{
    (void)state;
    for (size_t round = scaled(12); round > 0; round--) {
        pid_t pid = round % 3 == 0 ? fork() : raw_fork();
        if (pid == 0) {
            guard_child();
            if (round % 2 == 0)
                child_gives_memory_back();
            pid_t inner = round % 5 == 0 ? fork() : raw_fork();
            if (inner == 0)
                child(round);
            _exit(guard_wait(inner) ? 0 : 1);
        }
        assert_true(guard_wait(pid));
    }
}

static void *allocate_in_child(void *unused)
{
    struct block block;
    uint64_t random = 5;
    for (size_t i = 0; i < 2000; i++) {
        block_make(&block, rng_size(&random, 17), &random);
        block_drop(&block);
    }
    return unused;
}

static void child_has_threads(void **state)
{
    (void)state;
    for (size_t round = scaled(8); round > 0; round--) {
        pid_t pid = raw_fork();
        if (pid == 0) {
            pthread_t thread;
            guard_child();
            REQUIRE(pthread_create(&thread, NULL, allocate_in_child, NULL) == 0);
            allocate_in_child(NULL);
            REQUIRE(pthread_join(thread, NULL) == 0);
            child(round);
        }
        assert_true(guard_wait(pid));
    }
}

/* ---- processes that share their parent's memory ------------------------------------------- */

static int in_shared_memory(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 100; i++)
        free(malloc(i * 1000));
    return 0;
}

/* It is no copy: what its parent's threads have in hand is theirs, and their locks are held. */
static void a_child_with_the_same_memory_is_no_copy(void **state)
{
    (void)state;
    static _Alignas(16) char stack[1 << 18];
    for (size_t round = scaled(30); round > 0; round--) {
        pid_t pid =
            clone(in_shared_memory, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
        assert_true(pid > 0 && guard_wait(pid));
    }
    for (size_t round = scaled(30); round > 0; round--) {
        volatile pid_t pid = vfork();
        if (pid == 0) {
            in_shared_memory(NULL);
            _exit(0);
        }
        assert_true(guard_wait(pid));
    }
}

/* ---- a parent with one thread -------------------------------------------------------------- */

static void a_parent_that_gives_back_much(void **state)
{
    (void)state;
    size_t count = scaled(1000000);
    char **blocks = malloc(count * sizeof *blocks);
    assert_non_null(blocks);
    for (size_t i = 0; i < count; i++)
        *(blocks[i] = malloc(200)) = 1;
    for (size_t i = 0; i < count; i++)
        if (i % 300 != 0)
            free(blocks[i]);
    for (size_t round = scaled(30); round > 0; round--) {
        pid_t pid = raw_fork();
        if (pid == 0) {
            guard_child();
            for (size_t i = 0; i < 5000; i++)
                *(char *)malloc(200) = 1;
            child_gives_memory_back();
            _exit(0);
        }
        free(calloc(1, 3000000));
        assert_true(guard_wait(pid));
    }
    for (size_t i = 0; i < count; i += 300)
        free(blocks[i]);
    free(blocks);
}

#define BESIDE_WORKERS(test) cmocka_unit_test_setup_teardown(test, workers_start, workers_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_that_gives_back_much),
        BESIDE_WORKERS(child_does_what_its_parent_can),
        BESIDE_WORKERS(any_call_may_be_the_first),
        BESIDE_WORKERS(child_forks_again),
        BESIDE_WORKERS(child_has_threads),
        BESIDE_WORKERS(a_child_with_the_same_memory_is_no_copy),
    };
    return cmocka_run_group_tests_name("raw_fork", tests, NULL, NULL);
}
