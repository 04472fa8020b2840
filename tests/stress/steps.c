/* SPDX-License-Identifier: MIT */
/* A thread is stopped after each single instruction of a call, where nothing can be half done: then
 * another thread forks, and the child must find a heap that works; or a signal handler allocates.
 * The processor's trap flag does the stopping, so no place is left to chance. */
#include <windows.h>

#include "crew.h"
#include "guard.h"
#include "single_step.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/scale.h"
#include "support/suite.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    EVERY_STEP = 120, /* so many at first, then the first of each STRIDE ... */
    STRIDE = 29,
    MOST_STOPS = 400, /* ... up to these */
    BLOCKS = 40
};

/* ---- one instruction at a time -------------------------------------------------------------- */

static void (*stepped)(void), (*at_step)(void);
static volatile size_t step, stops, stops_of_call;

static void maybe_stop(void)
{
    if (step++ < EVERY_STEP || (step % STRIDE == 0 && stops_of_call < MOST_STOPS)) {
        stops++;
        stops_of_call++;
        at_step();
    }
}

static void run_in_steps(void call(void), void hook(void))
{
    stepped = call;
    at_step = hook;
    step = stops_of_call = 0;
    single_step(call, maybe_stop);
}

/* ---- the calls ------------------------------------------------------------------------------ */

static HANDLE shared, bounded;
static void *mine[BLOCKS], *of_other[BLOCKS];

static void allocate_and_free(size_t size)
{
    void *block = opaque(malloc(size));
    REQUIRE(block != NULL);
    free(block);
}

static void small(void)
{
    allocate_and_free(64);
}

static void medium(void)
{
    allocate_and_free(20000);
}

/* More than the cache holds, of many lengths: free runs are divided and joined. */
static void joined(void)
{
    for (int i = 0; i < BLOCKS; i++)
        REQUIRE((mine[i] = malloc(5000 + 1700 * (size_t)i)) != NULL);
    for (int i = 0; i < BLOCKS; i += 2)
        free(mine[i]);
    for (int i = 1; i < BLOCKS; i += 2)
        free(mine[i]);
}

static void large(void)
{
    allocate_and_free(300000);
}

/* Fetches lists and gives them back. */
static void many(void)
{
    for (int i = 0; i < BLOCKS; i++)
        REQUIRE((mine[i] = malloc(2000)) != NULL);
    for (int i = 0; i < BLOCKS; i++)
        free(mine[i]);
}

static void resize(void)
{
    char *block = malloc(100);
    REQUIRE(block != NULL && (block = realloc(block, 3000)) != NULL);
    free(block);
}

/* In place and by moving, with its neighbours free and in use. */
static void resize_medium(void)
{
    char *block = malloc(9000), *next = malloc(30000);
    REQUIRE(block != NULL && next != NULL);
    REQUIRE((block = realloc(block, 12000)) != NULL);
    free(next);
    REQUIRE((block = realloc(block, 30000)) != NULL && (block = realloc(block, 5000)) != NULL);
    free(block);
    void *aligned = aligned_alloc(16384, 20000);
    REQUIRE(aligned != NULL);
    free(aligned);
}

/* The blocks go to the other thread in a batch; the longer ones in many. */
static void free_of_other(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(of_other[i]);
        of_other[i] = NULL;
    }
}

/* A bounded heap that another thread was changing at the moment of the fork may be half changed for
 * ever: then it refuses, and does no more. */
static bool may_refuse(HANDLE heap);

static void use_heap(HANDLE heap)
{
    enum { USED = 4 };
    uintptr_t *blocks[USED];
    for (uintptr_t i = 0; i < USED; i++) {
        if ((blocks[i] = HeapAlloc(heap, 0, 50 + 900 * i)) == NULL)
            REQUIRE(may_refuse(heap) && GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
        else
            *blocks[i] = (uintptr_t)&blocks[i];
    }
    for (int i = 0; i < USED; i++) {
        REQUIRE(blocks[i] == NULL || *blocks[i] == (uintptr_t)&blocks[i]);
        REQUIRE(may_refuse(heap) || HeapFree(heap, 0, blocks[i]));
    }
}

static void use_shared(void)
{
    use_heap(shared);
}

static void use_bounded(void)
{
    use_heap(bounded);
}

static void make_heap(void)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    REQUIRE(heap != NULL && HeapAlloc(heap, 0, 100) != NULL);
    REQUIRE(HeapDestroy(heap));
}

static bool is_child;

static bool may_refuse(HANDLE heap)
{
    return is_child && heap == bounded && stepped == use_bounded;
}

static void (*const calls[])(void) = { small,      medium,      joined,        large,
                                       many,       resize,      resize_medium, free_of_other,
                                       use_shared, use_bounded, make_heap };

static void make_blocks_of_other(void)
{
    for (int i = 0; i < BLOCKS; i++)
        REQUIRE((of_other[i] = malloc(i % 4 == 3 ? 9000 : 500)) != NULL);
}

/* ---- what must still work ------------------------------------------------------------------- */

static void *use_all(void *number)
{
    static const size_t sizes[] = { 1, 64, 100, 500, 2000, 3000, 6000, 20000, 100000, 300000 };
    enum { SIZES = sizeof sizes / sizeof sizes[0], EACH = 12 };
    unsigned char *blocks[SIZES][EACH];
    for (size_t s = 0; s < SIZES; s++)
        for (size_t i = 0; i < EACH; i++) {
            REQUIRE((blocks[s][i] = malloc(sizes[s])) != NULL);
            blocks[s][i][0] = blocks[s][i][sizes[s] - 1] = (unsigned char)((size_t)number * 96 + i);
        }
    for (size_t s = 0; s < SIZES; s++)
        for (size_t i = 0; i < EACH; i++) {
            unsigned char wanted = (unsigned char)((size_t)number * 96 + i);
            REQUIRE(blocks[s][i][0] == wanted && blocks[s][i][sizes[s] - 1] == wanted);
            free(blocks[s][i]);
        }
    use_shared();
    use_bounded();
    make_heap();
    return NULL;
}

/* Two threads, so that one of them comes by what the stopped thread had. */
static _Noreturn void be_child(void)
{
    guard_child();
    is_child = true;
    if (stepped != free_of_other)
        free_of_other();
    crew_run(2, use_all);
    _exit(0);
}

/* ---- the other thread forks ----------------------------------------------------------------- */

static atomic_bool fork_wanted, done;
static atomic_size_t failures;

static void *forks_when_asked(void *unused)
{
    (void)unused;
    make_blocks_of_other();
    atomic_store(&fork_wanted, false);
    while (!atomic_load(&done)) {
        if (!atomic_load(&fork_wanted)) {
            sched_yield();
            continue;
        }
        pid_t pid = fork();
        if (pid == 0)
            be_child();
        if (pid < 0 || !guard_wait(pid))
            atomic_fetch_add(&failures, 1);
        atomic_store(&fork_wanted, false);
    }
    return NULL;
}

static void have_other_fork(void)
{
    atomic_store(&fork_wanted, true);
    while (atomic_load(&fork_wanted))
        sched_yield();
}

static void child_of_fork_after_any_instruction(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct crew crew = { .count = 0 };
        atomic_store(&done, false);
        atomic_store(&fork_wanted, true); /* until it has its blocks */
        crew_start(&crew, 1, forks_when_asked);
        while (atomic_load(&fork_wanted))
            sched_yield();
        run_in_steps(calls[i], have_other_fork);
        atomic_store(&done, true);
        crew_join(&crew);
        free_of_other();
    }
    use_all(NULL);
    assert_int_equal(atomic_load(&failures), 0);
    assert_true(stops > sizeof calls / sizeof calls[0] * EVERY_STEP / 2);
}

/* ---- a handler allocates -------------------------------------------------------------------- */

enum { KEPT = 3000 };
static void *kept[KEPT];
static volatile size_t freed_kept;

/* POSIX forbids it, so there may be no memory, when the thread itself holds what is asked for; and
 * the sizes are others than the calls', for in its few instructions without a lock a list is not
 * guarded against its own thread. */
static void allocate_in_handler(void)
{
    void *blocks[3];
    if (freed_kept < KEPT)
        free(kept[freed_kept++]);
    for (int i = 0; i < 3; i++)
        REQUIRE((blocks[i] = malloc(i == 2 ? 40000 : 300)) != NULL || errno == ENOMEM);
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
}

static void handler_that_allocates_after_any_instruction(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        make_blocks_of_other();
        for (size_t k = 0; k < KEPT; k++)
            REQUIRE((kept[k] = malloc(k % 3 * 11000 + 700)) != NULL);
        freed_kept = 0;
        run_in_steps(calls[i], allocate_in_handler);
        while (freed_kept < KEPT)
            free(kept[freed_kept++]);
        free_of_other();
        use_all(NULL);
    }
}

static int set_up(void **state)
{
    (void)state;
    shared = HeapCreate(0, 0, 0);
    bounded = HeapCreate(0, 0, 1 << 20);
    for (int i = 0; i < 200; i++) /* until this thread has the right of way, see private/lock.c */
        use_bounded();
    return shared == NULL || bounded == NULL || single_step_prepare() != 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_of_fork_after_any_instruction),
        cmocka_unit_test(handler_that_allocates_after_any_instruction),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
