/* SPDX-License-Identifier: MIT */
/* The child of a fork has one thread, and whatever the others left half done: locks held, a purge
 * under way, caches full. It goes on with what is sound. Each situation is made on purpose: another
 * thread is stopped in it while the process forks. */
#include "child.h"

#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "invariants.h"
#include "os/vm.h"
#include "region/region_state.h"

#include <pthread.h>
#include <semaphore.h>

/* ---- stopping a thread inside -------------------------------------------------------------- */

static sem_t stopped, go_on;
static _Thread_local int stop_in; /* this thread stops in its next call of that function */

enum { STOP_IN_COMMIT = 1, STOP_IN_PURGE, STOP_IN_META };

static void stop_here(int function)
{
    if (stop_in != function)
        return;
    stop_in = 0;
    sem_post(&stopped);
    while (sem_wait(&go_on) != 0)
        ;
}

bool __real_os_commit(void *address, size_t size);
bool __wrap_os_commit(void *address, size_t size);
bool __real_os_purge(void *address, size_t size);
bool __wrap_os_purge(void *address, size_t size);
void *__real_region_meta(size_t size);
void *__wrap_region_meta(size_t size);

bool __wrap_os_commit(void *address, size_t size)
{
    stop_here(STOP_IN_COMMIT);
    return __real_os_commit(address, size);
}

bool __wrap_os_purge(void *address, size_t size)
{
    stop_here(STOP_IN_PURGE);
    return __real_os_purge(address, size);
}

void *__wrap_region_meta(size_t size)
{
    stop_here(STOP_IN_META);
    return __real_region_meta(size);
}

/* ---- what parent and child do -------------------------------------------------------------- */

enum { BLOCKS = 400 };

static unsigned char *shared[BLOCKS]; /* allocated before the fork, by this thread or another */

static void *fill_shared(void *first)
{
    for (size_t i = (size_t)(uintptr_t)first; i < BLOCKS; i += 2) {
        size_t size = 32 + i * i % 90000;
        shared[i] = heap_alloc(size);
        memset(shared[i], (int)i, size);
    }
    return NULL;
}

static void check_and_free_shared(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 32 + i * i % 90000;
        assert_true(shared[i][0] == (unsigned char)i && shared[i][size - 1] == (unsigned char)i);
        heap_free(shared[i], "test");
        shared[i] = NULL;
    }
}

static void work(void)
{
    static unsigned char *blocks[500];
    struct random random = { 12 };
    for (int i = 0; i < 4000; i++) {
        size_t at = random_below(&random, COUNT(blocks));
        size_t size = 2 + random_below(&random, random_below(&random, 40) == 0 ? 400000 : 2000);
        if (blocks[at] != NULL) {
            assert_int_equal(blocks[at][1], (unsigned char)at);
            heap_free(blocks[at], "test");
        }
        blocks[at] = heap_alloc(size);
        assert_non_null(blocks[at]);
        blocks[at][0] = blocks[at][1] = blocks[at][size - 1] = (unsigned char)at;
        if (i % 1000 == 0)
            purge_all();
    }
    for (size_t i = 0; i < COUNT(blocks); i++) {
        heap_free(blocks[i], "test");
        blocks[i] = NULL;
    }
}

/* Records that were caught half done are given up, so only a child of a calm moment has them all.
 */
static int in_sound_child(void *unused)
{
    (void)unused;
    heap_free(heap_alloc(100000), "test"); /* a slow path, so that it knows what it is */
    check_heap();
    check_and_free_shared();
    work();
    check_heap();
    return 0;
}

static int in_torn_child(void *unused)
{
    (void)unused;
    check_and_free_shared();
    work();
    purge_all();
    work();
    for (uint32_t number = 1; number <= threads_theaps(); number++)
        if (!threads_theap(number)->broken)
            check_theap(threads_theap(number));
    return 0;
}

/* ---- the stage ----------------------------------------------------------------------------- */

static void run(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
    pthread_join(thread, NULL);
}

static int start(void **state)
{
    (void)state;
    fill_shared((void *)0);
    run(fill_shared, (void *)1);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    check_and_free_shared();
    work();
    check_heap();
    return 0;
}

static pthread_t start_and_stop(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
    while (sem_wait(&stopped) != 0)
        ;
    return thread;
}

/* Forks while another thread stands where `body` stops it. */
static void fork_beside(void *(*body)(void *), void *argument, int (*child)(void *))
{
    pthread_t thread = start_and_stop(body, argument);
    run_in_child(child, NULL);
    sem_post(&go_on);
    pthread_join(thread, NULL);
}

static void stop_now(void)
{
    sem_post(&stopped);
    while (sem_wait(&go_on) != 0)
        ;
}

/* ---- situations ---------------------------------------------------------------------------- */

static void alone(void **state)
{
    (void)state;
    run_in_child(in_sound_child, NULL);
}

static void *hold_blocks(void *unused)
{
    (void)unused;
    void *blocks[50];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = heap_alloc(100);
    stop_now();
    for (size_t i = 0; i < COUNT(blocks); i++)
        heap_free(blocks[i], "test");
    return NULL;
}

static void beside_a_thread_at_rest(void **state)
{
    (void)state;
    fork_beside(hold_blocks, NULL, in_sound_child);
}

/* While it holds the lock, nothing that the lock protects is right. */
static void *hold_theap(void *argument)
{
    static uint32_t groups[SIZE_CLASSES][GROUPS];
    struct theap *theap = argument;
    os_lock(&theap->lock);
    size_t listed = theap->listed;
    memcpy(groups, theap->groups, sizeof groups);
    memset(theap->groups, 0, sizeof theap->groups);
    theap->listed = 0x123456789;
    stop_now();
    memcpy(theap->groups, groups, sizeof groups);
    theap->listed = listed;
    os_unlock(&theap->lock);
    return NULL;
}

static int with_its_own_theap(void *theap)
{
    void *block = heap_alloc(100000); /* more than the cache has: the child learns what it is */
    assert_ptr_equal(threads_current(), theap);
    assert_false(((struct theap *)theap)->broken);
    check_theap(theap);
    check_and_free_shared();
    work();
    purge_all();
    heap_free(block, "test");
    check_theap(theap);
    return 0;
}

static void while_a_purge_has_this_threads_theap(void **state)
{
    (void)state;
    pthread_t thread = start_and_stop(hold_theap, threads_current());
    run_in_child(with_its_own_theap, threads_current());
    sem_post(&go_on);
    pthread_join(thread, NULL);
}

/* What is free in a torn theap serves the child: it needs no more memory than its parent has. */
static int needs_no_more(void *blocks)
{
    struct region_figures before, after;
    heap_free(heap_alloc(100000), "test");
    region_figures(&before);
    for (size_t i = 0; i < (size_t)(uintptr_t)blocks; i++)
        assert_non_null(heap_alloc(500));
    region_figures(&after);
    assert_true(after.committed <= before.committed + ((size_t)1 << 20));
    return 0;
}

static void and_what_is_free_in_it_is_used(void **state)
{
    (void)state;
    enum { MANY = 40000 };
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = heap_alloc(500);
    for (size_t i = 0; i < MANY; i++)
        if (i % 64 != 0) /* so that no slab goes back whole */
            heap_free(blocks[i], "test");
    pthread_t thread = start_and_stop(hold_theap, threads_current());
    run_in_child(needs_no_more, (void *)(uintptr_t)(MANY - MANY / 32));
    sem_post(&go_on);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < MANY; i += 64)
        heap_free(blocks[i], "test");
}

/* The same of an arena: its runs are found again. */
static void *hold_arena(void *number)
{
    struct arena *arena = &region.arenas[(uintptr_t)number];
    os_lock(&arena->lock);
    struct run_set dirty = arena->dirty, clean = arena->clean;
    runs_forget(&arena->dirty);
    runs_forget(&arena->clean);
    stop_now();
    arena->dirty = dirty;
    arena->clean = clean;
    os_unlock(&arena->lock);
    return NULL;
}

static int finds_all_runs(void *bytes)
{
    struct region_figures before, after;
    heap_free(heap_alloc(100000), "test");
    size_t dirty = region_dirty();
    assert_true(dirty >= (size_t)(uintptr_t)bytes);
    region_figures(&before);
    assert_non_null(heap_alloc((size_t)(uintptr_t)bytes));
    region_figures(&after);
    assert_int_equal(after.committed, before.committed);
    assert_true(region_dirty() <= dirty - (size_t)(uintptr_t)bytes);
    return in_torn_child(NULL);
}

static void while_a_thread_has_this_threads_arena(void **state)
{
    (void)state;
    enum { LONG = 5000000 };
    heap_free(heap_alloc(LONG), "test");
    pthread_t thread = start_and_stop(hold_arena, (void *)(uintptr_t)region_arena());
    run_in_child(finds_all_runs, (void *)(uintptr_t)LONG);
    sem_post(&go_on);
    pthread_join(thread, NULL);
}

static void *hold_own_theap(void *unused)
{
    (void)unused;
    void *block = heap_alloc(100);
    hold_theap(threads_current());
    heap_free(block, "test");
    return NULL;
}

static void while_a_thread_has_its_own_theap(void **state)
{
    (void)state;
    fork_beside(hold_own_theap, NULL, in_torn_child);
}

static void *commit_more(void *unused)
{
    (void)unused;
    stop_in = STOP_IN_COMMIT;
    void *block = heap_alloc((size_t)256 << 20); /* more than is committed in advance */
    heap_free(block, "test");
    return NULL;
}

static void while_memory_is_committed(void **state)
{
    (void)state;
    fork_beside(commit_more, NULL, in_torn_child);
}

static void *purge_region(void *unused)
{
    (void)unused;
    heap_free(heap_alloc(3000000), "test");
    stop_in = STOP_IN_PURGE;
    region_purge(true);
    return NULL;
}

/* The region's lock is not held meanwhile, and nothing is lost. */
static void while_a_run_is_on_its_way_back(void **state)
{
    (void)state;
    fork_beside(purge_region, NULL, in_sound_child);
}

static void *purge_slabs(void *unused)
{
    (void)unused;
    enum { COUNT_HERE = 1000 };
    static void *blocks[COUNT_HERE];
    for (size_t i = 0; i < COUNT_HERE; i++)
        blocks[i] = heap_alloc(200);
    for (size_t i = 1; i < COUNT_HERE; i++)
        heap_free(blocks[i], "test");
    stop_in = STOP_IN_PURGE;
    purge_all();
    heap_free(blocks[0], "test");
    return NULL;
}

static void while_pages_of_a_slab_go_back(void **state)
{
    (void)state;
    fork_beside(purge_slabs, NULL, in_torn_child);
}

static void *make_theap(void *unused)
{
    (void)unused;
    stop_in = STOP_IN_META;
    heap_free(heap_alloc(10), "test");
    return NULL;
}

static void while_a_theap_is_made(void **state)
{
    (void)state;
    /* the idle ones are used up, so that a new one must be made */
    pthread_t threads[64];
    size_t count = 0;
    while (threads_idle_theaps() > 0 && count < COUNT(threads) - 1)
        threads[count++] = start_and_stop(hold_blocks, NULL);
    assert_int_equal(threads_idle_theaps(), 0);
    threads[count++] = start_and_stop(make_theap, NULL);
    run_in_child(in_torn_child, NULL);
    for (size_t i = 0; i < count; i++)
        sem_post(&go_on);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void *hold_spare(void *unused)
{
    (void)unused;
    threads_lock_spare();
    stop_now();
    threads_unlock_spare();
    return NULL;
}

static int use_spare(void *unused)
{
    assert_non_null(threads_lock_spare());
    threads_unlock_spare();
    return in_torn_child(unused);
}

static void while_the_spare_theap_is_in_use(void **state)
{
    (void)state;
    fork_beside(hold_spare, NULL, use_spare);
}

/* A signal handler forks: this very thread's work goes on, in both processes. */
static int in_interrupted_child(void *unused)
{
    (void)unused;
    struct theap *theap = threads_current_if_any();
    assert_true(os_lock_is_mine(&theap->lock));
    assert_false(theap->broken);
    heap_free(heap_alloc(100), "test");
    theap_unlock(theap);
    return in_torn_child(NULL);
}

static void out_of_a_signal_handler(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    os_lock(&theap->lock);
    run_in_child(in_interrupted_child, NULL);
    theap_unlock(theap);
}

/* Children of children, as shells have them. */
static int fork_again(void *depth)
{
    size_t left = (size_t)(uintptr_t)depth;
    work();
    check_heap();
    if (left > 0)
        run_in_child(fork_again, (void *)(left - 1));
    return 0;
}

static void again_and_again(void **state)
{
    (void)state;
    run_in_child(fork_again, (void *)3);
}

/* Each situation once with fork() and once with a system call of the test's own. */
static int start_raw(void **state)
{
    make_children_by_system_call(true);
    return start(state);
}

static int finish_raw(void **state)
{
    make_children_by_system_call(false);
    return finish(state);
}

/* clang-format off */
#define FORK_TEST(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, start, finish),                                          \
        { #test " (system call)", test, start_raw, finish_raw, NULL }
/* clang-format on */

int main(void)
{
    sem_init(&stopped, 0, 0);
    sem_init(&go_on, 0, 0);
    const struct CMUnitTest tests[] = {
        FORK_TEST(alone),
        FORK_TEST(beside_a_thread_at_rest),
        FORK_TEST(while_a_purge_has_this_threads_theap),
        FORK_TEST(and_what_is_free_in_it_is_used),
        FORK_TEST(while_a_thread_has_its_own_theap),
        FORK_TEST(while_a_thread_has_this_threads_arena),
        FORK_TEST(while_memory_is_committed),
        FORK_TEST(while_a_run_is_on_its_way_back),
        FORK_TEST(while_pages_of_a_slab_go_back),
        FORK_TEST(while_a_theap_is_made),
        FORK_TEST(while_the_spare_theap_is_in_use),
        FORK_TEST(out_of_a_signal_handler),
        FORK_TEST(again_and_again),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
