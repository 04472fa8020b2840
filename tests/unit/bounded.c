/* SPDX-License-Identifier: MIT */
/* Bounded heaps: sizes and limits, blocks joined and cut, what is told of the heap as a whole. */
#include "test.h"

#include "bounded_check.h"
#include "os/vm.h"
#include "private/bounded_block.h"

#include <errno.h>
#include <sys/mman.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

static struct bounded *make(size_t maximum)
{
    struct bounded *heap = bounded_create(0, maximum, false);
    assert_non_null(heap);
    check_bounded(heap);
    return heap;
}

static void end(struct bounded *heap)
{
    check_bounded(heap);
    bounded_destroy(heap);
}

static void *take(struct bounded *heap, size_t size)
{
    void *block = bounded_alloc(heap, size);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    assert_int_equal(bounded_block_size(heap, block), size);
    return block;
}

static void give(struct bounded *heap, void *block)
{
    assert_true(bounded_free(heap, block));
}

/* The largest block that the heap can give now. */
static size_t largest(struct bounded *heap)
{
    size_t low = 0, high = bounded_figures(heap).reserved;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        void *block = bounded_alloc(heap, middle);
        if (block != NULL) {
            give(heap, block);
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* ---- making --------------------------------------------------------------------------------- */

static void the_maximum_is_reserved_the_initial_committed(void **state)
{
    (void)state;
    size_t page = os_page_size();
    struct bounded *heap = bounded_create(100 * KIB, MIB - 5, false);
    assert_non_null(heap);
    struct bounded_figures figures = bounded_figures(heap);
    assert_int_equal(figures.reserved, MIB);
    assert_int_equal(figures.committed, round_up(100 * KIB, page));
    assert_int_equal(figures.blocks, 0);
    assert_int_equal(figures.block_bytes, 0);
    assert_int_equal((uintptr_t)heap % page, 0);
    end(heap);
}

static void an_initial_size_above_the_maximum_is_the_maximum(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(2 * MIB, MIB, false);
    assert_non_null(heap);
    assert_int_equal(bounded_figures(heap).committed, MIB);
    end(heap);
    heap = bounded_create(SIZE_MAX, MIB, false);
    assert_non_null(heap);
    assert_int_equal(bounded_figures(heap).committed, MIB);
    end(heap);
}

static void absurd_maxima_give_no_heap(void **state)
{
    (void)state;
    const size_t sizes[] = { 0, BOUNDED_LARGEST + 1, SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2 };
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_null(bounded_create(0, sizes[i], false));
}

static void the_smallest_heap_is_a_page(void **state)
{
    (void)state;
    struct bounded *heap = make(1);
    assert_int_equal(bounded_figures(heap).reserved, os_page_size());
    assert_true(largest(heap) >= os_page_size() / 2);
    end(heap);
}

static void memory_is_committed_as_needed_and_never_more(void **state)
{
    (void)state;
    struct bounded *heap = make(16 * MIB);
    size_t before = bounded_figures(heap).committed;
    assert_true(before < 256 * KIB);
    take(heap, MIB);
    assert_in_range(bounded_figures(heap).committed, before + MIB - 64 * KIB, before + 2 * MIB);
    while (bounded_alloc(heap, 10000) != NULL)
        assert_true(bounded_figures(heap).committed <= 16 * MIB);
    end(heap);
}

static void a_heap_is_released_whole(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    memset(take(heap, 100 * KIB), 1, 100 * KIB);
    bounded_destroy(heap);
    unsigned char pages[256];
    assert_int_equal(mincore(heap, MIB, pages), -1);
    assert_int_equal(errno, ENOMEM);
}

static void an_executable_heap_stays_one_as_it_grows(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(0, 4 * MIB, true);
    assert_non_null(heap);
    take(heap, 100);
    char *block = take(heap, 3 * MIB);
    assert_string_equal(access_of(heap), "rwx");
    assert_string_equal(access_of(block + 3 * MIB - 1), "rwx");
    end(heap);
    heap = make(4 * MIB);
    assert_string_equal(access_of(take(heap, 3 * MIB)), "rw-");
    end(heap);
}

/* ---- sizes ---------------------------------------------------------------------------------- */

static void sizes_are_exactly_as_asked_for(void **state)
{
    (void)state;
    struct bounded *heap = make(16 * MIB);
    for (size_t size = 0; size < 5000; size++) {
        unsigned char *block = take(heap, size);
        memset(block, 0xff, size);
        assert_int_equal(bounded_block_size(heap, block), size);
        if (size % 3 != 0)
            give(heap, block);
        if (size % 100 == 0)
            check_bounded(heap);
    }
    end(heap);
}

/* The second time it comes from a quick list, which must take the new size. */
static void a_size_does_not_stick_to_memory(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t from = 0; from < 64; from++)
        for (size_t to = 0; to < 64; to++) {
            give(heap, take(heap, from));
            give(heap, take(heap, to));
        }
    end(heap);
}

static void blocks_of_no_bytes_are_blocks(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    void *one = take(heap, 0), *other = take(heap, 0);
    assert_ptr_not_equal(one, other);
    assert_int_equal(bounded_figures(heap).blocks, 2);
    give(heap, one);
    give(heap, other);
    assert_int_equal(bounded_figures(heap).blocks, 0);
    end(heap);
}

static void absurd_sizes_give_nothing(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    const size_t sizes[] = { MIB,           SIZE_MAX,     SIZE_MAX - 7,   SIZE_MAX - 22,
                             SIZE_MAX - 23, SIZE_MAX / 2, BOUNDED_LARGEST };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_null(bounded_alloc(heap, sizes[i]));
        assert_null(bounded_alloc_zero(heap, sizes[i]));
        assert_null(bounded_alloc_slow(heap, sizes[i], 4096, NULL));
        assert_null(bounded_realloc(heap, take(heap, 10), sizes[i], false));
        check_bounded(heap);
    }
    assert_null(bounded_alloc_slow(heap, 1, 2 * MIB, NULL));
    assert_null(bounded_alloc_slow(heap, 1, SIZE_MAX / 2 + 1, NULL));
    end(heap);
}

static void records_take_what_windows_takes(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    assert_null(bounded_alloc(heap, 64 * KIB));
    end(heap);
    heap = make(256 * KIB);
    assert_null(bounded_alloc(heap, 256 * KIB - 0x600));
    give(heap, take(heap, 256 * KIB - 0xC00));
    end(heap);
}

static void one_block_may_take_nearly_all(void **state)
{
    (void)state;
    for (size_t maximum = 16 * KIB; maximum <= GIB; maximum *= 4) {
        struct bounded *heap = make(maximum);
        size_t most = largest(heap);
        assert_true(maximum - most < 4096 || maximum - most < maximum / 128);
        void *block = take(heap, most);
        assert_null(bounded_alloc(heap, 0));
        assert_int_equal(bounded_figures(heap).committed, maximum);
        give(heap, block);
        end(heap);
    }
}

static void alignment_is_as_asked(void **state)
{
    (void)state;
    struct bounded *heap = make(GIB);
    for (size_t align = 1; align <= 4 * MIB; align *= 2)
        for (size_t size = 0; size < 3000; size += 217) {
            void *block = bounded_alloc_slow(heap, size, align, NULL);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % align, 0);
            assert_int_equal(bounded_block_size(heap, block), size);
            memset(block, 1, size);
            if (size % 2 != 0)
                give(heap, block);
        }
    end(heap);
}

/* An aligned block is found where it just fits, and there is nothing to spare for padding. */
static void alignment_needs_no_more_room_than_it_takes(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    char *block = bounded_alloc_slow(heap, 100 * KIB, 4096, NULL);
    while (bounded_alloc(heap, 5000) != NULL || bounded_alloc(heap, 0) != NULL)
        ;
    give(heap, block);
    assert_ptr_equal(bounded_alloc_slow(heap, 100 * KIB, 4096, NULL), block);
    end(heap);
}

/* Nor when it has to be committed first. */
static void alignment_commits_no_more_room_than_it_takes(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    size_t size = MIB - round_up(heap->first * BOUNDED_UNIT, 4096) - 8;
    void *block = bounded_alloc_slow(heap, size, 4096, NULL);
    assert_non_null(block);
    give(heap, block);
    end(heap);
}

/* ---- fill ----------------------------------------------------------------------------------- */

static double fill_percent(size_t maximum, size_t least, size_t most, uint64_t seed)
{
    struct random random = { seed };
    struct bounded *heap = make(maximum);
    size_t sum = 0;
    for (;;) {
        size_t size = least + random_below(&random, most - least + 1);
        if (bounded_alloc(heap, size) == NULL)
            break;
        sum += size;
    }
    end(heap);
    return 100.0 * (double)sum / (double)maximum;
}

static void mixed_sizes_fill_nine_tenths(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assert_true(fill_percent(64 * KIB, 16, 1000, seed) >= 90);
        assert_true(fill_percent(MIB, 16, 1000, seed) >= 90);
        assert_true(fill_percent(MIB, 16, 64 * KIB, seed) >= 90);
    }
    assert_true(fill_percent(GIB, 16, MIB, 1) >= 90);
}

enum { MOST = 40000 };

/* Blocks of a random size until there is no room; then all are freed in another order. */
static void fill_and_empty(struct bounded *heap, size_t most, struct random *random)
{
    static void *blocks[MOST];
    size_t count = 0;
    while (count < MOST && (blocks[count] = bounded_alloc(heap, random_below(random, most))))
        count++;
    check_bounded(heap);
    while (count != 0) {
        size_t i = random_below(random, count--);
        give(heap, blocks[i]);
        blocks[i] = blocks[count];
    }
    assert_int_equal(bounded_figures(heap).blocks, 0);
    assert_int_equal(bounded_figures(heap).block_bytes, 0);
    check_bounded(heap);
}

static void all_freed_the_largest_block_can_be_had_again(void **state)
{
    (void)state;
    struct random random = { 7 };
    for (size_t maximum = 64 * KIB; maximum <= 4 * MIB; maximum *= 8) {
        struct bounded *heap = make(maximum);
        size_t most = largest(heap);
        for (size_t limit = 64; limit <= 4096; limit *= 4) {
            fill_and_empty(heap, limit, &random);
            give(heap, take(heap, most));
        }
        end(heap);
    }
}

static void refusal_harms_nothing(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    unsigned char *block = take(heap, 1000);
    memset(block, 0xab, 1000);
    while (bounded_alloc(heap, 500) != NULL)
        ;
    struct bounded_figures before = bounded_figures(heap);
    for (size_t size = 1000; size < 100 * KIB; size += 1000) {
        assert_null(bounded_alloc(heap, size));
        assert_null(bounded_realloc(heap, block, 1000 + size, false));
    }
    assert_int_equal(bounded_figures(heap).blocks, before.blocks);
    assert_int_equal(bounded_figures(heap).block_bytes, before.block_bytes);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0xab);
    end(heap);
}

/* ---- joining -------------------------------------------------------------------------------- */

/* Blocks too large for quick lists, so that they are joined at once. */
static void neighbours_are_joined_in_any_order(void **state)
{
    (void)state;
    static const int orders[][4] = {
        { 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 },
        { 0, 3, 2, 1 }, { 1, 0, 2, 3 }, { 1, 0, 3, 2 }, { 1, 2, 0, 3 }, { 1, 2, 3, 0 },
        { 1, 3, 0, 2 }, { 1, 3, 2, 0 }, { 2, 0, 1, 3 }, { 2, 0, 3, 1 }, { 2, 1, 0, 3 },
        { 2, 1, 3, 0 }, { 2, 3, 0, 1 }, { 2, 3, 1, 0 }, { 3, 0, 1, 2 }, { 3, 0, 2, 1 },
        { 3, 1, 0, 2 }, { 3, 1, 2, 0 }, { 3, 2, 0, 1 }, { 3, 2, 1, 0 }
    };
    struct bounded *heap = make(MIB);
    for (size_t order = 0; order < COUNT(orders); order++) {
        char *blocks[4];
        for (int i = 0; i < 4; i++)
            blocks[i] = take(heap, 10000);
        char *guard = take(heap, 10000);
        for (int i = 0; i < 4; i++) {
            give(heap, blocks[orders[order][i]]);
            check_bounded(heap);
        }
        size_t room = (size_t)(guard - blocks[0]) - 8;
        assert_ptr_equal(take(heap, room), blocks[0]);
        give(heap, blocks[0]);
        give(heap, guard);
    }
    end(heap);
}

static void a_freed_block_of_the_same_size_is_used_again(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t size = 1; size < 50000; size = size * 2 + 3) {
        void *before = take(heap, size), *block = take(heap, size), *behind = take(heap, size);
        give(heap, block);
        assert_ptr_equal(take(heap, size), block);
        give(heap, before);
        give(heap, block);
        give(heap, behind);
    }
    end(heap);
}

static void small_freed_blocks_are_joined_before_a_request_fails(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    void *blocks[1000];
    size_t count = 0;
    while ((blocks[count] = bounded_alloc(heap, 100)) != NULL)
        count++;
    for (size_t i = 0; i < 10; i++)
        give(heap, blocks[100 + i]);
    take(heap, 10 * 112 - 8);
    assert_null(bounded_alloc(heap, 100));
    end(heap);
}

/* The one that is large enough stands behind many that are not, and are of the same list. */
static void a_block_that_fits_is_found_among_its_like(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    void *fits = take(heap, 540 * 16 - 8), *others[50];
    take(heap, 5000);
    for (size_t i = 0; i < COUNT(others); i++) {
        others[i] = take(heap, 513 * 16 - 8);
        take(heap, 5000);
    }
    while (bounded_alloc(heap, 5000) != NULL || bounded_alloc(heap, 0) != NULL)
        ;
    give(heap, fits);
    for (size_t i = 0; i < COUNT(others); i++)
        give(heap, others[i]);
    assert_ptr_equal(take(heap, 538 * 16 - 8), fits);
    end(heap);
}

/* As all others do, callers of the general way too. */
static void the_general_way_uses_quick_lists(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t size = 0; size <= 1000; size += 125) {
        unsigned char *block = take(heap, size);
        memset(block, 0xee, size);
        give(heap, block);
        bool zero = true;
        assert_ptr_equal(bounded_alloc_slow(heap, size, 16, &zero), block);
        assert_false(zero);
        assert_int_equal(bounded_block_size(heap, block), size);
    }
    end(heap);
}

/* What is asked for may be larger than any quick list of that heap. */
static void sizes_without_a_quick_list_are_not_looked_up(void **state)
{
    (void)state;
    for (size_t maximum = 4 * KIB; maximum <= 64 * MIB; maximum *= 4) {
        struct bounded *heap = make(maximum);
        assert_null(bounded_quick_pop(heap, heap->quick_bytes + 1));
        assert_null(bounded_quick_pop(heap, SIZE_MAX));
        assert_null(bounded_quick_pop(heap, SIZE_MAX - 22));
        end(heap);
    }
}

/* Full of blocks of sizes that nobody asks for any more. */
static void quick_lists_follow_the_sizes_in_use(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    void *blocks[60];
    size_t count = 0;
    for (size_t size = 1032; size > 200; size -= 16)
        if ((blocks[count] = bounded_alloc(heap, size)) != NULL)
            count++;
    for (size_t i = 0; i < count; i++)
        give(heap, blocks[i]);
    assert_true(heap->quick_room < 10);
    size_t pairs = 0;
    for (; heap->quick[10] == quick_end(heap); pairs++) {
        assert_in_range(pairs, 0, 1000);
        give(heap, take(heap, 150));
    }
    assert_true(pairs > 100);
    end(heap);
}

/* However much is freed, no more than half of it stays in quick lists. */
static void quick_lists_are_bounded(void **state)
{
    (void)state;
    struct random random = { 3 };
    for (size_t maximum = 64 * KIB; maximum <= 16 * MIB; maximum *= 16) {
        struct bounded *heap = make(maximum);
        size_t room = heap->quick_room;
        assert_in_range(room * BOUNDED_UNIT, 1, maximum / 2);
        fill_and_empty(heap, 1000, &random);
        assert_in_range(heap->quick_room, 0, room - 1);
        bounded_flush(heap);
        assert_int_equal(heap->quick_room, room);
        struct bounded_entry entry;
        assert_true(bounded_walk(heap, NULL, &entry));
        assert_int_equal(entry.kind, BOUNDED_FREE);
        assert_true(!bounded_walk(heap, entry.address, &entry) ||
                    entry.kind == BOUNDED_UNCOMMITTED);
        end(heap);
    }
}

/* ---- resizing ------------------------------------------------------------------------------- */

static unsigned char *take_stamped(struct bounded *heap, size_t size)
{
    unsigned char *block = take(heap, size);
    for (size_t i = 0; i < size; i++)
        block[i] = (unsigned char)(i * 7 + 1);
    return block;
}

static void check_stamp(const unsigned char *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(block[i], (unsigned char)(i * 7 + 1));
}

static void shrinking_stays_in_place_and_frees_the_rest(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    unsigned char *block = take_stamped(heap, 100000);
    void *guard = take(heap, 10);
    for (size_t size = 100000; size-- != 0; size -= size / 9) {
        assert_ptr_equal(bounded_realloc(heap, block, size, true), block);
        assert_int_equal(bounded_block_size(heap, block), size);
        check_stamp(block, size);
        check_bounded(heap);
    }
    assert_ptr_equal(bounded_realloc(heap, block, 0, false), block);
    assert_int_equal(bounded_block_size(heap, block), 0);
    give(heap, take(heap, 99000));
    give(heap, guard);
    end(heap);
}

static void growing_takes_the_free_block_behind(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    unsigned char *block = take_stamped(heap, 5000);
    void *behind = take(heap, 5000), *guard = take(heap, 10);
    assert_null(bounded_realloc(heap, block, 5100, true));
    assert_int_equal(bounded_block_size(heap, block), 5000);
    give(heap, behind);
    assert_ptr_equal(bounded_realloc(heap, block, 6000, true), block);
    check_bounded(heap);
    assert_ptr_equal(bounded_realloc(heap, block, 10008, true), block);
    assert_null(bounded_realloc(heap, block, 10500, true));
    check_stamp(block, 5000);
    unsigned char *moved = bounded_realloc(heap, block, 10500, false);
    assert_ptr_not_equal(moved, block);
    assert_false(bounded_is_block(heap, block));
    check_stamp(moved, 5000);
    give(heap, guard);
    end(heap);
}

static void growing_takes_a_neighbour_out_of_its_quick_list(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    unsigned char *block = take_stamped(heap, 600), *behind = take(heap, 600);
    take(heap, 10);
    give(heap, behind);
    assert_ptr_equal(bounded_realloc(heap, block, 1000, true), block);
    check_stamp(block, 600);
    end(heap);
}

static void growing_at_the_end_commits_more(void **state)
{
    (void)state;
    struct bounded *heap = make(16 * MIB);
    unsigned char *block = take_stamped(heap, 1000);
    for (size_t size = 2000; size < 15 * MIB; size *= 2)
        assert_ptr_equal(bounded_realloc(heap, block, size, true), block);
    check_stamp(block, 1000);
    assert_null(bounded_realloc(heap, block, 16 * MIB, false));
    end(heap);
}

static void with_no_room_for_two_a_block_slides_down(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    void *before = take(heap, 20000);
    unsigned char *block = take_stamped(heap, 20000);
    while (bounded_alloc(heap, 5000) != NULL || bounded_alloc(heap, 0) != NULL)
        ;
    assert_null(bounded_realloc(heap, block, 30000, false));
    check_stamp(block, 20000);
    give(heap, before);
    assert_null(bounded_realloc(heap, block, 30000, true));
    assert_ptr_equal(bounded_realloc(heap, block, 30000, false), before);
    check_stamp(before, 20000);
    assert_int_equal(bounded_block_size(heap, before), 30000);
    assert_false(bounded_is_block(heap, block));
    check_bounded(heap);
    assert_ptr_equal(bounded_realloc(heap, before, 40008, false), before);
    check_stamp(before, 20000);
    end(heap);
}

/* ---- zero ----------------------------------------------------------------------------------- */

static bool is_zero(const unsigned char *block, size_t size)
{
    return size == 0 || (block[0] == 0 && memcmp(block, block + 1, size - 1) == 0);
}

static void what_was_never_used_is_known_to_be_zero(void **state)
{
    (void)state;
    struct bounded *heap = make(4 * MIB);
    bool zero = false;
    unsigned char *block = bounded_alloc_slow(heap, 100000, 16, &zero);
    assert_true(zero && is_zero(block, 100000));
    memset(block, 1, 100000);
    unsigned char *next = bounded_alloc_slow(heap, 3 * MIB, 16, &zero);
    assert_true(zero && is_zero(next, 3 * MIB));
    memset(next, 1, 3 * MIB);
    give(heap, block);
    block = bounded_alloc_slow(heap, 100000, 16, &zero);
    assert_false(zero);
    give(heap, next);
    give(heap, block);
    block = bounded_alloc_slow(heap, 3 * MIB + 200000, 16, &zero);
    assert_false(zero);
    end(heap);
}

/* Whatever was there before: a word of the engine's own, or of the program's. */
static void zeroed_blocks_are_zero(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    struct random random = { 11 };
    unsigned char *blocks[100] = { 0 };
    for (int i = 0; i < 20000; i++) {
        size_t which = random_below(&random, COUNT(blocks));
        size_t size = random_below(&random, i % 2 != 0 ? 100 : 12000);
        if (blocks[which] != NULL)
            give(heap, blocks[which]);
        blocks[which] = bounded_alloc_zero(heap, size);
        if (blocks[which] == NULL)
            continue;
        assert_true(is_zero(blocks[which], size));
        memset(blocks[which], 0xee, size);
    }
    end(heap);
}

/* An aligned block begins exactly where the block ended before it was made shorter, and where nothing
 * was ever handed out: the free block that began there must have left nothing. */
static void a_resized_block_leaves_what_was_never_used_zero(void **state)
{
    (void)state;
    for (size_t align = 64; align <= 4096; align *= 2)
        for (size_t less = 32; less < align; less += 16) {
            struct bounded *heap = make(256 * KIB);
            bool zero = false;
            char *first = bounded_alloc_slow(heap, 5000, align, &zero);
            size_t size = round_up(5000, align) - 8;
            assert_ptr_equal(bounded_realloc(heap, first, size, true), first);
            assert_ptr_equal(bounded_realloc(heap, first, size - less, true), first);
            unsigned char *next = bounded_alloc_slow(heap, 9000, align, &zero);
            assert_ptr_equal(next, first + size + 8);
            assert_true(zero && is_zero(next, 9000));
            end(heap);
        }
}

static void a_block_that_grew_in_place_has_used_its_memory(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(MIB, MIB, false);
    unsigned char *block = take(heap, 2000);
    assert_ptr_equal(bounded_realloc(heap, block, 100000, true), block);
    memset(block, 0xee, 100000);
    give(heap, block);
    for (int i = 0; i < 10; i++)
        assert_true(is_zero(bounded_alloc_zero(heap, 9000), 9000));
    end(heap);
}

/* ---- as a whole ----------------------------------------------------------------------------- */

static void every_block_is_walked_over_once(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    char *blocks[100];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = take(heap, i * 40);
    for (size_t i = 0; i < COUNT(blocks); i += 3)
        give(heap, blocks[i]);
    size_t busy = 0;
    struct bounded_entry entry = { 0 };
    enum bounded_kind last = BOUNDED_END;
    while (bounded_walk(heap, entry.address, &entry)) {
        last = entry.kind;
        if (entry.kind != BOUNDED_BUSY)
            continue;
        busy++;
        size_t i = 0;
        while (i < COUNT(blocks) && blocks[i] != entry.address)
            i++;
        assert_true(i < COUNT(blocks) && i % 3 != 0);
        assert_int_equal(entry.size, i * 40);
    }
    assert_int_equal(entry.kind, BOUNDED_END);
    assert_int_equal(last, BOUNDED_UNCOMMITTED);
    assert_int_equal(busy, 66);
    assert_int_equal(bounded_figures(heap).blocks, 66);
    end(heap);
}

static void a_walk_from_nowhere_is_lost(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    char *block = take(heap, 1000), other;
    char *places[] = { block + 16, block + 1, &other, (char *)heap, (char *)heap + MIB, (char *)1 };
    for (size_t i = 0; i < COUNT(places); i++) {
        struct bounded_entry entry;
        assert_false(bounded_walk(heap, places[i], &entry));
        assert_int_equal(entry.kind, BOUNDED_LOST);
    }
    end(heap);
}

static void a_heap_that_is_all_committed_has_no_uncommitted_end(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(MIB, MIB, false);
    struct bounded_entry entry;
    assert_true(bounded_walk(heap, NULL, &entry));
    assert_int_equal(entry.kind, BOUNDED_FREE);
    assert_ptr_equal((char *)entry.address + entry.size + entry.overhead, (char *)heap + MIB);
    assert_false(bounded_walk(heap, entry.address, &entry));
    assert_int_equal(entry.kind, BOUNDED_END);
    end(heap);
}

/* Bytes of the heap that are in memory. */
static size_t resident(struct bounded *heap)
{
    size_t page = os_page_size(), pages = heap->frontier * BOUNDED_UNIT / page, count = 0;
    static unsigned char map[4096];
    assert_true(pages <= sizeof map);
    assert_int_equal(mincore(heap, pages * page, map), 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    return count * page;
}

static void compacting_gives_free_pages_back(void **state)
{
    (void)state;
    struct bounded *heap = make(8 * MIB);
    unsigned char *kept = NULL;
    void *blocks[60];
    for (size_t i = 0; i < COUNT(blocks); i++) {
        blocks[i] = take(heap, 100000);
        memset(blocks[i], 1, 100000);
        if (i == 30)
            kept = take_stamped(heap, 10000);
    }
    size_t committed = bounded_figures(heap).committed;
    for (size_t i = 0; i < COUNT(blocks); i++)
        give(heap, blocks[i]);
    size_t answer = bounded_compact(heap);
    check_bounded(heap);
    assert_true(answer >= 3000000);
    assert_true(resident(heap) < 200000);
    assert_true(bounded_figures(heap).committed < 200000);
    assert_int_equal(bounded_compact(heap), answer);
    check_stamp(kept, 10000);
    /* used again, it counts again */
    void *block = take(heap, answer);
    memset(block, 1, answer);
    assert_in_range(bounded_figures(heap).committed, answer, committed);
    give(heap, block);
    give(heap, kept);
    end(heap);
}

static void what_was_given_back_stays_so_when_a_block_grows_into_it(void **state)
{
    (void)state;
    struct bounded *heap = make(8 * MIB);
    unsigned char *block = take(heap, 5000);
    void *large = take(heap, 4 * MIB);
    memset(large, 1, 4 * MIB);
    give(heap, large);
    bounded_compact(heap);
    assert_true(bounded_figures(heap).committed < 100 * KIB);
    assert_ptr_equal(bounded_realloc(heap, block, 50000, true), block);
    assert_true(bounded_figures(heap).committed < 200 * KIB);
    assert_ptr_equal(bounded_realloc(heap, block, 100, true), block);
    assert_true(bounded_figures(heap).committed < 200 * KIB);
    end(heap);
}

static void compacting_answers_the_largest_free_block(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(64 * KIB, 64 * KIB, false);
    size_t most = largest(heap);
    assert_int_equal(bounded_compact(heap), most);
    void *all = take(heap, most);
    assert_int_equal(bounded_compact(heap), 0);
    give(heap, all);
    void *blocks[10];
    for (int i = 0; i < 10; i++)
        blocks[i] = take(heap, 100);
    for (int i = 3; i < 6; i++)
        give(heap, blocks[i]);
    all = take(heap, bounded_compact(heap));
    assert_int_equal(bounded_compact(heap), 3 * 112 - 8);
    end(heap);
}

static void the_heap_may_stand_at_any_address(void **state)
{
    (void)state;
    struct bounded *heap = bounded_create(MIB, MIB, false);
    void *blocks[200];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = take(heap, 10 + i * 20);
    for (size_t i = 0; i < COUNT(blocks); i += 2)
        give(heap, blocks[i]);
    char *copy = os_reserve(MIB);
    assert_true(os_commit(copy, MIB));
    memcpy(copy, heap, MIB);
    struct bounded *moved = (struct bounded *)copy;
    ptrdiff_t distance = copy - (char *)heap;
    bounded_destroy(heap);
    check_bounded(moved);
    for (size_t i = 1; i < COUNT(blocks); i += 2) {
        void *block = (char *)blocks[i] + distance;
        assert_int_equal(bounded_block_size(moved, block), 10 + i * 20);
        assert_non_null(bounded_alloc(moved, 300));
        give(moved, block);
    }
    end(moved);
}

static void errno_is_left_alone(void **state)
{
    (void)state;
    errno = 1234;
    assert_null(bounded_create(0, SIZE_MAX, false));
    struct bounded *heap = make(64 * KIB);
    while (bounded_alloc(heap, 5000) != NULL)
        ;
    bounded_compact(heap);
    end(heap);
    assert_int_equal(errno, 1234);
}

/* A heap that is full of blocks of `filler` bytes with one of 300 between any two, but for one of
 * `longer` bytes; then all but the small ones are free. Nothing else is. */
static struct bounded *make_holes(size_t maximum, size_t filler, size_t longer, size_t holes)
{
    static void *blocks[20000];
    struct bounded *heap = make(maximum);
    assert_true(holes <= COUNT(blocks));
    for (size_t i = 0; i < holes; i++) {
        blocks[i] = take(heap, i == 0 ? longer : filler);
        take(heap, 300); /* longer than what is cut ahead */
    }
    for (size_t size = maximum; size >= 16;)
        if (bounded_alloc(heap, size) == NULL)
            size /= 2;
    for (size_t i = 0; i < holes;
         i++) /* the longer one goes to the list first, and so to its end */
        give(heap, blocks[i]);
    bounded_flush(heap);
    return heap;
}

static void a_free_block_is_found_behind_any_number_of_shorter_ones(void **state)
{
    (void)state;
    for (size_t holes = 100; holes <= 10000; holes *= 10) {
        struct bounded *heap = make_holes(64 * MIB, 4100, 4200, holes);
        assert_null(bounded_alloc(heap, 4300));
        assert_null(bounded_alloc(heap, 4300));
        void *block = take(heap, 4200);
        assert_null(bounded_alloc(heap, 4200));
        give(heap, block);
        give(heap, take(heap, 4200)); /* it came back, so it is looked for again */
        end(heap);
    }
}

enum { ALIGNED_BLOCKS = 12, ALIGNED_SIZE = 5000, PAGE_ALIGNED = 4096 };

static void *alloc_page_aligned(struct bounded *heap)
{
    return bounded_alloc_slow(heap, ALIGNED_SIZE, PAGE_ALIGNED, NULL);
}

/* Free blocks that serve an aligned request come in any order, with more room and with less; each is found again. */
static void aligned_blocks_that_are_freed_are_found_again(void **state)
{
    (void)state;
    struct bounded *heap = make_holes(4 * MIB, 8200, 8200, 300);
    void *blocks[ALIGNED_BLOCKS], *block;
    size_t count = 0;
    while ((block = alloc_page_aligned(heap)) != NULL)
        blocks[count++ % ALIGNED_BLOCKS] = block;
    assert_true(count > ALIGNED_BLOCKS);
    for (size_t i = 0; i < ALIGNED_BLOCKS; i++)
        for (size_t j = 0; j < ALIGNED_BLOCKS; j++) {
            if (i == j)
                continue;
            assert_true(bounded_free(heap, blocks[i]) && bounded_free(heap, blocks[j]));
            assert_non_null(blocks[i] = alloc_page_aligned(heap));
            assert_non_null(blocks[j] = alloc_page_aligned(heap));
            assert_null(alloc_page_aligned(heap));
        }
    end(heap);
}

/* Of blocks that are as long, those at one alignment in 64 have room. */
static void a_free_block_is_found_behind_any_number_of_others_for_each_alignment(void **state)
{
    (void)state;
    for (size_t align = 32; align <= 32 * KIB; align *= 4) {
        struct bounded *heap = make_holes(64 * MIB, 1000, 1000 + 2 * align, 3000);
        size_t most = 0, size = 1000 + align;
        for (bool zero; bounded_alloc_slow(heap, size, align, &zero) != NULL;)
            most++;
        assert_true(most >= 1);
        assert_null(bounded_alloc_slow(heap, size, align, NULL));
        end(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maximum_is_reserved_the_initial_committed),
        cmocka_unit_test(an_initial_size_above_the_maximum_is_the_maximum),
        cmocka_unit_test(absurd_maxima_give_no_heap),
        cmocka_unit_test(the_smallest_heap_is_a_page),
        cmocka_unit_test(memory_is_committed_as_needed_and_never_more),
        cmocka_unit_test(a_heap_is_released_whole),
        cmocka_unit_test(an_executable_heap_stays_one_as_it_grows),
        cmocka_unit_test(sizes_are_exactly_as_asked_for),
        cmocka_unit_test(a_size_does_not_stick_to_memory),
        cmocka_unit_test(blocks_of_no_bytes_are_blocks),
        cmocka_unit_test(absurd_sizes_give_nothing),
        cmocka_unit_test(records_take_what_windows_takes),
        cmocka_unit_test(one_block_may_take_nearly_all),
        cmocka_unit_test(alignment_is_as_asked),
        cmocka_unit_test(alignment_needs_no_more_room_than_it_takes),
        cmocka_unit_test(alignment_commits_no_more_room_than_it_takes),
        cmocka_unit_test(mixed_sizes_fill_nine_tenths),
        cmocka_unit_test(all_freed_the_largest_block_can_be_had_again),
        cmocka_unit_test(refusal_harms_nothing),
        cmocka_unit_test(neighbours_are_joined_in_any_order),
        cmocka_unit_test(a_freed_block_of_the_same_size_is_used_again),
        cmocka_unit_test(small_freed_blocks_are_joined_before_a_request_fails),
        cmocka_unit_test(a_block_that_fits_is_found_among_its_like),
        cmocka_unit_test(the_general_way_uses_quick_lists),
        cmocka_unit_test(sizes_without_a_quick_list_are_not_looked_up),
        cmocka_unit_test(quick_lists_follow_the_sizes_in_use),
        cmocka_unit_test(quick_lists_are_bounded),
        cmocka_unit_test(shrinking_stays_in_place_and_frees_the_rest),
        cmocka_unit_test(growing_takes_the_free_block_behind),
        cmocka_unit_test(growing_takes_a_neighbour_out_of_its_quick_list),
        cmocka_unit_test(growing_at_the_end_commits_more),
        cmocka_unit_test(with_no_room_for_two_a_block_slides_down),
        cmocka_unit_test(what_was_never_used_is_known_to_be_zero),
        cmocka_unit_test(zeroed_blocks_are_zero),
        cmocka_unit_test(a_resized_block_leaves_what_was_never_used_zero),
        cmocka_unit_test(a_block_that_grew_in_place_has_used_its_memory),
        cmocka_unit_test(every_block_is_walked_over_once),
        cmocka_unit_test(a_walk_from_nowhere_is_lost),
        cmocka_unit_test(a_heap_that_is_all_committed_has_no_uncommitted_end),
        cmocka_unit_test(a_free_block_is_found_behind_any_number_of_shorter_ones),
        cmocka_unit_test(a_free_block_is_found_behind_any_number_of_others_for_each_alignment),
        cmocka_unit_test(aligned_blocks_that_are_freed_are_found_again),
        cmocka_unit_test(compacting_gives_free_pages_back),
        cmocka_unit_test(what_was_given_back_stays_so_when_a_block_grows_into_it),
        cmocka_unit_test(compacting_answers_the_largest_free_block),
        cmocka_unit_test(the_heap_may_stand_at_any_address),
        cmocka_unit_test(errno_is_left_alone),
    };
    return cmocka_run_group_tests_name("bounded", tests, NULL, NULL);
}
