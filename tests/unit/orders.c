/* SPDX-License-Identifier: MIT */
/* The memory orders of the library's lock-free places, each as a small program that is run in every
 * way that C11's memory allows (orders/machine.h). Each is also run with one order less: that must
 * fail, which shows both that the order is needed and that the search would find its absence. */
#include "test.h"

#include "orders/machine.h"

static void in_every_way(const char *name, const struct program *program)
{
    struct outcome outcome = run_in_every_way(program);
    print_message("             %s: %zu states, %zu runs\n", name, outcome.states, outcome.runs);
    if (outcome.failure != NULL)
        fail_msg("%s", outcome.failure);
    assert_true(outcome.states > 2);
}

static void not_in_every_way(const char *name, const struct program *program)
{
    struct outcome outcome = run_in_every_way(program);
    print_message("             %s: %s\n", name,
                  outcome.failure != NULL ? outcome.failure : "nothing found");
    assert_non_null(outcome.failure);
}

/* The order that a program has at this place, or the weaker one that it is tried with. */
static bool weaker;

static enum order at_most(enum order order)
{
    return weaker ? RELAXED : order;
}

/* The orders that a program's threads go by; it ends with one without a name. */
struct needed {
    const char *name;
    enum order *order, as_it_is;
};

/* Holds with all of them as they are, and not with any one of them relaxed. */
static void needs_each(const struct program *program, const struct needed *orders)
{
    const struct needed *each;
    for (each = orders; each->name != NULL; each++)
        *each->order = each->as_it_is;
    in_every_way("as it is", program);
    for (each = orders; each->name != NULL; each++) {
        *each->order = RELAXED;
        not_in_every_way(each->name, program);
        *each->order = each->as_it_is;
    }
}

/* ---- the machine itself: what is known of C11 ---------------------------------------------- */

enum { X, Y, Z };

static long read_1, read_2;

static void sends(void)
{
    plain_write(Z, 5);
    store(X, 1, at_most(RELEASE));
}

static void receives(void)
{
    if (load(X, ACQUIRE) == 1)
        expect(plain_read(Z) == 5, "a message is old");
}

static void messages_pass(void **state)
{
    const struct program program = { 2, { sends, receives }, NULL };
    (void)state;
    weaker = false;
    in_every_way("release and acquire", &program);
    weaker = true;
    not_in_every_way("relaxed", &program);
}

static void stores_x_loads_y(void)
{
    store(X, 1, RELEASE);
    if (!weaker)
        barrier_all();
    read_1 = load(Y, ACQUIRE);
}

static void stores_y_loads_x(void)
{
    store(Y, 1, RELEASE);
    read_2 = load(X, ACQUIRE);
}

static void one_read_a_store(void)
{
    expect(read_1 == 1 || read_2 == 1, "each load passed the store before it");
}

/* Store buffering: what a one-sided barrier prevents and release and acquire do not. */
static void stores_wait_in_buffers(void **state)
{
    const struct program program = { 2, { stores_x_loads_y, stores_y_loads_x }, one_read_a_store };
    (void)state;
    weaker = false;
    in_every_way("with a barrier on one side", &program);
    weaker = true;
    not_in_every_way("release and acquire only", &program);
}

/* ---- the inbox: push_inbox and theap_drain, heap/theap.c ----------------------------------- */

/* Batches 1 and 2, each a block with a link and contents that the poster wrote. */
enum { INBOX, LINK_1, LINK_2, GOT_1, GOT_2, LOCK };

static enum order push_order, drain_order;

static void post(long batch)
{
    long head = load(INBOX, RELAXED);
    do
        plain_write(batch == 1 ? LINK_1 : LINK_2, head);
    while (!compare_exchange(INBOX, &head, batch, push_order));
}

static void posts_1(void)
{
    post(1);
}

static void posts_2(void)
{
    post(2);
}

static void sort_in(long batch)
{
    while (batch != 0) {
        unsigned got = batch == 1 ? GOT_1 : GOT_2;
        plain_write(got, plain_read(got) + 1);
        batch = plain_read(batch == 1 ? LINK_1 : LINK_2);
    }
}

static void drain(void)
{
    if (load(INBOX, RELAXED) != 0)
        sort_in(exchange(INBOX, 0, drain_order));
}

static void owner_drains(void)
{
    lock(LOCK);
    drain();
    unlock(LOCK);
}

/* The background purge, or a thread that wants the blocks' state. */
static void other_drains(void)
{
    if (!try_lock(LOCK))
        return;
    drain();
    unlock(LOCK);
}

static void all_came_once(void)
{
    drain();
    expect(plain_read(GOT_1) == 1 && plain_read(GOT_2) == 1, "a batch came twice or never");
}

static void the_inbox_loses_nothing(void **state)
{
    const struct program program = { 4,
                                     { posts_1, posts_2, owner_drains, other_drains },
                                     all_came_once };
    const struct needed orders[] = { { "relaxed push", &push_order, RELEASE },
                                     { "relaxed drain", &drain_order, ACQUIRE },
                                     { NULL, NULL, RELAXED } };
    (void)state;
    needs_each(&program, orders);
}

/* ---- spare lists: take_spare, put_spare and theap_release_spares ---------------------------- */

enum { SPARE = 8, LIST_1, LIST_2, USED_1, USED_2 };

static enum order put_order, take_order;

/* Only the exchange tells who has the list: with `trusting`, the look before it does. */
static bool trusting;

static void take_list(void)
{
    if (load(SPARE, RELAXED) == 0)
        return;
    long list = exchange(SPARE, 0, take_order);
    expect(list != 0 || !trusting, "no list where one was seen");
    if (list == 0)
        return;
    unsigned used = list == 1 ? USED_1 : USED_2;
    expect(plain_read(list == 1 ? LIST_1 : LIST_2) == list, "a list's links are not there");
    plain_write(used, plain_read(used) + 1);
}

/* Overflows twice, each time with a new list, and then runs dry. */
static void owner_exchanges(void)
{
    plain_write(LIST_1, 1);
    take_list();
    store(SPARE, 1, put_order);
    plain_write(LIST_2, 2);
    take_list();
    store(SPARE, 2, put_order);
    take_list();
}

static void others_release(void)
{
    lock(LOCK);
    take_list();
    unlock(LOCK);
}

static void each_list_was_taken_once(void)
{
    expect(plain_read(USED_1) == 1 && plain_read(USED_2) == 1, "a list was taken twice or never");
}

static void spare_lists_have_one_taker(void **state)
{
    const struct program program = { 3,
                                     { owner_exchanges, others_release, others_release },
                                     each_list_was_taken_once };
    const struct needed orders[] = { { "relaxed put", &put_order, RELEASE },
                                     { "relaxed take", &take_order, ACQUIRE },
                                     { NULL, NULL, RELAXED } };
    (void)state;
    trusting = false;
    needs_each(&program, orders);
    trusting = true;
    not_in_every_way("a look instead of the exchange", &program);
}

/* ---- tags, descriptors and the frontier: region/span.h ------------------------------------- */

enum { FRONTIER, TAG, KIND, COMMITTED, OWNER, BLOCK };

static enum order frontier_order, kind_order;

/* region_alloc at the frontier, make_slab, and the program passes a block on. */
static void makes_a_slab(void)
{
    plain_write(COMMITTED, 1); /* mprotect of the descriptors */
    store(FRONTIER, 1, frontier_order);
    store(OWNER, 7, RELAXED);
    store(KIND, 1, kind_order);
    store(TAG, 7, RELAXED);
    store(BLOCK, 1, RELEASE);
}

/* free() by the thread that was given the block: the tag is there without any order of ours. */
static void frees_the_block(void)
{
    if (load(BLOCK, ACQUIRE) == 0)
        return;
    expect(load(TAG, RELAXED) == 7, "the tag of a block is not there");
    expect(load(FRONTIER, ACQUIRE) == 1, "a block lies beyond the frontier");
    expect(plain_read(COMMITTED) == 1, "its descriptor can't be read");
    expect(load(OWNER, RELAXED) == 7, "its slab has no owner");
}

/* The search for holes, or a free of a wild pointer: has been told of nothing. */
static void comes_upon_it(void)
{
    if (load(FRONTIER, ACQUIRE) == 0)
        return;
    expect(plain_read(COMMITTED) == 1, "a descriptor below the frontier can't be read");
    if (load(KIND, ACQUIRE) == 1)
        expect(load(OWNER, RELAXED) == 7, "a slab is seen before it is made");
}

static void descriptors_are_there_when_seen(void **state)
{
    const struct program program = { 3, { makes_a_slab, frees_the_block, comes_upon_it }, NULL };
    const struct needed orders[] = { { "relaxed frontier", &frontier_order, RELEASE },
                                     { "relaxed kind", &kind_order, RELEASE },
                                     { NULL, NULL, RELAXED } };
    (void)state;
    needs_each(&program, orders);
}

/* ---- a whole heap is locked: os/hold.h ------------------------------------------------------ */

enum { HELD, MUTEX, WORKING, WORKING_2, POOL, POOL_2, POOLS };

static enum order end_order, begin_order, let_go_order;
static bool with_barrier;

/* OS_WORK_BEGIN, the work, os_work_end; when the heap is held, behind its mutex, once more. */
static void work_in(unsigned working, unsigned pool)
{
    for (;;) {
        store(working, 1, RELAXED);
        if (load(HELD, begin_order) == 0)
            break;
        store(working, 0, end_order);
        lock(MUTEX);
        unlock(MUTEX);
    }
    plain_write(pool, plain_read(pool) + 1);
    store(working, 0, end_order);
}

static void works(void)
{
    work_in(WORKING, POOL);
}

static void works_twice(void)
{
    work_in(WORKING, POOL);
    work_in(WORKING, POOL);
}

/* Its pool is not in the heap's list yet. */
static void attaches_and_works(void)
{
    plain_write(POOL_2, 10);
    store(POOLS, 1, RELEASE);
    work_in(WORKING_2, POOL_2);
}

static void locks_the_heap(void)
{
    lock(MUTEX);
    store(HELD, 1, RELEASE);
    if (with_barrier)
        barrier_all();
    await(WORKING, 0, ACQUIRE);
    plain_write(POOL, plain_read(POOL) + 10);
    if (load(POOLS, ACQUIRE) == 1) {
        await(WORKING_2, 0, ACQUIRE);
        plain_write(POOL_2, plain_read(POOL_2) + 100);
    }
    store(HELD, 0, let_go_order);
    unlock(MUTEX);
}

static void a_locked_heap_is_quiet(void **state)
{
    const struct program twice = { 2, { works_twice, locks_the_heap }, NULL };
    const struct program attaching = { 3, { works, attaches_and_works, locks_the_heap }, NULL };
    const struct needed orders[] = { { "relaxed end of the work", &end_order, RELEASE },
                                     { "relaxed begin of the work", &begin_order, ACQUIRE },
                                     { "relaxed release of the heap", &let_go_order, RELEASE },
                                     { NULL, NULL, RELAXED } };
    (void)state;
    with_barrier = true;
    needs_each(&twice, orders);
    in_every_way("a call and a thread that is new", &attaching);
    with_barrier = false;
    not_in_every_way("without the barrier", &twice);
}

/* ---- the right of way in a bounded heap: private/lock.c ------------------------------------- */

/* Words of thread 0, then of thread 1; `free_for` is 1 for the one that need not ask. */
enum { RIGHT_MUTEX, BUSY, FREE_FOR = BUSY + 2, HAS_RIGHT = FREE_FOR + 2, BLOCKS };

static void work_in_the_heap(void)
{
    plain_write(BLOCKS, plain_read(BLOCKS) + 1);
}

/* count_call: in the mutex the other's right is taken away, and the next call has one. */
static void work_behind_the_mutex(unsigned me)
{
    unsigned other = 1 - me;
    lock(RIGHT_MUTEX);
    if (plain_read(HAS_RIGHT) == 1 + (long)other) {
        store(FREE_FOR + other, 0, RELEASE);
        if (with_barrier)
            barrier_all();
        await(BUSY + other, 0, ACQUIRE);
    }
    work_in_the_heap();
    plain_write(HAS_RIGHT, 1 + (long)me);
    store(FREE_FOR + me, 1, let_go_order);
    unlock(RIGHT_MUTEX);
}

static void call_heap(unsigned me)
{
    store(BUSY + me, 1, RELAXED);
    bool is_free = load(FREE_FOR + me, begin_order) == 1;
    if (is_free)
        work_in_the_heap();
    store(BUSY + me, 0, end_order);
    if (!is_free)
        work_behind_the_mutex(me);
}

static void calls_twice(void)
{
    call_heap(0);
    call_heap(0);
}

static void calls_beside(void)
{
    call_heap(1);
    call_heap(1);
}

static void all_work_was_done(void)
{
    expect(plain_read(BLOCKS) == 4, "two worked in the heap at once");
}

static void one_thread_has_the_right_of_way(void **state)
{
    const struct program program = { 2, { calls_twice, calls_beside }, all_work_was_done };
    const struct needed orders[] = { { "relaxed end of the work", &end_order, RELEASE },
                                     { NULL, NULL, RELAXED } };
    (void)state;
    begin_order = ACQUIRE;
    let_go_order = RELEASE;
    with_barrier = true;
    needs_each(&program, orders);
    with_barrier = false;
    not_in_every_way("without the barrier", &program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_pass),
        cmocka_unit_test(stores_wait_in_buffers),
        cmocka_unit_test(the_inbox_loses_nothing),
        cmocka_unit_test(spare_lists_have_one_taker),
        cmocka_unit_test(descriptors_are_there_when_seen),
        cmocka_unit_test(a_locked_heap_is_quiet),
        cmocka_unit_test(one_thread_has_the_right_of_way),
    };
    return cmocka_run_group_tests_name("memory orders", tests, NULL, NULL);
}
