/* SPDX-License-Identifier: MIT */
/* Bounded heaps against a model that knows of each block where it is, how large, and what is in it.
 * All that the heap may do at random, for heaps of several sizes and ways of use. */
#include "test.h"

#include "bounded_check.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum { BLOCKS = 600 };

static struct {
    struct bounded *heap;
    struct random random;
    size_t sizes[2]; /* limits: most blocks are below the first, few reach the second */
    size_t blocks;
    struct {
        unsigned char *start;
        size_t size;
        unsigned char stamp;
    } all[BLOCKS];
    size_t refused;
} model;

static size_t any(size_t below)
{
    return random_below(&model.random, below);
}

static size_t any_size(void)
{
    return any(model.sizes[any(8) == 0]);
}

static void check_block(size_t i)
{
    const unsigned char *block = model.all[i].start;
    size_t size = model.all[i].size;
    assert_int_equal(bounded_block_size(model.heap, block), size);
    if (size != 0)
        assert_true(block[0] == model.all[i].stamp && memcmp(block, block + 1, size - 1) == 0);
}

static void put(size_t i, unsigned char *block, size_t size)
{
    model.all[i].start = block;
    model.all[i].size = size;
    model.all[i].stamp = (unsigned char)any(256);
    memset(block, model.all[i].stamp, size);
}

/* A refusal is right when no free block, with what could be committed, has that much room. */
static void refuse(size_t size)
{
    model.refused++;
    struct bounded_entry entry = { 0 };
    size_t last = 0;
    while (bounded_walk(model.heap, entry.address, &entry)) {
        if (entry.kind == BOUNDED_UNCOMMITTED)
            assert_true(size > last + entry.size - 8);
        last = entry.kind == BOUNDED_FREE ? entry.size + 8 : 0;
        if (entry.kind == BOUNDED_FREE)
            assert_true(size > entry.size);
    }
}

static void add(void)
{
    if (model.blocks == BLOCKS)
        return;
    size_t size = any_size(), align = (size_t)16 << (any(16) == 0 ? any(9) : 0);
    bool cleared = align == 16 && any(3) == 0, zero = false;
    unsigned char *block = cleared       ? bounded_alloc_zero(model.heap, size)
                           : align == 16 ? bounded_alloc(model.heap, size)
                                         : bounded_alloc_slow(model.heap, size, align, &zero);
    if (block == NULL) {
        if (align == 16)
            refuse(size);
        return;
    }
    assert_int_equal((uintptr_t)block % align, 0);
    if ((cleared || zero) && size != 0)
        assert_true(block[0] == 0 && memcmp(block, block + 1, size - 1) == 0);
    put(model.blocks++, block, size);
}

static void drop(void)
{
    if (model.blocks == 0)
        return;
    size_t i = any(model.blocks);
    check_block(i);
    assert_true(bounded_free(model.heap, model.all[i].start));
    assert_false(bounded_is_block(model.heap, model.all[i].start));
    model.all[i] = model.all[--model.blocks];
}

static void resize(void)
{
    if (model.blocks == 0)
        return;
    size_t i = any(model.blocks), old_size = model.all[i].size;
    size_t size = any(2) != 0 ? any_size() : any(2 * old_size + 1);
    bool in_place = any(3) == 0;
    unsigned char *old = model.all[i].start;
    check_block(i);
    unsigned char *block = bounded_realloc(model.heap, old, size, in_place);
    if (block == NULL) {
        assert_true(size > old_size);
        check_block(i);
        return;
    }
    assert_true(block == old || !in_place);
    model.all[i].start = block;
    size_t kept = size < old_size ? size : old_size;
    if (kept != 0)
        assert_true(block[0] == model.all[i].stamp && memcmp(block, block + 1, kept - 1) == 0);
    put(i, block, size);
}

static void check_all(void)
{
    check_bounded(model.heap);
    assert_int_equal(bounded_figures(model.heap).blocks, model.blocks);
    for (size_t i = 0; i < model.blocks; i++)
        check_block(i);
}

/* Phases in which the heap fills, empties, and does neither. */
static void use(size_t steps)
{
    size_t adds = 50;
    for (size_t step = 0; step < steps; step++) {
        if (step % 500 == 0)
            adds = 30 + 20 * any(3);
        size_t what = any(100);
        if (what < adds)
            add();
        else if (what < 85)
            drop();
        else if (what < 98)
            resize();
        else if (what == 98)
            bounded_flush(model.heap);
        else
            bounded_compact(model.heap);
        if (step % 250 == 0)
            check_all();
    }
}

static void use_heap(size_t maximum, size_t most, size_t rarely, size_t steps)
{
    model.heap = bounded_create(0, maximum, false);
    assert_non_null(model.heap);
    size_t whole = bounded_compact(model.heap);
    model.random.state = maximum + most;
    model.sizes[0] = most;
    model.sizes[1] = rarely;
    model.blocks = model.refused = 0;
    use(steps);
    while (model.blocks != 0)
        drop();
    check_all();
    assert_true(bounded_compact(model.heap) >= whole);
    struct bounded_entry entry;
    assert_true(bounded_walk(model.heap, NULL, &entry) && entry.kind == BOUNDED_FREE);
    bounded_destroy(model.heap);
}

static void small_blocks(void **state)
{
    (void)state;
    use_heap(16 * KIB, 40, 400, 10000);
    use_heap(64 * KIB, 100, 3000, 20000);
    assert_true(model.refused != 0);
    use_heap(MIB, 300, 1100, 20000);
}

static void blocks_of_all_sizes(void **state)
{
    (void)state;
    use_heap(64 * KIB, 4000, 30000, 10000);
    assert_true(model.refused != 0);
    use_heap(MIB, 5000, 200000, 20000);
    assert_true(model.refused != 0);
    use_heap(8 * MIB, 2000, 100000, 20000);
}

static void large_blocks(void **state)
{
    (void)state;
    use_heap(16 * MIB, 100000, 2000000, 3000);
    assert_true(model.refused != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks),
        cmocka_unit_test(blocks_of_all_sizes),
        cmocka_unit_test(large_blocks),
    };
    return cmocka_run_group_tests_name("bounded_random", tests, NULL, NULL);
}
