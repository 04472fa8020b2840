/* SPDX-License-Identifier: MIT */
/* Medium blocks of the process heap: the cache and those who take from it, frees by other threads, resizing
 * in place and by moving, walks and figures. */
#include "test.h"

#include "heap/figures.h"
#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/theap_medium.h"
#include "heap/threads.h"
#include "heap/walk.h"
#include "invariants.h"
#include "os/vm.h"

#include <barrow/barrow.h>
#include <pthread.h>

enum {
    KIB = 1024,
    SIZE = 20 * KIB,
    BLOCKS = 200,
    DRIFT = 2048 /* cells in use that may go before the cache's room is seen to, and some more */
};

static void *blocks[BLOCKS];

static size_t cached_blocks(const struct theap *theap)
{
    size_t count = 0;
    for (size_t length = 0; length <= CACHED_MOST - CACHED_LEAST; length++)
        for (int i = 0; i < CACHE_SLOTS; i++)
            count += theap->cache.slots[length][i] != 0;
    return count;
}

static void make_blocks(size_t size)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_non_null(blocks[i] = heap_alloc(size));
        memset(blocks[i], 0xA7, size);
    }
}

static void free_blocks(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        heap_free(blocks[i], "test");
}

static int start(void **state)
{
    (void)state;
    theap_flush(threads_current());
    return 0;
}

static int finish(void **state)
{
    (void)state;
    theap_flush(threads_current());
    assert_int_equal(threads_current()->medium.blocks, 0);
    check_heap();
    return 0;
}

/* ---- the cache ------------------------------------------------------------------------------------ */

static void a_block_that_was_freed_is_had_again(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    char *block = heap_alloc(SIZE);
    heap_free(block, "test");
    assert_int_equal(cached_blocks(theap), 1);
    assert_int_equal(state_of(place_of(block)), CELL_PASSED);
    assert_ptr_equal(heap_alloc(SIZE), block);
    assert_int_equal(cached_blocks(theap), 0);
    assert_int_equal(state_of(place_of(block)), CELL_LIVE);
    memset(block, 0x55, SIZE);
    heap_free(block, "test");
    char *zeroed = heap_alloc_zero(SIZE);
    assert_ptr_equal(zeroed, block);
    for (size_t i = 0; i < heap_usable_size(zeroed, "test"); i++)
        assert_int_equal(zeroed[i], 0);
    heap_free(zeroed, "test");
}

static void the_cache_holds_a_share_of_what_is_in_use(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    static const size_t sizes[] = { 5000, 9000, 14000, 20000, 30000, 40000, 60000 };
    void *all[COUNT(sizes)][2 * CACHE_SLOTS];
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t i = 0; i < COUNT(all[s]); i++)
            all[s][i] = heap_alloc(sizes[s]);
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t i = 0; i < COUNT(all[s]); i++)
            heap_free(all[s][i], "test");
    size_t cells = theap->medium.cells - theap->medium.free_cells;
    assert_true(cells > 0 && cells <= CACHE_CELLS + DRIFT / CACHE_SHARE);
    check_cache(theap);
}

static void others_may_take_what_is_cached(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    void *block = heap_alloc(SIZE);
    heap_free(block, "test");
    os_lock(&theap->lock);
    theap_release_cached(theap);
    theap_unlock(theap);
    assert_int_equal(cached_blocks(theap), 0);
    assert_int_equal(theap->medium.blocks, 0);
    for (int round = 0; round < 3; round++) { /* the owner goes on, and finds room again */
        assert_non_null(block = heap_alloc(SIZE));
        heap_free(block, "test");
    }
    assert_int_equal(cached_blocks(theap), 1);
}

static void a_theap_that_gives_up_much_keeps_little(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    for (size_t size = 5000; size < 60000; size += 5000) {
        make_blocks(size);
        free_blocks();
    }
    size_t cells = theap->medium.cells - theap->medium.free_cells;
    assert_true(cells <= CACHE_CELLS + DRIFT / CACHE_SHARE);
}

/* ---- other threads -------------------------------------------------------------------------------- */

static void *frees(void *none)
{
    free_blocks();
    return none;
}

static void others_free(void)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, frees, NULL), 0);
    pthread_join(thread, NULL);
}

static void what_others_free_is_joined(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    make_blocks(SIZE);
    others_free();
    os_lock(&theap->lock);
    theap_drain(theap);
    assert_int_equal(theap->medium.blocks, 0);
    theap_unlock(theap);
}

static void what_others_free_meanwhile_waits_in_the_inbox(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    make_blocks(SIZE);
    os_lock(&theap->lock);
    others_free();
    assert_non_null(atomic_load(&theap->inbox));
    assert_int_equal(theap->medium.blocks, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_int_equal(state_of(place_of(blocks[i])), CELL_PASSED);
    theap_drain(theap);
    assert_int_equal(theap->medium.blocks, 0);
    theap_unlock(theap);
}

/* What a list has left in a block is no secret of the heap's that its next owner may read. */
static void links_are_cleared(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    make_blocks(SIZE);
    os_lock(&theap->lock);
    others_free();
    theap_drain(theap);
    for (size_t i = 0; i < BLOCKS; i++)
        if (place_of(blocks[i]).map != NULL) { /* its span is still there */
            const uintptr_t *words = blocks[i];
            assert_true(words[0] == 0 && words[1] == 0);
        }
    theap_unlock(theap);
}

/* ---- resizing ------------------------------------------------------------------------------------- */

static void a_block_stays_where_it_can(void **state)
{
    (void)state;
    unsigned char *block = heap_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        block[i] = (unsigned char)(i * 7);
    unsigned char *longer = heap_realloc(block, 3 * SIZE, "test"); /* a span is behind it */
    assert_ptr_equal(longer, block);
    void *behind = heap_alloc(30 * KIB);
    unsigned char *moved = heap_realloc(longer, 4 * SIZE, "test");
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(moved[i], (unsigned char)(i * 7));
    unsigned char *shorter = heap_realloc(moved, SIZE, "test");
    assert_ptr_equal(shorter, moved);
    assert_int_equal(heap_usable_size(shorter, "test"), medium_bytes(SIZE));
    assert_true(heap_resize_in_place(shorter, SIZE / 2, "test"));
    unsigned char *small = heap_realloc(shorter, 100, "test");
    assert_ptr_not_equal(small, shorter);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(small[i], (unsigned char)(i * 7));
    unsigned char *large = heap_realloc(small, 2 * MEDIUM_MAX, "test");
    large = heap_realloc(large, SIZE, "test");
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(large[i], (unsigned char)(i * 7));
    heap_free(large, "test");
    heap_free(behind, "test");
}

/* ---- walks and figures ---------------------------------------------------------------------------- */

static enum piece_kind kind_of(const void *block, size_t *size)
{
    struct piece piece = { .data = NULL };
    while (heap_walk(&piece) == WALK_MORE)
        if (piece.data == block && piece.kind != PIECE_REGION) {
            *size = piece.size;
            return piece.kind;
        }
    fail_msg("%p is not shown", block);
    return PIECE_FREE;
}

static void walks_show_what_is_in_use(void **state)
{
    (void)state;
    size_t size;
    char *first = heap_alloc(64 * KIB), *second = heap_alloc(SIZE), *third = heap_alloc(100 * KIB);
    heap_free(third, "test"); /* too long for the cache */
    assert_int_equal(kind_of(first, &size), PIECE_BUSY);
    assert_int_equal(size, medium_bytes(64 * KIB));
    assert_int_equal(kind_of(second, &size), PIECE_BUSY);
    assert_int_equal(kind_of(third, &size), PIECE_FREE);
    assert_true(size >= 100 * KIB);
    heap_free(second, "test"); /* into the cache */
    assert_int_equal(kind_of(second, &size), PIECE_FREE);
    heap_free(first, "test");
    assert_true(heap_validate());
}

static void damaged_records_are_not_valid(void **state)
{
    (void)state;
    char *block = heap_alloc(SIZE);
    struct cell *cell = cell_of(place_of(block));
    cell->length++;
    assert_false(heap_validate());
    cell->length--;
    assert_true(heap_validate());
    heap_free(block, "test");
}

static void figures_count_them(void **state)
{
    (void)state;
    struct barrow_stats before = { .size = sizeof before }, after = before;
    heap_figures(&before);
    make_blocks(SIZE);
    heap_figures(&after);
    assert_int_equal(after.live_blocks - before.live_blocks, BLOCKS);
    assert_int_equal(after.live_bytes - before.live_bytes, BLOCKS * medium_bytes(SIZE));
    assert_true(after.spans > before.spans);
    free_blocks();
    heap_figures(&after);
    assert_int_equal(after.live_blocks, before.live_blocks);
    assert_int_equal(after.live_bytes, before.live_bytes);
    assert_true(after.cached_blocks >= before.cached_blocks);
}

static void a_trim_gives_their_pages_back(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    make_blocks(SIZE);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 2 == 0)
            heap_free(blocks[i], "test");
    size_t before = medium_resident(&theap->medium);
    purge_all();
    assert_true(medium_resident(&theap->medium) < before * 3 / 4 || os_page_size() > 4096);
    for (size_t i = 1; i < BLOCKS; i += 2) {
        for (size_t at = 0; at < SIZE; at++)
            assert_int_equal(((unsigned char *)blocks[i])[at], 0xA7);
        heap_free(blocks[i], "test");
    }
}

#define MEDIUM_TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEDIUM_TEST(a_block_that_was_freed_is_had_again),
        MEDIUM_TEST(the_cache_holds_a_share_of_what_is_in_use),
        MEDIUM_TEST(others_may_take_what_is_cached),
        MEDIUM_TEST(a_theap_that_gives_up_much_keeps_little),
        MEDIUM_TEST(what_others_free_is_joined),
        MEDIUM_TEST(what_others_free_meanwhile_waits_in_the_inbox),
        MEDIUM_TEST(links_are_cleared),
        MEDIUM_TEST(a_block_stays_where_it_can),
        MEDIUM_TEST(walks_show_what_is_in_use),
        MEDIUM_TEST(damaged_records_are_not_valid),
        MEDIUM_TEST(figures_count_them),
        MEDIUM_TEST(a_trim_gives_their_pages_back),
    };
    return cmocka_run_group_tests_name("medium blocks of theaps", tests, NULL, NULL);
}
