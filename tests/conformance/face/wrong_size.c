/* SPDX-License-Identifier: MIT */
/* free_sized and free_aligned_sized with sizes that are right, and with sizes that are not: a block
 * of another size class is always found, any other size in the checked mode and in private heaps. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

void *barrow_HeapCreate(uint32_t options, size_t initial, size_t maximum);

/* A block of `size` at the alignment (0: by malloc), resized to `resized` (0: not), and freed as one
 * of `freed` at freed_alignment. */
static const struct row {
    const char *name;
    size_t alignment, size, resized, freed_alignment, freed;
    bool found; /* without the checked mode */
} rows[] = {
    { "small_as_smaller", 0, 1000, 0, 0, 16, true },
    { "small_as_larger", 0, 16, 0, 0, 1000, true },
    { "one_byte_of_another_class", 0, 64, 0, 0, 65, true },
    { "one_byte_of_the_same_class", 0, 64, 0, 0, 63, false },
    { "nothing", 0, 1000, 0, 0, 0, true },
    { "everything", 0, 1000, 0, 0, SIZE_MAX, true },
    { "medium_as_small", 0, 20000, 0, 0, 100, true },
    { "medium_as_large", 0, 20000, 0, 0, 200000, true },
    { "large_as_small", 0, 1 << 20, 0, 0, 1000, true },
    { "large_as_larger", 0, 1 << 20, 0, 0, 3 << 20, true },
    { "large_as_half", 0, 1 << 20, 0, 0, 1 << 19, true },
    { "large_less_one", 0, 1 << 20, 0, 0, (1 << 20) - 1, false },
    { "zeroed_block", 0, 5000, 0, 0, 50, true },
    { "the_size_before_realloc", 0, 1000, 100, 0, 1000, true },
    { "aligned_as_smaller", 64, 1000, 0, 64, 100, true },
    { "aligned_as_larger", 64, 100, 0, 64, 1000, true },
    { "aligned_in_pages", 4096, 9000, 0, 4096, 10, true },
    { "aligned_large", 1 << 20, 1 << 20, 0, 1 << 20, 10, true },
    { "alignment_too_large", 64, 64, 0, 1 << 20, 64, true },
    { "alignment_no_power", 64, 96, 0, 96, 96, true },
    { "alignment_zero", 64, 64, 0, 0, 64, true },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_aligned_row(const struct row *row)
{
    return row->alignment != 0;
}

static int child_frees(const char *argument)
{
    const struct row *row = &rows[strtoul(argument, NULL, 10)];
    void *others[40], *block;
    for (size_t i = 0; i < 40; i++) /* the block is one among others */
        others[i] = malloc(row->size);
    block = is_aligned_row(row) ? aligned_alloc(row->alignment, row->size) : malloc(row->size);
    if (row->resized != 0)
        block = realloc(block, row->resized);
    dprintf(1, "%p", block);
    if (is_aligned_row(row))
        free_aligned_sized(opaque(block), row->freed_alignment, opaque_size(row->freed));
    else
        free_sized(opaque(block), opaque_size(row->freed));
    opaque(others);
    return 0;
}

/* Ended by SIGABRT after a line with the call, the address and the cause. */
static bool is_found(const struct child_result *result, const struct row *row)
{
    char start[128];
    snprintf(start, sizeof start, "barrow: %s(%.40s): wrong ",
             is_aligned_row(row) ? "free_aligned_sized" : "free_sized", result->out);
    return child_killed(result, SIGABRT) && strncmp(result->err, start, strlen(start)) == 0;
}

static void check_rows(const char *checks)
{
    static struct child_result result;
    int wrong = 0;
    for (size_t i = 0; i < ROWS; i++) {
        char number[16];
        const char *const args[] = { "--case", "frees", number, NULL };
        const char *const env[] = { checks, NULL };
        struct child child = { .args = args, .env = env };
        snprintf(number, sizeof number, "%zu", i);
        child_run(&child, &result);
        bool exact = strcmp(checks, "BARROW_CHECKS=0") != 0;
        if (rows[i].found || exact ? is_found(&result, &rows[i]) : child_exited(&result, 0))
            continue;
        child_show(rows[i].name, &result);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void another_class_is_always_found(void **state)
{
    (void)state;
    check_rows("BARROW_CHECKS=0");
}

static void every_size_is_found_in_the_checked_mode(void **state)
{
    (void)state;
    check_rows("BARROW_CHECKS=guard");
    check_rows("BARROW_CHECKS=1");
    check_rows("BARROW_CHECKS=sample=1");
}

static int child_frees_in_scope(const char *argument)
{
    struct barrow_scope scope;
    void *block, *heap = barrow_HeapCreate(0, 0, 0);
    if (heap == NULL || barrow_scope_enter(&scope, heap) != 0)
        return 2;
    block = malloc(100);
    barrow_scope_leave(&scope);
    free_sized(block, strtoul(argument, NULL, 10));
    return 0;
}

/* Their blocks know their sizes. */
static void every_size_is_found_in_private_heaps(void **state)
{
    static struct child_result result;
    (void)state;
    child_run_case("scope", "100", &result);
    assert_true(child_exited(&result, 0));
    child_run_case("scope", "99", &result);
    assert_true(child_killed(&result, SIGABRT));
    assert_non_null(strstr(result.err, "wrong size"));
}

/* ---- right sizes ---------------------------------------------------------------------------- */

static size_t size_after(size_t size)
{
    return size < 80 ? size + 1 : size + size / 7;
}

static void right_sizes_after_realloc(void **state)
{
    (void)state;
    for (size_t from = 1; from < 300000; from = size_after(from))
        for (size_t to = 1; to < 300000; to = size_after(to)) {
            void *block = realloc(malloc(from), to);
            assert_non_null(block);
            free_sized(block, to);
        }
}

static void right_sizes_after_two_reallocs(void **state)
{
    uint64_t random = 11;
    (void)state;
    for (size_t i = 0; i < scaled(200000); i++) {
        size_t size = 1 + (size_t)rng_below(&random, 1u << rng_below(&random, 20));
        void *block = malloc(rng_below(&random, 200000));
        block = realloc(block, 1 + (size_t)rng_below(&random, 200000));
        block = realloc(block, size);
        assert_non_null(block);
        free_sized(block, size);
    }
}

/* Slabs' longest blocks, and those that are cut from medium spans. */
static void right_sizes_of_medium_blocks(void **state)
{
    enum { BLOCKS = 500 };
    static struct {
        void *block;
        size_t size;
    } held[BLOCKS];
    uint64_t random = 5;
    (void)state;
    for (size_t i = 0; i < scaled(100000); i++) {
        size_t at = (size_t)rng_below(&random, BLOCKS);
        if (at % 2 == 0)
            free_sized(held[at].block, held[at].size);
        else
            free_aligned_sized(held[at].block, 256, held[at].size);
        held[at].size = 3000 + (size_t)rng_below(&random, 64 * 1024);
        held[at].block = at % 2 == 0 ? malloc(held[at].size) : aligned_alloc(256, held[at].size);
        assert_non_null(held[at].block);
    }
    for (size_t at = 0; at < BLOCKS; at++)
        free(held[at].block);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "frees", child_frees },
                                                   { "scope", child_frees_in_scope },
                                                   { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_class_is_always_found),
        cmocka_unit_test(every_size_is_found_in_the_checked_mode),
        cmocka_unit_test(every_size_is_found_in_private_heaps),
        cmocka_unit_test(right_sizes_after_realloc),
        cmocka_unit_test(right_sizes_after_two_reallocs),
        cmocka_unit_test(right_sizes_of_medium_blocks),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
