/* SPDX-License-Identifier: MIT */
/* Threads that allocate, resize and free blocks of random sizes in slots that all share, so that
 * most blocks are freed or resized by another thread than made them. Contents are checked at every
 * step. */
#include <pthread.h>
#include <stdatomic.h>

#include "support/block.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { SLOTS = 2000, THREADS_MOST = 16 };

struct slot {
    atomic_flag taken;
    struct block block;
};

static struct slot slots[SLOTS];

struct work {
    uint64_t random;
    size_t steps;
    unsigned bits; /* sizes stay below 2^bits, or seldom 2^20 */
};

static void slot_step(struct slot *slot, const struct work *work, uint64_t *random)
{
    size_t size = rng_size(random, rng_below(random, 500) == 0 ? 20 : work->bits);

    if (slot->block.bytes == NULL) {
        block_make(&slot->block, size, random);
    } else if (rng_below(random, 4) == 0) {
        block_resize(&slot->block, size, random);
    } else {
        block_drop(&slot->block);
    }
}

static void *thread_body(void *argument)
{
    struct work *work = argument;

    for (size_t step = 0; step < work->steps; step++) {
        struct slot *slot = &slots[rng_below(&work->random, SLOTS)];
        if (atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
            continue; /* somebody is at it */
        slot_step(slot, work, &work->random);
        atomic_flag_clear_explicit(&slot->taken, memory_order_release);
    }
    return NULL;
}

static void run(size_t threads, unsigned bits, size_t steps)
{
    static struct work works[THREADS_MOST];
    pthread_t handles[THREADS_MOST];

    for (size_t i = 0; i < threads; i++) {
        works[i] = (struct work){ i + 100 * bits, scaled(steps) / threads + 1, bits };
        assert_int_equal(pthread_create(&handles[i], NULL, thread_body, &works[i]), 0);
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    for (size_t i = 0; i < SLOTS; i++)
        block_drop(&slots[i].block);
}

static void small_blocks(void **state)
{
    (void)state;
    run(2, 8, 1500000);
    run(8, 8, 1500000);
}

static void blocks_of_all_sizes(void **state)
{
    (void)state;
    run(4, 14, 400000);
    run(16, 14, 400000);
}

static void large_blocks(void **state)
{
    (void)state;
    run(4, 18, 30000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks),
        cmocka_unit_test(blocks_of_all_sizes),
        cmocka_unit_test(large_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
