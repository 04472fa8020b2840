/* SPDX-License-Identifier: MIT */
/* A theap at work for its own thread: the cache over the slabs, through the process heap's own
 * functions, against a plain list of what is in use. */
#include "test.h"

#include "heap/figures.h"
#include "heap/heap.h"
#include "heap/purge.h"
#include "heap/threads.h"
#include "invariants.h"
#include "region/region.h"

#include <barrow/barrow.h>
#include <pthread.h>

enum { BLOCKS = 3000, MIB = 1024 * 1024 };

struct live {
    unsigned char *block;
    size_t size;
    unsigned char stamp;
};

static struct live all[BLOCKS];

static void check_ends(const struct live *live)
{
    /* both ends and some of the middle: whoever writes over a block mostly hits one of them */
    for (size_t i = 0; i < live->size; i += i < 64 || i + 4160 > live->size ? 1 : 4096)
        assert_int_equal(live->block[i], live->stamp);
}

static void stamp(struct live *live, void *block, size_t size, unsigned char stamp)
{
    *live = (struct live){ block, size, stamp };
    memset(block, stamp, size);
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static size_t random_size(struct random *random)
{
    switch (random_below(random, 12)) {
    case 0:
        return random_below(random, 300000);
    case 1:
        return random_below(random, 66000);
    case 2:
    case 3:
        return random_below(random, 8000);
    default:
        return random_below(random, 600);
    }
}

static void alloc_one(struct live *live, struct random *random)
{
    size_t size = random_size(random);
    unsigned char *block;
    switch (random_below(random, 4)) {
    case 0:
        block = heap_alloc_zero(size);
        assert_non_null(block);
        assert_true(is_zero(block, size));
        break;
    case 1: {
        size_t align = (size_t)1 << random_below(random, 19);
        block = heap_alloc_aligned(align, size);
        assert_non_null(block);
        assert_true((uintptr_t)block % align == 0);
        break;
    }
    default:
        block = heap_alloc(size);
        assert_non_null(block);
        assert_true((uintptr_t)block % 16 == 0);
    }
    assert_true(heap_usable_size(block, "test") >= size);
    stamp(live, block, size, (unsigned char)random_next(random));
}

static void resize_one(struct live *live, struct random *random)
{
    size_t size = 1 + random_size(random), kept = size < live->size ? size : live->size;
    unsigned char *block = heap_realloc(live->block, size, "test");
    assert_non_null(block);
    struct live moved = { block, kept, live->stamp };
    check_ends(&moved);
    stamp(live, block, size, live->stamp);
}

static void free_one(struct live *live)
{
    check_ends(live);
    heap_free(live->block, "test");
    live->block = NULL;
}

static void free_all(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (all[i].block != NULL)
            free_one(&all[i]);
}

static void many_operations_agree(void **state)
{
    (void)state;
    struct random random = { 2026 };
    for (int i = 0; i < 40000; i++) {
        struct live *live = &all[random_below(&random, BLOCKS)];
        if (live->block == NULL)
            alloc_one(live, &random);
        else if (random_below(&random, 4) == 0)
            resize_one(live, &random);
        else
            free_one(live);
        if (random_below(&random, 2000) == 0)
            purge_all();
        if (i % 800 == 0)
            check_heap();
    }
    free_all();
    check_heap();
    purge_all();
    check_heap();
}

/* Blocks that the figures count as live; the library's and the test's own are in it. */
static uint64_t live_blocks(void)
{
    struct barrow_stats stats = { .size = sizeof stats };
    heap_figures(&stats);
    return stats.live_blocks;
}

static void the_figures_follow(void **state)
{
    (void)state;
    struct random random = { 7 };
    uint64_t before = live_blocks();
    for (size_t i = 0; i < BLOCKS; i++)
        alloc_one(&all[i], &random);
    assert_int_equal(live_blocks() - before, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i += 2)
        free_one(&all[i]);
    assert_int_equal(live_blocks() - before, BLOCKS / 2);
    free_all();
    assert_int_equal(live_blocks(), before);
    check_heap();
}

static void waves_of_all_sizes(void)
{
    for (size_t size = 16; size <= MEDIUM_MAX; size = size * 5 / 4 + 16)
        for (int wave = 0; wave < 6; wave++) {
            for (size_t i = 0; i < 200; i++)
                stamp(&all[i], heap_alloc(size), size, 1);
            free_all();
        }
}

/* Waves longer than the cache: it grows with them, shrinks when far more is freed than it could
 * hold, and is small again after a flush. */
static void caches_widen_within_bounds(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    struct bin *bin = &theap->bins[size_class_of(4096)];
    theap_flush(theap);
    uint16_t start = bin->most;
    for (int wave = 0; wave < 20; wave++) {
        for (size_t i = 0; i < 100; i++)
            stamp(&all[i], heap_alloc(4096), 4096, (unsigned char)i);
        free_all();
    }
    check_cache(theap);
    uint16_t widened = bin->most;
    assert_true(widened > start);
    assert_true(widened <= 64);
    for (size_t i = 0; i < BLOCKS; i++)
        stamp(&all[i], heap_alloc(4096), 4096, (unsigned char)i);
    uint16_t widest = bin->most;
    assert_true(widest >= widened);
    free_all();
    check_cache(theap);
    assert_true(bin->most < widest);
    waves_of_all_sizes();
    assert_true(theap->grown > 4 * MIB && theap->grown <= 8 * MIB);
    check_heap();
    theap_flush(theap);
    assert_int_equal(bin->most, start);
    assert_int_equal(theap->grown, 0);
    check_heap();
}

static pthread_barrier_t with_all, without;

static void *has_a_theap(void *unused)
{
    heap_free(heap_alloc(1), "test");
    pthread_barrier_wait(&with_all);
    pthread_barrier_wait(&without);
    return unused;
}

static void among_many_theaps_caches_widen_less(void **state)
{
    (void)state;
    enum { OTHERS = 30 };
    pthread_t others[OTHERS];
    struct theap *theap = threads_current();
    theap_flush(theap);
    pthread_barrier_init(&with_all, NULL, OTHERS + 1);
    pthread_barrier_init(&without, NULL, OTHERS + 1);
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&others[i], NULL, has_a_theap, NULL), 0);
    pthread_barrier_wait(&with_all);
    waves_of_all_sizes();
    assert_true(theap->grown > MIB && theap->grown <= 2 * MIB);
    pthread_barrier_wait(&without);
    for (size_t i = 0; i < OTHERS; i++)
        pthread_join(others[i], NULL);
    theap_flush(theap);
    check_heap();
}

static void a_flushed_theap_holds_nothing(void **state)
{
    (void)state;
    struct theap *theap = threads_current();
    for (size_t i = 0; i < BLOCKS; i++)
        stamp(&all[i], heap_alloc(i % 5000), i % 5000, 2);
    free_all();
    theap_flush(theap);
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        assert_ptr_equal(theap->bins[size_class].free, BLOCK_END);
        assert_null(theap->bins[size_class].spare);
    }
    check_heap();
}

static void every_size_up_to_the_longest_medium_one(void **state)
{
    (void)state;
    for (size_t size = 0; size <= MEDIUM_MAX + 100; size += size < 5000 ? 1 : 61) {
        unsigned char *block = heap_alloc(size), *other = heap_alloc_zero(size);
        assert_true(block != NULL && other != NULL && block != other);
        size_t usable = heap_usable_size(block, "test");
        assert_true(usable >= size && usable <= (size > 64 ? size + size / 8 + 16 : 80) + 65536);
        assert_true(is_zero(other, size));
        memset(block, 0xff, usable);
        memset(other, 0xff, usable);
        heap_free(block, "test");
        heap_free(other, "test");
    }
    check_heap();
}

static void alignments_up_to_a_gibibyte(void **state)
{
    (void)state;
    for (size_t align = 1; align <= (size_t)1 << 30; align *= 2)
        for (size_t size = 0; size <= 70000; size = size * 3 + 1) {
            void *block = heap_alloc_aligned(align, size);
            assert_non_null(block);
            assert_true((uintptr_t)block % align == 0);
            assert_true(heap_usable_size(block, "test") >= size);
            heap_free(block, "test");
        }
    check_heap();
}

static void large_blocks_keep_their_contents(void **state)
{
    (void)state;
    const struct large_account *account = &threads_current()->large;
    size_t blocks = account->blocks, bytes = account->bytes;
    size_t size = 300000;
    uint32_t *numbers = heap_alloc(size);
    for (size_t i = 0; i < size / 4; i++)
        numbers[i] = (uint32_t)i;
    for (int step = 0; step < 24; step++) {
        size_t next = step % 6 == 5 ? size / 3 : size * 3 / 2;
        numbers = heap_realloc(numbers, next, "test");
        assert_non_null(numbers);
        size_t kept = (next < size ? next : size) / 4;
        for (size_t i = 0; i < kept; i += 97)
            assert_int_equal(numbers[i], i);
        for (size_t i = kept; i < next / 4; i++)
            numbers[i] = (uint32_t)i;
        size = next;
        assert_int_equal(account->blocks - blocks, 1);
        check_heap();
    }
    heap_free(numbers, "test");
    assert_int_equal(account->blocks, blocks);
    assert_int_equal(account->bytes, bytes);
}

static void impossible_sizes_change_nothing(void **state)
{
    (void)state;
    const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 16, PTRDIFF_MAX, (size_t)1 << 62 };
    uint64_t before = live_blocks();
    char *block = heap_alloc(200000);
    strcpy(block, "here");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_null(heap_alloc(sizes[i]));
        assert_null(heap_alloc_zero(sizes[i]));
        assert_null(heap_alloc_aligned(64, sizes[i]));
        assert_null(heap_alloc_aligned((size_t)1 << 62, 16));
        assert_null(heap_realloc(block, sizes[i], "test"));
        assert_string_equal(block, "here");
    }
    check_heap();
    heap_free(block, "test");
    assert_int_equal(live_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_operations_agree),
        cmocka_unit_test(the_figures_follow),
        cmocka_unit_test(caches_widen_within_bounds),
        cmocka_unit_test(among_many_theaps_caches_widen_less),
        cmocka_unit_test(a_flushed_theap_holds_nothing),
        cmocka_unit_test(every_size_up_to_the_longest_medium_one),
        cmocka_unit_test(alignments_up_to_a_gibibyte),
        cmocka_unit_test(large_blocks_keep_their_contents),
        cmocka_unit_test(impossible_sizes_change_nothing),
    };
    return cmocka_run_group_tests_name("theaps", tests, NULL, NULL);
}
