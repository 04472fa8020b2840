/* SPDX-License-Identifier: MIT */
/* The system refuses: each of its functions fails at its n-th call, for every n that there is, once
 * or for ever after. Allocation then gives NULL, and nothing else: what was there stays as it was,
 * all records agree, and when the system is willing again everything goes on.
 *
 * Each case runs in a child. In builds that leave malloc alone the heap has not been used before,
 * so that its making is part of it. */
#include "child.h"

#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/threads.h"
#include "invariants.h"
#include "os/vm.h"
#include "region/large.h"
#include "region/region.h"

#include <pthread.h>

/* ---- the system, willing or not ------------------------------------------------------------ */

enum call { RESERVE, COMMIT, PURGE, MOVE, RENEW, CALLS };

static const char *const call_names[CALLS] = {
    "os_reserve", "os_commit", "os_purge", "os_move", "os_renew",
};

static struct {
    bool armed, for_ever;
    enum call call;
    size_t nth, count, refused;
} faults;

/* The C library's own needs are not the subject. */
static _Thread_local bool exempt;

static bool is_refused(enum call call)
{
    if (exempt || !faults.armed || call != faults.call)
        return false;
    faults.count++;
    bool refused = faults.count == faults.nth || (faults.for_ever && faults.count > faults.nth);
    faults.refused += refused;
    return refused;
}

#define WRAP_BOOL(name, call, parameters, arguments)                                               \
    bool __real_##name parameters;                                                                 \
    bool __wrap_##name parameters;                                                                 \
    bool __wrap_##name parameters                                                                  \
    {                                                                                              \
        return !is_refused(call) && __real_##name arguments;                                       \
    }

WRAP_BOOL(os_commit, COMMIT, (void *address, size_t size), (address, size))
WRAP_BOOL(os_purge, PURGE, (void *address, size_t size), (address, size))
WRAP_BOOL(os_renew, RENEW, (void *address, size_t size), (address, size))

enum os_moved __real_os_move(void *from, void *to, size_t size);
enum os_moved __wrap_os_move(void *from, void *to, size_t size);

enum os_moved __wrap_os_move(void *from, void *to, size_t size)
{
    return is_refused(MOVE) ? OS_NOT_MOVED : __real_os_move(from, to, size);
}

void *__real_os_reserve(size_t size);
void *__wrap_os_reserve(size_t size);
void *__real_os_reserve_aligned(size_t size, size_t align, size_t offset);
void *__wrap_os_reserve_aligned(size_t size, size_t align, size_t offset);

void *__wrap_os_reserve(size_t size)
{
    return is_refused(RESERVE) ? NULL : __real_os_reserve(size);
}

void *__wrap_os_reserve_aligned(size_t size, size_t align, size_t offset)
{
    return is_refused(RESERVE) ? NULL : __real_os_reserve_aligned(size, align, offset);
}

/* ---- what a program does ------------------------------------------------------------------- */

enum { BLOCKS = 200, STEPS = 300 };

static struct {
    unsigned char *block;
    size_t size;
    unsigned char stamp;
} all[BLOCKS];

static size_t refusals; /* allocations that gave NULL */

static void check_stamp(size_t i)
{
    const unsigned char *bytes = all[i].block;
    for (size_t at = 0; at < all[i].size; at += at + 4096 < all[i].size ? 4096 : 1)
        assert_int_equal(bytes[at], all[i].stamp);
}

static void put(size_t i, void *block, size_t size)
{
    all[i].block = block;
    all[i].size = size;
    all[i].stamp = (unsigned char)(i * 3 + 1);
    if (block != NULL)
        memset(block, all[i].stamp, size);
    else
        refusals++;
}

static void check_zero(const unsigned char *block, size_t size)
{
    if (block != NULL && size != 0)
        assert_true(block[0] == 0 && memcmp(block, block + 1, size - 1) == 0);
}

static void resize(size_t i, size_t size)
{
    check_stamp(i);
    size_t kept = size < all[i].size ? size : all[i].size;
    void *block = heap_realloc(all[i].block, size, "test");
    if (block == NULL) {
        refusals++;
        check_stamp(i);
        return;
    }
    all[i].block = block;
    all[i].size = kept;
    check_stamp(i);
    put(i, block, size);
}

static void drop(size_t i)
{
    check_stamp(i);
    heap_free(all[i].block, "test");
    all[i].block = NULL;
}

static size_t random_size(struct random *random)
{
    switch (random_below(random, 10)) {
    case 0:
        return 65537 + random_below(random, 300000);
    case 1:
    case 2:
        return random_below(random, 66000);
    default:
        return random_below(random, 3000);
    }
}

/* A few blocks that grow so long that they are moved. */
static void step_long(struct random *random)
{
    size_t i = random_below(random, 6);
    if (all[i].block == NULL)
        put(i, heap_alloc(600000), 600000);
    else if (all[i].size < 2500000)
        resize(i, all[i].size + 70000 + random_below(random, 1000000));
    else
        drop(i);
}

static void step(struct random *random)
{
    if ((faults.call == MOVE || faults.call == RENEW) && random_below(random, 8) == 0)
        return step_long(random);
    size_t i = random_below(random, BLOCKS), size = random_size(random);
    size_t what = random_below(random, 10);
    if (all[i].block == NULL && what < 3) {
        unsigned char *block = heap_alloc_zero(size);
        check_zero(block, size);
        put(i, block, size);
    } else if (all[i].block == NULL) {
        put(i, what < 5 ? heap_alloc_aligned((size_t)16 << what * 3, size) : heap_alloc(size),
            size);
    } else if (what < 4) {
        resize(i, size + 1);
    } else {
        drop(i);
    }
    if (random_below(random, 60) == 0)
        purge_all();
    if (random_below(random, 30) == 0)
        region_purge(false);
}

static void *other_thread(void *block)
{
    heap_free(block, "test");
    void *own = heap_alloc(100);
    heap_free(own, "test");
    return NULL;
}

/* A thread for which there may be no theap frees a block all the same. */
static void free_elsewhere(void)
{
    void *block = heap_alloc(100);
    pthread_t thread;
    exempt = true;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, block), 0);
    exempt = false;
    pthread_join(thread, NULL);
}

static void check_if_made(void)
{
    check_heap();
}

static void go_on(struct random *random)
{
    faults.armed = false;
    refusals = 0;
    for (int i = 0; i < 300; i++)
        step(random);
    assert_int_equal(refusals, 0);
    check_heap();
    for (size_t i = 0; i < BLOCKS; i++)
        if (all[i].block != NULL)
            drop(i);
    check_heap();
    purge_all();
    check_heap();
    assert_int_equal(region_dirty(), 0);
}

/* Returns 1 when the call that should have failed was never made. */
static int run_case(void *unused)
{
    (void)unused;
    struct random random = { 1 + faults.nth };
    faults.count = 0;
    faults.armed = true;
    for (int i = 0; i < STEPS; i++) {
        step(&random);
        if (i % 100 == 0) {
            faults.armed = false;
            check_if_made();
            faults.armed = true;
        }
        if (i % 250 == 0)
            free_elsewhere();
    }
    faults.armed = false;
    check_if_made();
    bool reached = faults.count >= faults.nth;
    go_on(&random);
    return reached ? 0 : 1;
}

static void refuse_every(enum call call, bool for_ever)
{
    faults.call = call;
    faults.for_ever = for_ever;
    size_t n = 1;
    for (; n <= 20; n += n < 4 ? 1 : n) {
        faults.nth = n;
        if (run_in_child(run_case, NULL) != 0)
            break;
    }
    print_message("             %s: up to call %zu\n", call_names[call], n);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int start(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    return 0;
}

#define REFUSAL_TESTS(name, call)                                                                  \
    static void name##_fails_once(void **state)                                                    \
    {                                                                                              \
        (void)state;                                                                               \
        refuse_every(call, false);                                                                 \
    }                                                                                              \
    static void name##_fails_for_ever(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        refuse_every(call, true);                                                                  \
    }

REFUSAL_TESTS(reserve, RESERVE)
REFUSAL_TESTS(commit, COMMIT)
REFUSAL_TESTS(purge, PURGE)
REFUSAL_TESTS(move, MOVE)
REFUSAL_TESTS(renew, RENEW)

/* Everything committed is in use, and there is no more: NULL until something is freed. */
static int run_dry(void *unused)
{
    (void)unused;
    static void *blocks[1 << 16];
    size_t count = 0;
    heap_free(heap_alloc(1), "test");
    faults.call = COMMIT;
    faults.for_ever = true;
    faults.nth = 1;
    faults.count = 0;
    faults.armed = true;
    while (count < COUNT(blocks) && (blocks[count] = heap_alloc(1000)) != NULL)
        count++;
    assert_true(count > 0 && count < COUNT(blocks));
    for (int i = 0; i < 100; i++) {
        assert_null(heap_alloc(1000));
        assert_null(heap_alloc(100000));
    }
    heap_free(blocks[--count], "test");
    assert_non_null(blocks[count++] = heap_alloc(1000));
    faults.armed = false;
    check_heap();
    while (count > 0)
        heap_free(blocks[--count], "test");
    purge_all();
    check_heap();
    return 0;
}

static void a_dry_heap_gives_null(void **state)
{
    (void)state;
    run_in_child(run_dry, NULL);
}

/* Threads that find no memory for a theap of their own lose nothing by asking again and again. */
static void *ask_often(void *failed)
{
    for (int i = 0; i < 1000; i++)
        *(bool *)failed |= heap_alloc(100) != NULL;
    return NULL;
}

static int run_without_theap(void *unused)
{
    (void)unused;
    pthread_t thread;
    bool got = false;
    heap_free(heap_alloc(1), "test");
    size_t before = region_committed();
    region_settings.commit_limit = before;
    assert_int_equal(pthread_create(&thread, NULL, ask_often, &got), 0);
    pthread_join(thread, NULL);
    region_settings.commit_limit = 0;
    assert_int_equal(region_committed(), before);
    check_heap();
    return 0;
}

static void asking_in_vain_costs_nothing(void **state)
{
    (void)state;
    run_in_child(run_without_theap, NULL);
}

/* What is live makes regions large; the system is not asked for every size below at every call. */
static int fail_beside_live_blocks(void *unused)
{
    enum { LIVE = 40, SIZE = 4 << 20, FAILING = 20, MOST = 4 };
    (void)unused;
    for (int i = 0; i < LIVE; i++)
        assert_non_null(heap_alloc(SIZE));
    faults.armed = faults.for_ever = true;
    faults.call = RESERVE;
    while (heap_alloc(1000) != NULL)
        ;
    faults.count = 0;
    for (int i = 0; i < FAILING; i++)
        assert_null(heap_alloc(1000));
    faults.armed = false;
    print_message("%zu reservations refused in %d calls that fail\n", faults.count, FAILING);
    assert_true(faults.count <= (size_t)MOST * FAILING);
    assert_non_null(heap_alloc(64 << 20));
    return 0;
}

static void a_call_that_fails_asks_the_system_few_times(void **state)
{
    (void)state;
    run_in_child(fail_beside_live_blocks, NULL);
}

#define FAULT_TEST(test) cmocka_unit_test_setup(test, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(reserve_fails_once),
        FAULT_TEST(reserve_fails_for_ever),
        FAULT_TEST(commit_fails_once),
        FAULT_TEST(commit_fails_for_ever),
        FAULT_TEST(purge_fails_once),
        FAULT_TEST(purge_fails_for_ever),
        FAULT_TEST(move_fails_once),
        FAULT_TEST(move_fails_for_ever),
        FAULT_TEST(renew_fails_once),
        FAULT_TEST(renew_fails_for_ever),
        FAULT_TEST(a_dry_heap_gives_null),
        FAULT_TEST(asking_in_vain_costs_nothing),
        FAULT_TEST(a_call_that_fails_asks_the_system_few_times),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
