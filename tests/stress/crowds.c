/* SPDX-License-Identifier: MIT */
/* Many of a kind: 2,000 threads that are alive at once, and nearly as many mappings as a process may
 * have, which the program made and the heap has to live with. */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/block.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/suite.h"

enum { THREADS = 2000, HELD = 40, MAPPINGS = 200000 };

/* ---- threads ------------------------------------------------------------------------------- */

static struct block held[THREADS][HELD];
static pthread_barrier_t all_hold;

/* Each makes blocks, and when all have, frees those of its neighbour. */
static void *holds(void *number)
{
    size_t own = (size_t)number, other = (own + 1) % THREADS;
    uint64_t random = own;
    for (size_t i = 0; i < HELD; i++)
        block_make(&held[own][i], rng_size(&random, i == 0 ? 17 : 10), &random);
    pthread_barrier_wait(&all_hold);
    for (size_t i = 0; i < HELD; i++)
        block_drop(&held[other][i]);
    return NULL;
}

static void two_thousand_at_once(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attributes;
    assert_int_equal(pthread_barrier_init(&all_hold, NULL, THREADS), 0);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 128 * KIB), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], &attributes, holds, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_attr_destroy(&attributes);
    pthread_barrier_destroy(&all_hold);
}

static void many_threads(void **state)
{
    struct barrow_stats stats = { .size = sizeof stats };
    (void)state;
    two_thousand_at_once();
    assert_int_equal(barrow_stats_get(&stats), 0);
    assert_in_range(stats.theaps, THREADS, THREADS + 10);
    assert_in_range(stats.threads, 1, 10);
    malloc_trim(0);
    size_t before = memory_used();
    two_thousand_at_once();
    malloc_trim(0);
    assert_in_range(memory_used(), 0, before + 8 * MIB);
    assert_int_equal(barrow_stats_get(&stats), 0);
    assert_in_range(stats.theaps, THREADS, THREADS + 10);
}

/* ---- mappings ------------------------------------------------------------------------------ */

static char *pages;
static size_t page;

/* Every other page without access, until the system has no more. Returns the pages. */
static size_t take_all_mappings(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    pages =
        mmap(NULL, MAPPINGS * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    size_t i = 0;
    while (i < MAPPINGS && mprotect(pages + i * page, page, PROT_NONE) == 0)
        i += 2;
    return i;
}

/* Blocks of all sizes, some that grow, and memory given back. */
static void use_heap(void)
{
    enum { BLOCKS = 3000 };
    static struct block blocks[BLOCKS];
    uint64_t random = 7;
    for (size_t i = 0; i < BLOCKS; i++)
        block_make(&blocks[i], rng_size(&random, i % 30 == 0 ? 22 : 14), &random);
    for (size_t i = 0; i < BLOCKS; i += 3)
        block_resize(&blocks[i], rng_size(&random, i % 30 == 0 ? 23 : 14), &random);
    for (size_t i = 0; i < BLOCKS; i += 2)
        block_drop(&blocks[i]);
    malloc_trim(0);
    for (size_t i = 0; i < BLOCKS; i += 2)
        block_make(&blocks[i], rng_size(&random, i % 30 == 0 ? 22 : 14), &random);
    for (size_t i = 0; i < BLOCKS; i++)
        block_drop(&blocks[i]);
    malloc_trim(0);
}

/* The heap needs few when it grows: these are left to it. */
static void leave_mappings(size_t taken)
{
    enum { LEFT = 64 };
    size_t first = taken - 2 * LEFT;
    assert_int_equal(mprotect(pages + first * page, 2 * LEFT * page, PROT_READ), 0);
}

static void few_mappings_are_left(void **state)
{
    (void)state;
    free(opaque(malloc(1)));
    size_t taken = take_all_mappings();
    size_t before = memory_mappings();
    assert_in_range(taken, 60000, MAPPINGS - 1);
    leave_mappings(taken);
    use_heap();
    print_message("             %zu mappings, of which the program made %zu\n", before, taken);
    assert_int_equal(munmap(pages, MAPPINGS * page), 0);
    use_heap();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads),
        cmocka_unit_test(few_mappings_are_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
