/* SPDX-License-Identifier: MIT */
/* A bin's spare list belongs to the thread whose exchange got it. The owner exchanges without a lock, so it may
 * do so between any two instructions of a release by another thread. Here it does, after each of them in turn. */
#include "test.h"

#include "heap/heap.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"
#include "stress/single_step.h"

enum { BLOCKS = 3000 }; /* more than any list holds */

static struct theap *theap;
static struct bin *bin;
static size_t step, owner_comes_at;
static struct block *owners;

/* A full list becomes the spare one. */
static void fill_spare_list(void)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = heap_alloc(1));
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
    assert_non_null(bin->spare);
}

/* Only the exchange, as of theap_refill; what comes after it does not matter to who releases. */
static void maybe_owner_comes(void)
{
    if (step++ != owner_comes_at)
        return;
    owners = atomic_exchange(&bin->spare, NULL);
    stepping = 0;
}

static void release(void)
{
    os_lock(&theap->lock);
    theap_release_spares(theap, true);
    os_unlock(&theap->lock);
}

static void give_back(struct block *list)
{
    os_lock(&theap->lock);
    slab_give(theap, list);
    os_unlock(&theap->lock);
}

static void a_spare_list_has_one_taker(void **state)
{
    size_t taken = 0;
    (void)state;
    theap = threads_current();
    bin = &theap->bins[size_class_of(1)];
    assert_int_equal(single_step_prepare(), 0);
    for (owner_comes_at = 0;; owner_comes_at++) {
        fill_spare_list();
        owners = NULL;
        step = 0;
        single_step(release, maybe_owner_comes);
        assert_true(step > owner_comes_at);
        assert_null(bin->spare);
        check_heap();
        if (owners == NULL)
            break; /* from here on the release has it */
        give_back(owners);
        taken++;
    }
    print_message("             the owner was first after each of %zu instructions\n", taken);
    assert_true(taken > 2);
    check_heap();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_spare_list_has_one_taker) };
    return cmocka_run_group_tests_name("spare lists", tests, NULL, NULL);
}
