/* SPDX-License-Identifier: MIT */
/* heap_sizes.c: section 1 in breadth: each kind of heap, with blocks of every size up to 1 KiB and
 * about every step from there to 4 MiB; orders of freeing; blocks that change hands. */
#include "heap_test.h"

#define SIZES 2200
static SIZE_T sizes[SIZES];
static size_t size_count;

/* All up to 1,100; then five about each sixteenth of each power of two, where size classes and the
 * kinds of block change. */
static void list_sizes(void)
{
    for (SIZE_T size = 0; size <= 1100; size++)
        sizes[size_count++] = size;
    for (SIZE_T power = KIB; power <= 2 * MIB; power *= 2) {
        for (SIZE_T part = 16; part < 32; part++) {
            SIZE_T step = power / 16 * part;
            const SIZE_T about[] = { step - 16, step - 2, step - 1, step, step + 1 };
            for (int i = 0; i < 5 && size_count < SIZES; i++)
                sizes[size_count++] = about[i];
        }
    }
}

/* A block marked at both ends, and all over when it is small. */
struct block {
    unsigned char *p;
    SIZE_T size;
    unsigned char mark;
};

static void mark(struct block *block, unsigned char value)
{
    block->mark = value;
    if (block->size <= 8 * KIB) {
        memset(block->p, value, block->size);
    } else {
        memset(block->p, value, KIB);
        memset(block->p + block->size - KIB, value, KIB);
    }
}

static BOOL is_marked(const struct block *block)
{
    if (block->size <= 8 * KIB)
        return all_bytes(block->p, block->mark, block->size);
    return all_bytes(block->p, block->mark, KIB) &&
           all_bytes(block->p + block->size - KIB, block->mark, KIB);
}

static BOOL make(HANDLE heap, struct block *block, SIZE_T size, unsigned char value)
{
    block->size = size;
    block->p = HeapAlloc(heap, 0, size);
    if (block->p == NULL)
        return FALSE;
    mark(block, value);
    return TRUE;
}

static void drop(HANDLE heap, struct block *block)
{
    assert_true(is_marked(block));
    assert_int_equal(HeapSize(heap, 0, block->p), block->size);
    assert_true(HeapFree(heap, 0, block->p));
    block->p = NULL;
}

static HANDLE made(size_t kind)
{
    return heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
}

/* A bounded heap may refuse, a growable one may not. */
static void refused(size_t kind, SIZE_T size)
{
    assert_true(heap_kinds[kind].maximum != 0);
    assert_true(size > heap_kinds[kind].maximum / 4 || size > MOST_IN_BOUNDED);
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
}

static void each_size_alone(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct block block;
        for (size_t i = 0; i < size_count; i++) {
            if (!make(heap, &block, sizes[i], (unsigned char)i)) {
                refused(kind, sizes[i]);
                continue;
            }
            assert_int_equal((uintptr_t)block.p % 16, 0);
            assert_true(HeapValidate(heap, 0, block.p));
            drop(heap, &block);
        }
        assert_int_equal(census_of(heap).busy, 0);
        heap_gone(heap);
    }
}

/* Up to count blocks at once, dropped in the order of a step through them. */
static void many_at_once(size_t kind, size_t first, size_t count, size_t step)
{
    static struct block blocks[SIZES];
    HANDLE heap = made(kind);
    size_t n = 0;
    while (n < count && make(heap, &blocks[n], sizes[first + n], (unsigned char)n))
        n++;
    if (n < count)
        assert_true(heap_kinds[kind].maximum != 0);
    assert_true(n > 10);
    assert_int_equal(census_of(heap).busy, n);
    for (size_t i = 0, at = 0; i < n; i++) {
        for (at = (at + step) % n; blocks[at].p == NULL;)
            at = (at + 1) % n;
        drop(heap, &blocks[at]);
    }
    assert_true(HeapValidate(heap, 0, NULL));
    assert_int_equal(census_of(heap).busy, 0);
    heap_gone(heap);
}

static void many_at_once_freed_in_any_order(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        many_at_once(kind, 0, 1100, 1);
        many_at_once(kind, 0, 1100, 1099);
        many_at_once(kind, 0, 1100, 357);
        many_at_once(kind, 200, 1500, 77);
    }
}

static void each_size_to_its_neighbours(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct block block;
        for (size_t i = 0; i + 6 < size_count; i += 3) {
            if (!make(heap, &block, sizes[i], (unsigned char)i))
                continue;
            for (size_t to = i + 6; to >= i && to <= i + 6; to -= 2) {
                unsigned char *p = HeapReAlloc(heap, 0, block.p, sizes[to]);
                if (p == NULL)
                    continue;
                SIZE_T kept = sizes[to] < block.size ? sizes[to] : block.size;
                assert_true(all_bytes(p, block.mark, kept < KIB ? kept : KIB));
                block.p = p;
                block.size = sizes[to];
                mark(&block, (unsigned char)to);
                if (to < 2)
                    break;
            }
            drop(heap, &block);
        }
        assert_true(HeapValidate(heap, 0, NULL));
        heap_gone(heap);
    }
}

static void zero_memory_in_used_memory(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        struct block block;
        for (size_t i = 0; i < size_count; i += 2) {
            if (!make(heap, &block, sizes[i], 0xCC))
                continue;
            drop(heap, &block);
            block.p = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizes[i]);
            assert_non_null(block.p);
            block.mark = 0;
            drop(heap, &block);
        }
        heap_gone(heap);
    }
}

/* Random steps against a table of what there should be. */
#define HELD 500
static void random_steps(HANDLE heap, size_t steps, SIZE_T most, uint32_t seed)
{
    static struct block held[HELD];
    memset(held, 0, sizeof(held));
    for (size_t i = 0; i < steps; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct block *block = &held[(seed >> 8) % HELD];
        SIZE_T size = sizes[(seed >> 12) % size_count] % most;
        if (block->p == NULL) {
            make(heap, block, size, (unsigned char)i);
        } else if (seed >> 30 == 0) {
            unsigned char *p = HeapReAlloc(heap, 0, block->p, size);
            assert_true(p != NULL || is_marked(block));
            if (p != NULL) {
                block->p = p;
                block->size = size;
                mark(block, (unsigned char)i);
            }
        } else {
            drop(heap, block);
        }
    }
    assert_true(HeapValidate(heap, 0, NULL));
    for (size_t i = 0; i < HELD; i++) {
        if (held[i].p != NULL)
            drop(heap, &held[i]);
    }
    assert_int_equal(census_of(heap).busy, 0);
}

static void random_steps_in_each_kind(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE heap = made(kind);
        random_steps(heap, 20000, 300, (uint32_t)kind);
        random_steps(heap, 20000, 9000, (uint32_t)kind + 100);
        random_steps(heap, 5000, MIB, (uint32_t)kind + 200);
        heap_gone(heap);
    }
}

/* A block goes to another thread, which resizes and frees it. */
struct handed {
    HANDLE heap;
    struct block blocks[300];
    BOOL good;
};

static void take_over(void *argument)
{
    struct handed *handed = argument;
    handed->good = TRUE;
    for (size_t i = 0; i < 300; i++) {
        struct block *block = &handed->blocks[i];
        if (block->p == NULL)
            continue;
        BOOL good = is_marked(block) && HeapSize(handed->heap, 0, block->p) == block->size;
        void *p = HeapReAlloc(handed->heap, 0, block->p, block->size / 2);
        good = good && p != NULL && HeapSize(handed->heap, 0, p) == block->size / 2;
        good = good && HeapFree(handed->heap, 0, p);
        handed->good = handed->good && good;
    }
}

static void blocks_are_freed_by_another_thread(void **state)
{
    (void)state;
    static struct handed handed;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        handed.heap = made(kind); /* no serialize: handed on as a whole, one thread at a time */
        for (int round = 0; round < 5; round++) {
            for (size_t i = 0; i < 300; i++)
                make(handed.heap, &handed.blocks[i], sizes[i * 4], (unsigned char)i);
            thread_join(thread_start(take_over, &handed));
            assert_true(handed.good);
        }
        assert_true(HeapValidate(handed.heap, 0, NULL));
        assert_int_equal(census_of(handed.heap).busy, 0);
        heap_gone(handed.heap);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_size_alone),
        cmocka_unit_test(many_at_once_freed_in_any_order),
        cmocka_unit_test(each_size_to_its_neighbours),
        cmocka_unit_test(zero_memory_in_used_memory),
        cmocka_unit_test(random_steps_in_each_kind),
        cmocka_unit_test(blocks_are_freed_by_another_thread),
    };
    tests_set_up(argc, argv, NULL);
    list_sizes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
