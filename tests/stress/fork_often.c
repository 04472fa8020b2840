/* SPDX-License-Identifier: MIT */
/* fork, very often, while other threads are in each phase of their allocations: short lists,
 * overflows, blocks of others, large blocks, growth by moving pages, trims. The child allocates,
 * frees blocks of its parent's, and ends. Argument: number of forks. Prints how many there were. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "guard.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/rng.h"
#include "support/scale.h"

enum { WORKERS = 3, LEFT = 64, SHARED = 32, FORKS_A_PHASE = 50 };

static atomic_size_t forks_done;
static atomic_bool stop;
static unsigned char *left[LEFT]; /* the main thread's, and each child's */
static _Atomic(void *) shared[SHARED];

static void *make(size_t size)
{
    unsigned char *block = malloc(size);
    REQUIRE(block != NULL);
    block[0] = block[size - 1] = (unsigned char)size;
    return block;
}

static void short_lists(uint64_t *random)
{
    for (int i = 0; i < 100; i++)
        free(make(rng_size(random, 10)));
}

static void waves(uint64_t *random)
{
    void *blocks[600];
    size_t size = rng_size(random, 11);
    for (int i = 0; i < 600; i++)
        blocks[i] = make(size);
    for (int i = 0; i < 600; i++)
        free(blocks[i]);
}

static void blocks_of_others(uint64_t *random)
{
    for (int i = 0; i < 200; i++)
        free(atomic_exchange(&shared[rng_below(random, SHARED)], make(rng_size(random, 11))));
}

static void large_blocks(uint64_t *random)
{
    for (int i = 0; i < 10; i++)
        free(make(65537 + rng_size(random, 21)));
}

static void growth(uint64_t *random)
{
    unsigned char *block = make(300000);
    for (size_t size = 400000; size < 6000000; size += size / 2 + rng_below(random, 5000)) {
        block = realloc(block, size);
        REQUIRE(block != NULL && block[0] == (unsigned char)300000);
    }
    free(block);
}

static void trims(uint64_t *random)
{
    waves(random);
    malloc_trim(0);
}

static void (*const phases[])(uint64_t *) = { short_lists,  waves,  blocks_of_others,
                                              large_blocks, growth, trims };

enum { PHASES = sizeof phases / sizeof phases[0] };

/* The workers are in the same phase, then in different ones. */
static void *work(void *number)
{
    uint64_t random = (uint64_t)number + 1;
    while (!atomic_load(&stop)) {
        size_t turn = atomic_load(&forks_done) / FORKS_A_PHASE;
        phases[(turn + (turn / PHASES % 2) * (size_t)number) % PHASES](&random);
    }
    return NULL;
}

static void be_child(uint64_t random)
{
    guard_child();
    for (size_t i = random % 2; i < LEFT; i += 2) {
        REQUIRE(left[i][0] == (unsigned char)i);
        free(left[i]);
    }
    for (int i = 0; i < SHARED; i += 4)
        free(atomic_exchange(&shared[i], NULL));
    for (size_t size = 8; size < 400000; size *= 3)
        free(make(size + rng_below(&random, size)));
    if (random % 16 == 0)
        malloc_trim(0);
    _exit(0);
}

int main(int argc, char **argv)
{
    size_t wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : scaled(2000);
    struct crew crew = { .count = 0 };
    for (size_t i = 0; i < LEFT; i++) {
        left[i] = make(i % 9 == 0 ? 100000 + i : 20 * i + 1);
        left[i][0] = (unsigned char)i;
    }
    crew_start(&crew, WORKERS, work);
    while (atomic_load(&forks_done) < wanted) {
        size_t n = atomic_fetch_add(&forks_done, 1);
        pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0)
            be_child(n);
        REQUIRE(guard_wait(pid));
    }
    atomic_store(&stop, true);
    crew_join(&crew);
    for (size_t i = 0; i < LEFT; i++)
        free(left[i]);
    printf("%zu forks, each child ended well\n", wanted);
    return 0;
}
