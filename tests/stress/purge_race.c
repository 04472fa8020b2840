/* SPDX-License-Identifier: MIT */
/* Slabs come and go in some threads while another purges and looks at figures all the time. What
 * each thread wrote stays. Meant for ThreadSanitizer above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "face.h"

enum { THREADS = 3, SLOTS = 600, STEPS = 200 * 1000, FLUSH = 3000 };

static _Atomic bool at_end;
static _Atomic int damaged;

struct slot {
    unsigned char *block;
    size_t size;
};

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void empty(struct slot *slot)
{
    if (slot->block != NULL && (slot->block[0] != (slot->size & 0xff) ||
                                slot->block[slot->size - 1] != (slot->size & 0xff)))
        damaged++;
    free(slot->block);
    slot->block = NULL;
}

static void fill(struct slot *slot, size_t size)
{
    empty(slot);
    slot->size = size;
    slot->block = malloc(size);
    if (slot->block != NULL)
        slot->block[0] = slot->block[size - 1] = (unsigned char)(size & 0xff);
}

static void *churn(void *seed)
{
    static __thread struct slot slots[SLOTS];
    uint32_t state = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < STEPS; i++) {
        size_t most = next(&state) % 4 != 0 ? 9000 : 300 * 1000;
        fill(&slots[next(&state) % SLOTS], 1 + next(&state) % most);
        for (int j = 0; i % FLUSH == 0 && j < SLOTS; j++)
            empty(&slots[j]);
    }
    for (int j = 0; j < SLOTS; j++)
        empty(&slots[j]);
    return NULL;
}

static void *purge(void *argument)
{
    struct barrow_stats stats = { .size = sizeof stats };
    while (!at_end) {
        malloc_trim(0);
        usleep(100);
        barrow_stats_get(&stats);
    }
    return argument;
}

static void purge_beside_churn(void **state)
{
    (void)state;
    pthread_t threads[THREADS], purger;
    free(malloc(1)); /* as starting a thread would, were malloc ours in all builds */
    assert_int_equal(pthread_create(&purger, NULL, purge, NULL), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    at_end = true;
    assert_int_equal(pthread_join(purger, NULL), 0);
    assert_int_equal(damaged, 0);
}

/* Each has a theap, for which the library takes memory that the figures tell of. */
static pthread_barrier_t all_are_there;

static void *appear(void *argument)
{
    free(malloc(100));
    pthread_barrier_wait(&all_are_there);
    return argument;
}

static void figures_beside_new_threads(void **state)
{
    enum { NEW = 200 };
    (void)state;
    pthread_t threads[NEW], purger;
    at_end = false;
    assert_int_equal(pthread_barrier_init(&all_are_there, NULL, NEW), 0);
    assert_int_equal(pthread_create(&purger, NULL, purge, NULL), 0);
    for (int i = 0; i < NEW; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, appear, NULL), 0);
    for (int i = 0; i < NEW; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    at_end = true;
    assert_int_equal(pthread_join(purger, NULL), 0);
    pthread_barrier_destroy(&all_are_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(purge_beside_churn),
        cmocka_unit_test(figures_beside_new_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
