/* SPDX-License-Identifier: MIT */
/* The purge's ticks, by a clock of our own: what is free goes back after the delay, not before, and
 * in programs that keep allocating too. */
#include "test.h"

#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "heap/walk.h"
#include "invariants.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/vm.h"
#include "region/region.h"

#include <pthread.h>

enum { MIB = 1 << 20, BALLAST = 8 * MIB };

static uint64_t now = 1000000;
static size_t purged, refused;

uint64_t __wrap_os_milliseconds(void);
bool __real_os_purge(void *address, size_t size);
bool __wrap_os_purge(void *address, size_t size);
#if defined(_WIN32) /* elsewhere it is os_purge under another name */
bool __real_os_discard(void *address, size_t size);
bool __wrap_os_discard(void *address, size_t size);
#endif

uint64_t __wrap_os_milliseconds(void)
{
    return now;
}

static bool count_purged(size_t size, bool done)
{
    *(done ? &purged : &refused) += size;
    return done;
}

/* The memory that is being given back is nobody's for a while. */
static _Atomic bool is_watched, in_hand;

bool __wrap_os_purge(void *address, size_t size)
{
    if (is_watched && !in_hand) {
        in_hand = true;
        os_sleep_ms(50);
    }
    return count_purged(size, __real_os_purge(address, size));
}

#if defined(_WIN32)
bool __wrap_os_discard(void *address, size_t size)
{
    return count_purged(size, __real_os_discard(address, size));
}
#endif

static char *ballast; /* below some MiB the purge does nothing by itself */

/* Enough time has passed since the tests before, and nothing is left of them. */
static int start(void **state)
{
    (void)state;
    region_settings.purge_delay = -1;
    ballast = heap_alloc(BALLAST);
    purge_all();
    now += 100000;
    purged = 0;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    region_settings.purge_delay = -1;
    heap_free(ballast, "test");
    purge_all();
    check_heap();
    assert_int_equal(refused, 0);
    return 0;
}

static void free_new(size_t size)
{
    char *block = heap_alloc(size);
    memset(block, 1, size);
    heap_free(block, "test");
}

static void a_delay_of_nothing_gives_back_at_once(void **state)
{
    (void)state;
    region_settings.purge_delay = 0;
    free_new(2 * MIB);
    assert_true(purged >= 2 * MIB);
    assert_int_equal(region_dirty(), 0);
}

static void a_negative_delay_gives_nothing_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        free_new(2 * MIB);
        now += 1000;
    }
    assert_int_equal(purged, 0);
    assert_true(region_dirty() >= 2 * MIB);
    assert_true(purge_all() >= 2 * MIB); /* on demand it does */
    assert_int_equal(region_dirty(), 0);
}

/* What was learned to be of use is given up when it has lain idle for long enough. */
static void idle_memory_goes_back(void **state)
{
    (void)state;
    enum { SIZE = 32 * MIB };
    region_settings.purge_delay = 100;
    for (int i = 0; i < 4; i++)
        free_new(SIZE);
    assert_true(region_dirty() >= SIZE); /* it was wanted again and again */
    purged = 0;
    for (int i = 0; i < 40 && region_dirty() >= SIZE; i++) {
        now += 1100;
        free_new(100000);
        purge_poke();
    }
    assert_true(region_dirty() < SIZE / 2);
    assert_true(purged >= SIZE / 2);
}

/* What is used over and over again is not given back in between, whatever time passes. */
static void memory_in_use_stays(void **state)
{
    (void)state;
    region_settings.purge_delay = 100;
    for (int i = 0; i < 3; i++)
        free_new(8 * MIB);
    purged = 0;
    for (int i = 0; i < 100; i++) {
        free_new(8 * MIB);
        now += 10;
    }
    assert_int_equal(purged, 0);
    check_heap();
}

/* Nothing of a heap this small is worth a system call. */
static void a_small_heap_is_left_alone(void **state)
{
    (void)state;
    heap_free(ballast, "test");
    purge_all();
    purged = 0;
    region_settings.purge_delay = 100;
    assert_true(region_committed() < 4 * MIB);
    free_new(MIB / 2);
    assert_int_equal(purged, 0);
    region_settings.purge_delay = -1;
    ballast = heap_alloc(BALLAST);
}

/* Pages between survivors go back while their neighbours are freed. */
static void holes_go_back_as_blocks_are_freed(void **state)
{
    (void)state;
    enum { BLOCKS = 8000 };
    static void *blocks[BLOCKS];
    region_settings.purge_delay = 100;
    for (size_t i = 0; i < BLOCKS; i++)
        memset(blocks[i] = heap_alloc(1000), 1, 1000);
    purged = 0;
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 40 != 0)
            heap_free(blocks[i], "test");
    assert_true(purged > BLOCKS * 1000 / 2);
    for (size_t i = 0; i < BLOCKS; i += 40) {
        const unsigned char *block = blocks[i];
        assert_true(block[0] == 1 && block[999] == 1);
        heap_free(blocks[i], "test");
    }
    region_settings.purge_delay = -1;
    check_heap();
}

static void a_trim_says_what_it_gave_back(void **state)
{
    (void)state;
    free_new(3 * MIB);
    size_t before = region_committed(), given = purge_all();
    assert_true(given >= 3 * MIB);
    assert_int_equal(before - region_committed(), 3 * MIB);
    assert_int_equal(purge_all(), 0);
}

static void *ask_for_meta(void *memory)
{
    while (!in_hand)
        os_yield();
    *(void **)memory = region_meta(MIB);
    return NULL;
}

/* With a limit, and all that is free in the hands of a purge: what the library needs for itself,
 * for a new thread say, is had when the purge is done. */
static void a_purge_that_has_all_memory_is_waited_for(void **state)
{
    (void)state;
    void *memory = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_for_meta, &memory), 0);
    purge_all();
    free_new(4 * MIB);
    region_settings.commit_limit = region_committed();
    is_watched = true;
    assert_true(purge_all() >= 4 * MIB);
    is_watched = false;
    pthread_join(thread, NULL);
    region_settings.commit_limit = 0;
    assert_non_null(memory);
}

static void alloc_markers(void *markers[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        markers[i] = heap_alloc(300 << 10);
}

/* Small blocks that are all free again, in slabs that wait for the purge. Blocks that stay lie before and
 * behind them, in whatever order regions come. */
static void leave_empty_slabs(void *markers[], size_t count)
{
    enum {
        BLOCKS = 60000
    }; /* more than a region has left, so they lie apart from what was before */
    static void *blocks[BLOCKS];
    alloc_markers(markers, count / 2);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = heap_alloc(700);
    alloc_markers(markers + count / 2, count / 2);
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
    theap_flush(threads_current());
}

static bool is_in_empty_slab(const void *address)
{
    const struct span *span = region_find(address);
    return span != NULL && span_kind(span) == SPAN_SLAB && span->used == 0;
}

static void a_walk_goes_on_when_its_slab_has_gone(void **state)
{
    (void)state;
    enum walked walked;
    struct piece piece = { .data = NULL };
    bool seen = false;
    enum { MARKERS = 80 };
    void *markers[MARKERS];
    leave_empty_slabs(markers, MARKERS);
    do
        assert_int_equal(heap_walk(&piece), WALK_MORE);
    while (!is_in_empty_slab(piece.data));
    purge_all();
    assert_false(is_in_empty_slab(piece.data));
    const char *last = piece.data;
    for (size_t i = 0; i < MARKERS; i++)
        last = (char *)markers[i] > last ? markers[i] : last;
    assert_true(last > (const char *)piece.data);
    while ((walked = heap_walk(&piece)) == WALK_MORE)
        seen = seen || piece.data == last;
    for (size_t i = 0; i < MARKERS; i++)
        heap_free(markers[i], "test");
    assert_int_equal(walked, WALK_END);
    assert_true(seen);
}

#define PURGE_TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PURGE_TEST(a_delay_of_nothing_gives_back_at_once),
        PURGE_TEST(a_negative_delay_gives_nothing_back),
        PURGE_TEST(idle_memory_goes_back),
        PURGE_TEST(memory_in_use_stays),
        PURGE_TEST(a_small_heap_is_left_alone),
        PURGE_TEST(holes_go_back_as_blocks_are_freed),
        PURGE_TEST(a_trim_says_what_it_gave_back),
        PURGE_TEST(a_purge_that_has_all_memory_is_waited_for),
        PURGE_TEST(a_walk_goes_on_when_its_slab_has_gone),
    };
    return cmocka_run_group_tests_name("purge", tests, NULL, NULL);
}
