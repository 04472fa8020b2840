/* SPDX-License-Identifier: MIT */
/* Blocks that another thread frees come back to their theap: through its lock or its inbox, one by
 * one or in batches, all of them and each once. */
#include "test.h"

#include "heap/figures.h"
#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"
#include "os/thread.h"

#include <barrow/barrow.h>
#include <pthread.h>

enum { THREADS = 4, NUMBER = 700002, BATCHES = 300, BATCH = 20 };

static struct theap theap; /* of our own; the process heap knows nothing of it */

static uint32_t blocks_in_use(void)
{
    uint32_t used = 0;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        for (int group = 0; group < GROUPS; group++)
            for (uint32_t i = theap.groups[size_class][group]; i != 0; i = span_at(i)->next)
                used += span_at(i)->used;
    return used;
}

static struct chain take_chain(unsigned size_class)
{
    struct chain all = { NULL, NULL, 0 };
    while (all.count < BATCH) {
        bool zero;
        struct chain some = slab_take(&theap, size_class, BATCH - all.count, &zero);
        assert_true(some.count > 0);
        for (struct block *next, *block = some.first; block != BLOCK_END; block = next) {
            next = block_next(block);
            chain_push(&all, block);
        }
    }
    return all;
}

static int start(void **state)
{
    (void)state;
    memset(&theap, 0, sizeof theap);
    theap_init(&theap, NUMBER);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    os_lock(&theap.lock);
    theap_drain(&theap);
    assert_int_equal(blocks_in_use(), 0);
    check_theap(&theap);
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        while (theap.groups[size_class][GROUP_EMPTY] != 0)
            slab_free(&theap, span_at(theap.groups[size_class][GROUP_EMPTY]));
    theap_unlock(&theap);
    check_region();
    return 0;
}

static void a_free_lock_lets_a_chain_straight_in(void **state)
{
    (void)state;
    os_lock(&theap.lock);
    struct chain chain = take_chain(5);
    theap_unlock(&theap);
    assert_int_equal(blocks_in_use(), BATCH);
    theap_post(&theap, chain, 0);
    assert_null(atomic_load(&theap.inbox));
    assert_int_equal(blocks_in_use(), 0);
}

static void a_held_lock_leads_to_the_inbox(void **state)
{
    (void)state;
    os_lock(&theap.lock);
    struct chain one = take_chain(5), two = take_chain(9);
    theap_post(&theap, one, 0);
    theap_post(&theap, two, 0);
    assert_ptr_equal(atomic_load(&theap.inbox), two.first);
    assert_int_equal(blocks_in_use(), 2 * BATCH);
    theap_drain(&theap);
    assert_null(atomic_load(&theap.inbox));
    assert_int_equal(blocks_in_use(), 0);
    check_theap(&theap);
    theap_unlock(&theap);
}

static void long_blocks_wait_for_the_owner(void **state)
{
    (void)state;
    os_lock(&theap.lock);
    struct chain one = take_chain(5), two = take_chain(9);
    theap_unlock(&theap);
    theap_post(&theap, one, BATCH * 4096);
    assert_ptr_equal(atomic_load(&theap.inbox), one.first);
    theap_post(&theap, two, (size_t)8 << 20); /* too much to lie idle */
    assert_null(atomic_load(&theap.inbox));
    assert_int_equal(blocks_in_use(), 0);
}

static void nothing_waits_for_an_owner_that_is_gone(void **state)
{
    (void)state;
    os_lock(&theap.lock);
    struct chain chain = take_chain(5);
    theap_unlock(&theap);
    atomic_store(&theap.idle, true);
    theap_post(&theap, chain, BATCH * 4096);
    atomic_store(&theap.idle, false);
    assert_null(atomic_load(&theap.inbox));
    assert_int_equal(blocks_in_use(), 0);
}

static struct chain chains[THREADS][BATCHES];

static void *post_all(void *own)
{
    struct chain *batches = own;
    for (size_t i = 0; i < BATCHES; i++)
        theap_post(&theap, batches[i], 0);
    return NULL;
}

/* Several threads post, now into the slabs, now into the inbox, while the owner takes and drains.
 */
static void many_post_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    os_lock(&theap.lock);
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < BATCHES; i++)
            chains[t][i] = take_chain((unsigned)((t * 7 + i) % 40));
    theap_unlock(&theap);
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, post_all, chains[t]), 0);
    for (int round = 0; round < 200; round++) {
        os_lock(&theap.lock);
        struct chain own = take_chain((unsigned)round % 40);
        if (round % 3 == 0)
            os_yield();
        theap_drain(&theap);
        slab_give(&theap, own.first);
        theap_unlock(&theap);
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
}

/* ---- through the heap's own functions ------------------------------------------------------ */

static uint64_t live_blocks(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        /* of ended threads and our own: nobody else is there */
        check_cache(threads_theap(number));
    }
    heap_figures(&stats);
    return stats.live_blocks;
}

enum { SLOTS = 512, EXCHANGES = 30000 };

static _Atomic(unsigned char *) slots[SLOTS];

/* Puts a new block where another thread's stood, and frees that one. */
static void *exchange(void *seed)
{
    struct random random = { (uint64_t)(uintptr_t)seed };
    for (int i = 0; i < EXCHANGES; i++) {
        size_t size = 16 + random_below(&random, random_below(&random, 50) == 0 ? 80000 : 400);
        unsigned char *block = heap_alloc(size);
        if (block == NULL)
            return seed;
        block[0] = block[size - 1] = (unsigned char)size;
        block[1] = (unsigned char)(size >> 8);
        size_t slot = random_below(&random, SLOTS);
        block = atomic_exchange_explicit(&slots[slot], block, memory_order_acq_rel);
        heap_free(block, "test");
        if (random_below(&random, 10000) == 0)
            purge_all();
    }
    return NULL;
}

static void blocks_change_hands(void **state)
{
    (void)state;
    uint64_t before = live_blocks();
    for (int round = 0; round < 2; round++) {
        pthread_t threads[THREADS];
        for (uintptr_t t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, exchange, (void *)(t + 1)), 0);
        for (size_t t = 0; t < THREADS; t++) {
            void *failed;
            pthread_join(threads[t], &failed);
            assert_null(failed);
        }
        check_heap();
    }
    for (size_t i = 0; i < SLOTS; i++)
        heap_free(atomic_exchange(&slots[i], NULL), "test");
    theap_flush(threads_current());
    check_heap();
    assert_int_equal(live_blocks(), before);
}

static void *free_all_slots(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < SLOTS; i++)
        heap_free(atomic_exchange(&slots[i], NULL), "test");
    return NULL;
}

/* What a thread frees and has not passed on yet is passed on when it ends. */
static void the_last_batch_arrives_too(void **state)
{
    (void)state;
    uint64_t before = live_blocks();
    for (size_t count = 1; count <= 40; count++) {
        pthread_t thread;
        for (size_t i = 0; i < count; i++)
            atomic_store(&slots[i], heap_alloc(16 * count));
        assert_int_equal(pthread_create(&thread, NULL, free_all_slots, NULL), 0);
        pthread_join(thread, NULL);
        assert_int_equal(live_blocks(), before);
    }
    check_heap();
}

/* However far apart the owners' numbers are; there is nobody behind these, so nothing is posted. */
static void each_owner_has_a_batch_of_its_own(void **state)
{
    (void)state;
    enum { EACH = 20 };
    static const uint32_t owners[] = { 5, 5 + 256, 5 + 16384, 5 + 2 * 16384, THEAP_NONE - 1 };
    static _Alignas(16) char blocks[COUNT(owners)][EACH][16];
    for (size_t n = 0; n < EACH; n++)
        for (size_t i = 0; i < COUNT(owners); i++)
            theap_free_remote(&theap, owners[i], bin_bytes(&theap.bins[1]),
                              (struct block *)blocks[i][n]);
    assert_int_equal(theap.outgoing.count, COUNT(owners));
    for (size_t i = 0; i < COUNT(owners); i++) {
        assert_int_equal(theap_outgoing(&theap, owners[i])->owner, owners[i]);
        assert_int_equal(theap_outgoing(&theap, owners[i])->chain.count, EACH);
    }
    theap_forget_batch(&theap, owners[2]);
    assert_int_equal(theap.outgoing.count, COUNT(owners) - 1);
    theap_forget_outgoing(&theap);
    for (size_t i = 0; i < COUNT(owners); i++)
        assert_int_equal(theap_outgoing(&theap, owners[i])->owner, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_free_lock_lets_a_chain_straight_in, start, finish),
        cmocka_unit_test_setup_teardown(a_held_lock_leads_to_the_inbox, start, finish),
        cmocka_unit_test_setup_teardown(long_blocks_wait_for_the_owner, start, finish),
        cmocka_unit_test_setup_teardown(nothing_waits_for_an_owner_that_is_gone, start, finish),
        cmocka_unit_test_setup_teardown(many_post_at_once, start, finish),
        cmocka_unit_test_setup_teardown(each_owner_has_a_batch_of_its_own, start, finish),
        cmocka_unit_test(blocks_change_hands),
        cmocka_unit_test(the_last_batch_arrives_too),
    };
    return cmocka_run_group_tests_name("remote frees", tests, NULL, NULL);
}
