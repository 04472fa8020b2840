/* SPDX-License-Identifier: MIT */
/* What calls of a bounded heap cost does not depend on its size. Counted in instructions, not in
 * time: a child is stepped through its calls by ptrace. */
#include "test.h"

#include "bounded_check.h"
#include "steps.h"

#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum { BLOCKS = 3000, CALLS = 40 };

static struct bounded *heap;
static void *blocks[BLOCKS];
static size_t sizes[BLOCKS], count;

/* Free blocks of all sizes between blocks in use, and part of the quick lists filled. */
static void prepare(size_t maximum, size_t most)
{
    struct random random = { 5 };
    heap = bounded_create(32 * KIB, maximum, false);
    if (heap == NULL)
        _exit(2);
    for (; count < BLOCKS; count++) {
        sizes[count] = random_below(&random, random_below(&random, 4) != 0 ? 400 : most);
        if ((blocks[count] = bounded_alloc(heap, sizes[count])) == NULL)
            break;
    }
    for (size_t i = 0; i < count; i += 2)
        if (!bounded_free(heap, blocks[i]))
            _exit(3);
}

/* Each frees one of the blocks in use, and takes one of the size of one that was freed. */
static void use(void)
{
    for (size_t i = 1; i < 2 * CALLS; i += 2) {
        if (!bounded_free(heap, blocks[i]))
            _exit(4);
        blocks[i] = bounded_alloc(heap, sizes[(i * 7 + 1) % count]);
    }
}

struct wish {
    size_t maximum, most;
};

static void prepare_heap(void *argument)
{
    const struct wish *wish = argument;
    prepare(wish->maximum, wish->most);
}

static void use_heap(void *argument)
{
    (void)argument;
    use();
}

static size_t steps_of(size_t maximum, size_t most)
{
    return count_steps(prepare_heap, use_heap, &(struct wish){ maximum, most });
}

/* No heap of the row costs more than the one before it, but for a tenth. */
static void check_row(const size_t *maxima, size_t heaps, size_t most, size_t limit)
{
    size_t before = limit * CALLS;
    for (size_t i = 0; i < heaps; i++) {
        size_t steps = steps_of(maxima[i], most);
        print_message(
            "%zu KiB, blocks of up to %zu bytes: %zu instructions for a free and an alloc\n",
            maxima[i] / KIB, most, steps / CALLS);
        assert_true(steps <= before + before / 10);
        before = steps;
    }
}

static void cost_does_not_grow_with_the_heap(void **state)
{
    (void)state;
    const size_t maxima[] = { 64 * KIB, MIB, 16 * MIB, GIB, 64 * GIB };
    check_row(maxima, COUNT(maxima), 1000, 4000);
    check_row(maxima + 2, COUNT(maxima) - 2, 30000, 4000);
}

/* ---- at the limit --------------------------------------------------------------------------- */

/* Free blocks of one list, none of which has room, and the calls fail. */
static void prepare_holes(void *argument)
{
    size_t holes = *(const size_t *)argument;
    static void *runs[30000];
    heap = bounded_create(0, 256 * MIB, false);
    for (size_t i = 0; i < holes; i++) {
        runs[i] = bounded_alloc(heap, 4100);
        bounded_alloc(heap, 300); /* longer than what is cut ahead */
    }
    for (size_t size = 256 * MIB; size >= 16;)
        if (bounded_alloc(heap, size) == NULL)
            size /= 2;
    for (size_t i = 0; i < holes; i++)
        if (!bounded_free(heap, runs[i]))
            _exit(3);
    bounded_flush(heap);
    if (bounded_alloc(heap, 4200) != NULL || bounded_alloc_slow(heap, 3000, 4096, NULL) == NULL)
        _exit(4);
    while (bounded_alloc_slow(heap, 3000, 4096, NULL) != NULL)
        ;
}

static void call_in_vain(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < CALLS; i++)
        if (bounded_alloc(heap, 4200) != NULL || bounded_alloc_slow(heap, 3000, 4096, NULL) != NULL)
            _exit(5);
}

static void a_call_that_failed_costs_little_when_it_fails_again(void **state)
{
    (void)state;
    size_t few = 30, many = 30000;
    size_t among_few = count_steps(prepare_holes, call_in_vain, &few) / CALLS;
    size_t among_many = count_steps(prepare_holes, call_in_vain, &many) / CALLS;
    print_message("two calls that fail: %zu instructions among 30 free blocks, %zu among 30,000\n",
                  among_few, among_many);
    assert_true(among_many <= among_few + among_few / 2);
    assert_true(among_many < 2000);
}

/* ---- aligned blocks at the limit ------------------------------------------------------------- */

enum { ALIGNED = 5000, HOLE = 8200, ALIGNMENT = 4096 };

static void *last_aligned;

static void *alloc_aligned(void)
{
    return bounded_alloc_slow(heap, ALIGNED, ALIGNMENT, NULL);
}

/* Free blocks that are long enough, and begin where none serves. */
static void prepare_unaligned(void *argument)
{
    size_t holes = *(const size_t *)argument;
    static void *runs[5000];
    heap = bounded_create(0, 256 * MIB, false);
    for (size_t i = 0; i < holes; i++) {
        runs[i] = bounded_alloc(heap, HOLE);
        bounded_alloc(heap, 300);
    }
    for (size_t size = 256 * MIB; size >= 16;)
        if (bounded_alloc(heap, size) == NULL)
            size /= 2;
    for (size_t i = 0; i < holes; i++)
        if (!bounded_free(heap, runs[i]))
            _exit(3);
    bounded_flush(heap);
    for (void *block; (block = alloc_aligned()) != NULL;)
        last_aligned = block;
    if (last_aligned == NULL)
        _exit(4);
}

/* A free block comes each time, and does not serve. */
static void fail_between_frees(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < CALLS; i++)
        if (!bounded_free(heap, bounded_alloc(heap, ALIGNED)) || alloc_aligned() != NULL)
            _exit(5);
}

/* The only one that serves, again and again. */
static void take_and_give(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < CALLS; i++)
        if (!bounded_free(heap, last_aligned) || (last_aligned = alloc_aligned()) == NULL ||
            alloc_aligned() != NULL)
            _exit(5);
}

static void check_aligned(const char *what, void (*run)(void *))
{
    size_t few = 30, many = 5000;
    size_t among_few = count_steps(prepare_unaligned, run, &few) / CALLS;
    size_t among_many = count_steps(prepare_unaligned, run, &many) / CALLS;
    print_message("%s: %zu instructions among 30 free blocks, %zu among 5,000\n", what, among_few,
                  among_many);
    assert_true(among_many <= among_few + among_few / 2);
}

static void aligned_blocks_at_the_limit_are_not_searched_for_in_vain(void **state)
{
    (void)state;
    check_aligned("an aligned request that fails, a free block between", fail_between_frees);
    check_aligned("the only block that serves an aligned request", take_and_give);
}

/* ---- the last block that fits ----------------------------------------------------------------- */

enum { WANTED = 4200, LARGER = 4300 };

struct wood {
    size_t holes;
    bool has_one; /* a free block of LARGER bytes, the first one freed */
};

/* Nothing is free but so many blocks of one list that are too short. */
static void prepare_wood(void *argument)
{
    const struct wood *wood = argument;
    static void *runs[30001];
    heap = bounded_create(0, 256 * MIB, false);
    for (size_t i = 0; i <= wood->holes; i++) {
        runs[i] = bounded_alloc(heap, i == 0 ? LARGER : 4100);
        bounded_alloc(heap, 300);
    }
    for (size_t size = 256 * MIB; size >= 16;)
        if (bounded_alloc(heap, size) == NULL)
            size /= 2;
    for (size_t i = wood->has_one ? 0 : 1; i <= wood->holes; i++)
        if (!bounded_free(heap, runs[i]))
            _exit(3);
    bounded_flush(heap);
}

static void take_the_one(void *argument)
{
    const struct wood *wood = argument;
    if ((bounded_alloc(heap, WANTED) != NULL) != wood->has_one)
        _exit(4);
}

static void the_last_block_that_fits_is_found_at_once(void **state)
{
    (void)state;
    for (int has_one = 0; has_one < 2; has_one++) {
        size_t few = count_steps(prepare_wood, take_the_one, &(struct wood){ 30, has_one });
        size_t many = count_steps(prepare_wood, take_the_one, &(struct wood){ 30000, has_one });
        print_message("%s: %zu instructions among 30 free blocks, %zu among 30,000\n",
                      has_one ? "the only block that fits" : "the first call that fails", few,
                      many);
        assert_true(many <= few + few / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_does_not_grow_with_the_heap),
        cmocka_unit_test(the_last_block_that_fits_is_found_at_once),
        cmocka_unit_test(aligned_blocks_at_the_limit_are_not_searched_for_in_vain),
        cmocka_unit_test(a_call_that_failed_costs_little_when_it_fails_again),
    };
    return cmocka_run_group_tests_name("bounded_cost", tests, NULL, NULL);
}
