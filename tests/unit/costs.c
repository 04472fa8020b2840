/* SPDX-License-Identifier: MIT */
/* Costs that must not grow with what should not matter: full slabs at the limit, heaps, threads,
 * owners of blocks, and data that looks like a mark. Counted in instructions. */
#include "test.h"

#include "heap/heap.h"
#include "private/private_heap.h"
#include "region/region.h"
#include "steps.h"

#include <pthread.h>
#include <unistd.h>

enum {
    CALLS = 64,
    THREADS_MOST = 64,
    HEAPS_MOST = 3000,
    FREES = 512,
    OWNER_BLOCKS = FREES / 2 + 1
};

/* The greatest of a row is at most 1.5 times the least. */
static void check_row(const char *what, const size_t *row, size_t count, size_t calls,
                      void (*prepare)(void *), void (*use)(void *))
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t x = row[i], steps = count_steps(prepare, use, &x);
        print_message("%s, %zu: %zu instructions a call\n", what, x, steps / calls);
        least = steps < least ? steps : least;
        most = steps > most ? steps : most;
    }
    assert_true(most <= least + least / 2);
}

/* ---- threads, each of which has blocks, and waits ------------------------------------------- */

static pthread_barrier_t ready;
static void *blocks_of[THREADS_MOST][OWNER_BLOCKS];
static struct private_heap *heaps[HEAPS_MOST];

static void wait_for_ever(void)
{
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
}

static void *own_blocks(void *own)
{
    void **blocks = own;
    for (int i = 0; i < OWNER_BLOCKS; i++)
        blocks[i] = heap_alloc(64);
    wait_for_ever();
    return NULL;
}

static void *use_heaps(void *none)
{
    for (int i = 0; i < 9; i++)
        private_free(heaps[i], private_alloc(heaps[i], 1, 40, 0), 0);
    wait_for_ever();
    return none;
}

static void start_threads(size_t count, void *(*run)(void *))
{
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, (unsigned)count + 1);
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, run, blocks_of[i]) != 0)
            _exit(2);
    pthread_barrier_wait(&ready);
}

/* ---- remote frees --------------------------------------------------------------------------- */

static void prepare_owners(void *owners)
{
    start_threads(*(size_t *)owners, own_blocks);
    for (size_t i = 0; i < *(size_t *)owners; i++)
        heap_free(blocks_of[i][FREES / 2], "free"); /* each has a batch */
}

/* As many frees for any number of owners, of which there are at most THREADS_MOST. */
static void free_in_turn(void *owners)
{
    size_t count = *(size_t *)owners;
    for (size_t n = 0; n < FREES; n++)
        heap_free(blocks_of[n % count][n / count], "free");
}

static void frees_for_many_owners(void **state)
{
    const size_t owners[] = { 2, 8, 9, 16, 64 };
    (void)state;
    check_row("frees for owners in turn", owners, COUNT(owners), FREES, prepare_owners,
              free_in_turn);
}

/* ---- marks ---------------------------------------------------------------------------------- */

static void prepare_threads(void *threads)
{
    prepare_owners(threads);
}

static void free_doubtful(void *threads)
{
    (void)threads;
    for (int i = 0; i < CALLS; i++) {
        struct block *block = heap_alloc(64);
        *block = (struct block){ NULL, (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT };
        heap_free(block, "free");
    }
}

static void doubtful_frees_among_threads(void **state)
{
    const size_t threads[] = { 1, 8, 64 };
    (void)state;
    check_row("doubtful frees, threads", threads, COUNT(threads), CALLS, prepare_threads,
              free_doubtful);
}

/* ---- private heaps --------------------------------------------------------------------------- */

static void *in_heap[CALLS];

static void prepare_bounded(void *count)
{
    for (size_t i = 0; i < *(size_t *)count; i++)
        if ((heaps[i] = private_create(&(struct private_wish){ .maximum = 65536 })) == NULL)
            _exit(2);
    for (size_t i = 0; i < CALLS; i++)
        in_heap[i] = private_alloc(heaps[i * 7919 % *(size_t *)count], 1, 32, 0);
}

static void free_in_bounded(void *count)
{
    (void)count;
    for (size_t i = 0; i < CALLS; i++)
        heap_free(in_heap[i], "free");
}

static void plain_frees_among_heaps(void **state)
{
    const size_t count[] = { 10, 100, 1000, HEAPS_MOST };
    (void)state;
    check_row("free() of bounded heaps' blocks, heaps", count, COUNT(count), CALLS, prepare_bounded,
              free_in_bounded);
}

static void prepare_shared(void *threads)
{
    for (int i = 0; i < 9; i++)
        if ((heaps[i] = private_create(&(struct private_wish){ 0 })) == NULL)
            _exit(2);
    for (int i = 0; i < 9; i++)
        private_free(heaps[i], private_alloc(heaps[i], 1, 40, 0), 0);
    start_threads(*(size_t *)threads, use_heaps);
}

/* Two heaps in turn, of all pairs. */
static void use_in_turn(void *threads)
{
    (void)threads;
    for (int i = 0; i < CALLS; i++) {
        struct private_heap *heap = heaps[i % 2 == 0 ? 0 : 1 + i / 2 % 8];
        private_free(heap, private_alloc(heap, 1, 40, 0), 0);
    }
}

static void heaps_in_turn(void **state)
{
    const size_t threads[] = { 1, 8, 64 };
    (void)state;
    check_row("pairs in heaps in turn, threads", threads, COUNT(threads), CALLS, prepare_shared,
              use_in_turn);
}

/* ---- the limit ------------------------------------------------------------------------------- */

static void prepare_limit(void *megabytes)
{
    heap_free(heap_alloc(16), "free"); /* reads the options */
    region_settings.commit_limit = *(size_t *)megabytes << 20;
    while (heap_alloc(1000) != NULL)
        ;
}

static void fail_at_limit(void *megabytes)
{
    (void)megabytes;
    for (int i = 0; i < CALLS; i++)
        if (heap_alloc(1000) != NULL)
            _exit(3);
}

static void failures_at_the_limit(void **state)
{
    const size_t megabytes[] = { 8, 64, 256 };
    (void)state;
    check_row("failing malloc(1000), MiB", megabytes, COUNT(megabytes), CALLS, prepare_limit,
              fail_at_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_for_many_owners),   cmocka_unit_test(doubtful_frees_among_threads),
        cmocka_unit_test(plain_frees_among_heaps), cmocka_unit_test(heaps_in_turn),
        cmocka_unit_test(failures_at_the_limit),
    };
    return cmocka_run_group_tests_name("costs", tests, NULL, NULL);
}
