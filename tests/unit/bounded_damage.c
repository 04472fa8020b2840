/* SPDX-License-Identifier: MIT */
/* Bounded heaps and bad pointers, and bad writes: what is no block is told from one, what was
 * overwritten is found when it matters, and nothing crashes, hangs or spreads. */
#include "test.h"

#include "bounded_check.h"
#include "private/bounded_index.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* A heap whose headers are the same in each run: by chance, one in 256 overruns writes the byte
 * that was there, and is not one. */
static struct bounded *make_committed(size_t initial, size_t maximum)
{
    struct bounded *heap = bounded_create(initial, maximum, false);
    assert_non_null(heap);
    uint64_t first = block_fields(heap, heap->first), last = block_fields(heap, heap->frontier);
    index_remove(heap, heap->first, fields_units(first));
    bounded_set_key(heap, 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03);
    index_insert(heap, heap->first, fields_units(first));
    set_block(heap, heap->first, first);
    set_block(heap, heap->frontier, last);
    check_bounded(heap);
    return heap;
}

static struct bounded *make(size_t maximum)
{
    return make_committed(0, maximum);
}

static void refuses(struct bounded *heap, void *address)
{
    assert_false(bounded_is_block(heap, address));
    assert_int_equal(bounded_block_size(heap, address), SIZE_MAX);
    assert_null(bounded_realloc(heap, address, 10, false));
    assert_null(bounded_realloc(heap, address, 10, true));
    assert_false(bounded_free(heap, address));
}

/* ---- bad pointers --------------------------------------------------------------------------- */

static bool is_among(char *const *blocks, size_t count, const char *address)
{
    for (size_t i = 0; i < count; i++)
        if (blocks[i] == address)
            return true;
    return false;
}

static void of_all_addresses_only_starts_of_blocks_are_blocks(void **state)
{
    (void)state;
    struct bounded *heap = make(64 * KIB);
    char *blocks[40];
    size_t count = 0;
    for (size_t i = 0; i < 2 * COUNT(blocks); i++) {
        size_t size = i * i % 1200;
        char *block = bounded_alloc(heap, size);
        memset(block, (int)i, size);
        if (i % 2 == 0)
            assert_true(bounded_free(heap, block));
        else
            blocks[count++] = block;
    }
    char *end = (char *)heap + 64 * KIB + 100;
    for (char *address = (char *)heap - 100; address < end; address++)
        assert_int_equal(bounded_is_block(heap, address), is_among(blocks, count, address));
    bounded_flush(heap);
    for (char *address = (char *)heap - 100; address < end; address++)
        if (!is_among(blocks, count, address))
            refuses(heap, address);
    check_bounded(heap);
    bounded_destroy(heap);
}

static void wild_pointers_are_refused(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB), *other = make(MIB);
    char local[64];
    void *foreign = bounded_alloc(other, 100);
    void *const wild[] = { NULL,
                           (void *)1,
                           (void *)16,
                           local,
                           (void *)UINTPTR_MAX,
                           (void *)(UINTPTR_MAX - 15),
                           foreign,
                           heap,
                           (char *)heap + 8,
                           stderr };
    for (size_t i = 0; i < COUNT(wild); i++) {
        refuses(heap, wild[i]);
        assert_int_equal(bounded_contains(heap, wild[i]),
                         wild[i] == heap || wild[i] == &heap->salt);
    }
    check_bounded(heap);
    check_bounded(other);
    bounded_destroy(heap);
    bounded_destroy(other);
}

/* Whether they went to a quick list, were joined, or were joined and cut anew. */
static void freed_blocks_are_refused(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t size = 0; size < 20000; size = size * 2 + 10) {
        char *block = bounded_alloc(heap, size);
        void *guard = bounded_alloc(heap, size);
        assert_true(bounded_free(heap, block));
        refuses(heap, block);
        bounded_flush(heap);
        refuses(heap, block);
        assert_true(bounded_free(heap, guard));
        bounded_compact(heap);
        refuses(heap, block);
        refuses(heap, guard);
        char *larger = bounded_alloc(heap, 100000);
        assert_true(larger < block + 1);
        if (larger < block)
            refuses(heap, block);
        assert_true(bounded_free(heap, larger));
        check_bounded(heap);
    }
    bounded_destroy(heap);
}

static void a_moved_block_leaves_none_behind(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    void *block = bounded_alloc(heap, 2000);
    bounded_alloc(heap, 10);
    void *moved = bounded_realloc(heap, block, 20000, false);
    assert_ptr_not_equal(moved, block);
    refuses(heap, block);
    bounded_destroy(heap);
}

/* ---- overruns ------------------------------------------------------------------------------- */

struct bytes {
    unsigned char *at, kept[16];
    size_t length;
};

/* Writes over `length` bytes, and answers whether that changed any. */
static bool overwrite(struct bytes *bytes, void *at, size_t length, int with)
{
    bytes->at = at;
    bytes->length = length;
    memcpy(bytes->kept, at, length);
    memset(at, with, length);
    return memcmp(bytes->kept, at, length) != 0;
}

static void restore(const struct bytes *bytes)
{
    memcpy(bytes->at, bytes->kept, bytes->length);
}

static const int writes[] = { 0, 0xff, 'A', ' ', 0x5a, 1 };

/* With the bytes put back, all is as it was: the refused calls have changed nothing. */
static void an_overrun_is_found_when_the_next_block_is_freed(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t size = 24; size < 9000; size = size * 3 + 16)
        for (size_t i = 0; i < COUNT(writes); i++)
            for (size_t length = 1; length <= 8; length++) {
                char *block = bounded_alloc(heap, size), *next = bounded_alloc(heap, size);
                struct bytes bytes;
                assert_ptr_equal(block + size + 8, next);
                if (overwrite(&bytes, block + size, length, writes[i])) {
                    refuses(heap, next);
                    assert_false(bounded_validate(heap));
                }
                restore(&bytes);
                check_bounded(heap);
                assert_true(bounded_free(heap, next));
                assert_true(bounded_free(heap, block));
                bounded_flush(heap);
            }
    bounded_destroy(heap);
}

static void an_underrun_is_found_when_the_block_is_freed(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t i = 0; i < COUNT(writes); i++)
        for (size_t length = 1; length <= 8; length++) {
            char *block = bounded_alloc(heap, 5000);
            struct bytes bytes;
            if (overwrite(&bytes, block - length, length, writes[i]))
                refuses(heap, block);
            restore(&bytes);
            assert_true(bounded_free(heap, block));
        }
    check_bounded(heap);
    bounded_destroy(heap);
}

/* Larger blocks, which would be joined with what follows. */
static void a_block_is_not_joined_with_a_damaged_neighbour(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    enum { SIZE = 10008, BEHIND = 4 };
    char *before = bounded_alloc(heap, SIZE), *block = bounded_alloc(heap, SIZE);
    char *behind = bounded_alloc(heap, SIZE), *guard = bounded_alloc(heap, SIZE);
    struct bytes bytes;
    overwrite(&bytes, behind - 8, 3, 'A');
    assert_false(bounded_free(heap, block));
    restore(&bytes);
    assert_true(bounded_free(heap, behind));
    assert_true(bounded_free(heap, before));
    char *const places[] = {
        behind - 8,                    /* header of the free block behind */
        behind,                        /* its links */
        behind + 8, behind + SIZE - 8, /* its foot */
        before - 8,                    /* the same of the block before */
        before,     before + 8,        before + SIZE - 8,
    };
    for (size_t i = 0; i < COUNT(places); i++)
        for (size_t with = 0; with < COUNT(writes); with++) {
            if (overwrite(&bytes, places[i], 8, writes[with])) {
                assert_false(bounded_validate(heap));
                assert_false(bounded_free(heap, block));
                if (i < BEHIND) /* what is before the block is no matter then */
                    assert_null(bounded_realloc(heap, block, 2 * SIZE, true));
            }
            restore(&bytes);
            check_bounded(heap);
        }
    assert_true(bounded_free(heap, block));
    assert_true(bounded_free(heap, guard));
    check_bounded(heap);
    bounded_destroy(heap);
}

static void an_overrun_of_the_end_mark_is_found(void **state)
{
    (void)state;
    struct bounded *heap = make_committed(MIB, MIB);
    size_t size = bounded_compact(heap);
    char *block = bounded_alloc(heap, size);
    struct bytes bytes;
    overwrite(&bytes, block + size, 4, 'A');
    assert_false(bounded_validate(heap));
    assert_false(bounded_free(heap, block));
    restore(&bytes);
    assert_true(bounded_free(heap, block));
    check_bounded(heap);
    bounded_destroy(heap);
}

static void damage_in_a_quick_list_is_found(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    char *block = bounded_alloc(heap, 1000), *next = bounded_alloc(heap, 1000);
    assert_true(bounded_free(heap, next));
    assert_true(bounded_validate(heap));
    struct bytes bytes;
    overwrite(&bytes, block + 1000, 1, writes[0]);
    assert_false(bounded_validate(heap));
    /* handed out again it still cannot be freed */
    assert_ptr_equal(bounded_alloc(heap, 1000), next);
    refuses(heap, next);
    restore(&bytes);
    bounded_destroy(heap);
}

static void a_write_into_a_freed_block_is_found(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20000; size = size * 2 + 8) {
        struct bounded *heap = make(MIB);
        char *block = bounded_alloc(heap, size);
        assert_non_null(bounded_alloc(heap, size));
        assert_true(bounded_free(heap, block));
        check_bounded(heap);
        struct bytes bytes;
        assert_true(overwrite(&bytes, block, 8, 'A'));
        assert_false(bounded_validate(heap));
        restore(&bytes);
        check_bounded(heap);
        bounded_destroy(heap);
    }
}

/* Writing into a freed block: what is found there is not believed. */
static void damaged_lists_are_found_and_not_followed(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    for (size_t i = 0; i < COUNT(writes); i++)
        for (size_t offset = 0; offset <= 8; offset += 8) {
            char *block = bounded_alloc(heap, 5000), *guard = bounded_alloc(heap, 5000);
            assert_true(bounded_free(heap, block));
            struct bytes bytes;
            if (overwrite(&bytes, block + offset, 8, writes[i])) {
                assert_false(bounded_validate(heap));
                void *other = bounded_alloc(heap, 5000);
                assert_ptr_not_equal(other, block);
                assert_true(other == NULL || bounded_free(heap, other));
            }
            restore(&bytes);
            check_bounded(heap);
            assert_true(bounded_free(heap, guard));
        }
    bounded_destroy(heap);
}

/* A list that leads back into itself. */
static void a_circle_comes_to_an_end(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    void *blocks[6];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = bounded_alloc(heap, 9000);
    for (size_t i = 0; i < COUNT(blocks); i += 2)
        assert_true(bounded_free(heap, blocks[i]));
    uint64_t first = bounded_unit_of(heap, blocks[4]), last = bounded_unit_of(heap, blocks[0]);
    assert_true(block_links(heap, first)->previous == no_block(heap));
    assert_true(block_links(heap, last)->next == no_block(heap));
    block_links(heap, first)->previous = last;
    block_links(heap, last)->next = first;
    assert_false(bounded_validate(heap));
    bounded_compact(heap);
    bounded_alloc(heap, 9100);
    bounded_alloc_slow(heap, 8000, 512, NULL);
    while (bounded_alloc(heap, 9100) != NULL)
        ;
    bounded_destroy(heap);
}

/* What only a wild write can do. */
static void records_that_disagree_are_found(void **state)
{
    (void)state;
    struct bounded *heap = make(MIB);
    void *blocks[10];
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = bounded_alloc(heap, 900);
    for (size_t i = 0; i < COUNT(blocks); i += 2)
        assert_true(bounded_free(heap, blocks[i]));
    uint64_t *list = &heap->quick[units_for(900)], kept = *list;
    *list = block_links(heap, quick_unit(heap, kept))->next; /* one is in no list */
    assert_false(bounded_validate(heap));
    *list = kept;
    check_bounded(heap);
    uint64_t *const figures[] = { &heap->given_back, &heap->blocks, &heap->free_units,
                                  &heap->quick_room, &heap->level_bits };
    for (size_t i = 0; i < COUNT(figures); i++) {
        ++*figures[i];
        assert_false(bounded_validate(heap));
        --*figures[i];
        check_bounded(heap);
    }
    /* that the block before is free, when it is not */
    flip_block(heap, bounded_unit_of(heap, blocks[5]), BOUNDED_PREVIOUS_FREE);
    assert_false(bounded_validate(heap));
    bounded_flush(heap); /* does not join what comes before it */
    assert_true(heap->damaged);
    bounded_destroy(heap);
}

/* ---- anything at all ------------------------------------------------------------------------ */

static void damage_at_random(struct bounded *heap, struct random *random)
{
    size_t low = heap->first * BOUNDED_UNIT - 8, high = heap->frontier * BOUNDED_UNIT;
    size_t at = low + random_below(random, high - low - 64) / 8 * 8;
    size_t length = 1 + random_below(random, 24);
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)heap)[at + i] = (unsigned char)random_next(random);
}

static void check_inside(const struct bounded *heap, const char *block, size_t size)
{
    assert_true(block == NULL || (bounded_contains(heap, block) &&
                                  block + size <= (char *)heap + heap->frontier * BOUNDED_UNIT));
}

static void use_at_random(struct bounded *heap, char **blocks, size_t count, struct random *random)
{
    size_t size = random_below(random, random_below(random, 4) == 0 ? 20000 : 300);
    char **block = &blocks[random_below(random, count)];
    switch (random_below(random, 8)) {
    case 0:
    case 1:
    case 2:
        bounded_free(heap, *block);
        *block = bounded_alloc(heap, size);
        break;
    case 3:
        bounded_free(heap, *block);
        *block = bounded_alloc_slow(heap, size, 64, NULL);
        break;
    case 4: {
        char *moved = bounded_realloc(heap, *block, size, false);
        if (moved == NULL)
            return;
        *block = moved;
        break;
    }
    case 5:
        bounded_free(heap, *block);
        return; /* freed or not, the next compaction may end the heap before it */
    default:
        bounded_compact(heap);
        return;
    }
    check_inside(heap, *block, size);
}

static void random_damage_does_no_more_harm(void **state)
{
    (void)state;
    struct random random = { 99 };
    for (int round = 0; round < 300; round++) {
        struct bounded *heap = make(128 * KIB);
        char *blocks[50] = { 0 };
        for (int i = 0; i < 300; i++) {
            use_at_random(heap, blocks, COUNT(blocks), &random);
            if (i >= 100 && i % 20 == 0)
                damage_at_random(heap, &random);
        }
        bounded_validate(heap);
        struct bounded_entry entry = { 0 };
        while (bounded_walk(heap, entry.address, &entry))
            check_inside(heap, entry.address, 0);
        bounded_destroy(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_all_addresses_only_starts_of_blocks_are_blocks),
        cmocka_unit_test(wild_pointers_are_refused),
        cmocka_unit_test(freed_blocks_are_refused),
        cmocka_unit_test(a_moved_block_leaves_none_behind),
        cmocka_unit_test(an_overrun_is_found_when_the_next_block_is_freed),
        cmocka_unit_test(an_underrun_is_found_when_the_block_is_freed),
        cmocka_unit_test(a_block_is_not_joined_with_a_damaged_neighbour),
        cmocka_unit_test(an_overrun_of_the_end_mark_is_found),
        cmocka_unit_test(damage_in_a_quick_list_is_found),
        cmocka_unit_test(a_write_into_a_freed_block_is_found),
        cmocka_unit_test(damaged_lists_are_found_and_not_followed),
        cmocka_unit_test(a_circle_comes_to_an_end),
        cmocka_unit_test(records_that_disagree_are_found),
        cmocka_unit_test(random_damage_does_no_more_harm),
    };
    return cmocka_run_group_tests_name("bounded_damage", tests, NULL, NULL);
}
