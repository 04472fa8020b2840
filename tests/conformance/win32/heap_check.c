/* SPDX-License-Identifier: MIT */
/* heap_check.c: section 1: HeapValidate, HeapCompact and HeapSummary. */
#include "heap_fixture.h"

/* HeapValidate */

static void s1_validate_heap_and_live_block_are_true_err_kept(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        SIZE_T most = heap_kinds[kind].maximum ? 10000 : 4 * MIB;
        assert_kept(HeapValidate(h, 0, NULL));
        for (SIZE_T size = 0; size < most; size += size / 3 + 1) {
            void *p = taken(h, size);
            assert_kept(HeapValidate(h, 0, p));
            assert_kept(HeapValidate(h, HEAP_NO_SERIALIZE, p));
        }
        assert_kept(HeapValidate(h, 0, NULL));
        heap_gone(h);
    }
    assert_kept(HeapValidate(GetProcessHeap(), 0, NULL));
}

static void s1_validate_freed_block_is_false_err_kept(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 0, 1, 100, 5000, 60000 };
    for (size_t i = 0; i < 5; i++) {
        void *p = taken(heap, sizes[i]);
        assert_true(HeapFree(heap, 0, p));
        assert_error(HeapValidate(heap, 0, p), FALSE, 0xDEADBEEF);
    }
}

static void s1_validate_no_block_is_false_err_kept(void **state)
{
    (void)state;
    char *p = taken(heap, 1000);
    memset(p, 0, 1000);
#ifndef BARROW_TEST_EMULATED /* QEMU playing larger pages maps the program's memory by pages of 4 KiB */
    static char memory[1024];
    char stack[256];
    memset(stack, 0, sizeof(stack));
    assert_error(HeapValidate(heap, 0, memory + 512 - (uintptr_t)memory % 16), FALSE, 0xDEADBEEF);
    assert_error(HeapValidate(heap, 0, stack + 128 - (uintptr_t)stack % 16), FALSE, 0xDEADBEEF);
#endif
    char *page = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE);
    assert_error(HeapValidate(heap, 0, page + 512), FALSE, 0xDEADBEEF);
    release(page);
    for (int i = 1; i < 1000; i += 13)
        assert_error(HeapValidate(heap, 0, p + i), FALSE, 0xDEADBEEF);
    assert_true(HeapValidate(heap, 0, p));
}

static void s1_validate_block_of_another_heap_is_false(void **state)
{
    (void)state;
    HANDLE other = heap_made(0, 0);
    for (SIZE_T size = 1; size < 60000; size *= 3) {
        void *p = taken(other, size);
        assert_error(HeapValidate(heap, 0, p), FALSE, 0xDEADBEEF);
        assert_error(HeapValidate(GetProcessHeap(), 0, p), FALSE, 0xDEADBEEF);
        assert_true(HeapValidate(other, 0, p));
    }
    heap_gone(other);
}

static void s1_validate_unmapped_address_is_false_and_998(void **state)
{
    (void)state;
    char *p = alloc_pages(16, MEM_RESERVE, PAGE_NOACCESS);
    release(p);
    assert_error(HeapValidate(heap, 0, p), FALSE, ERROR_NOACCESS);
    assert_error(HeapValidate(heap, 0, (void *)(uintptr_t)0xDEADBEE0), FALSE, ERROR_NOACCESS);
}

static void s1_validate_is_true_of_what_walk_flags_busy(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    void *p[200];
    size_t busy = 0;
    for (SIZE_T i = 0; i < 200; i++)
        p[i] = taken(heap, i * 3);
    for (int i = 0; i < 200; i += 3)
        assert_true(HeapFree(heap, 0, p[i]));
    while (HeapWalk(heap, &entry)) {
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) {
            assert_true(HeapValidate(heap, 0, entry.lpData));
            assert_int_equal(HeapSize(heap, 0, entry.lpData), entry.cbData);
            busy++;
        } else if (entry.wFlags == 0) {
            assert_false(HeapValidate(heap, 0, entry.lpData));
        }
    }
    assert_int_equal(busy, 133);
}

/* HeapCompact */

static void s1_compact_answers_the_largest_free_block(void **state)
{
    (void)state;
    HANDLE bounded = heap_made(0, MIB);
    taken(bounded, 1000);
    char *p = taken(bounded, 100000);
    memset(p, 1, 100000);
    taken(bounded, 1000);
    while (HeapAlloc(bounded, 0, 5000) != NULL)
        ;
    assert_true(HeapFree(bounded, 0, p));
    SIZE_T size = HeapCompact(bounded, 0);
    assert_true(size > 0 && size < 110000); /* less than the block, if its pages went back */
    assert_non_null(HeapAlloc(bounded, 0, 100000));
    heap_gone(bounded);
}

static void s1_compact_answer_is_a_free_block_of_the_walk(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    void *p[100];
    HANDLE bounded = heap_made(0, MIB);
    HANDLE heaps[] = { heap, bounded };
    for (size_t h = 0; h < 2; h++) {
        for (SIZE_T i = 0; i < 100; i++)
            p[i] = taken(heaps[h], 40 * i);
        for (int i = 0; i < 100; i += 2)
            assert_true(HeapFree(heaps[h], 0, p[i]));
        SIZE_T size = HeapCompact(heaps[h], 0);
        BOOL found = FALSE;
        entry.lpData = NULL;
        while (HeapWalk(heaps[h], &entry))
            found = found || (entry.wFlags == 0 && entry.cbData == size);
        assert_true(size >= 40 * 98);
        assert_true(found);
    }
    heap_gone(bounded);
}

static void s1_compact_without_free_space_is_0_and_no_error(void **state)
{
    (void)state;
    HANDLE bounded = heap_made(0, 64 * KIB);
    for (SIZE_T size = 32 * KIB; size > 0; size /= 2) {
        while (HeapAlloc(bounded, 0, size) != NULL)
            ;
    }
    while (HeapAlloc(bounded, 0, 0) != NULL)
        ;
    assert_error(HeapCompact(bounded, 0), 0, NO_ERROR);
    heap_gone(bounded);
}

static void s1_compact_harms_nothing(void **state)
{
    (void)state;
    unsigned char *p[300];
    for (SIZE_T i = 0; i < 300; i++) {
        p[i] = taken(heap, i * 37);
        memset(p[i], (int)i, i * 37);
    }
    for (int i = 0; i < 300; i += 2)
        assert_true(HeapFree(heap, 0, p[i]));
    HeapCompact(heap, 0);
    HeapCompact(heap, HEAP_NO_SERIALIZE);
    for (SIZE_T i = 1; i < 300; i += 2)
        assert_true(all_bytes(p[i], (int)i, i * 37));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_int_equal(census_of(heap).busy, 150);
}

/* HeapSummary */

static HEAP_SUMMARY summary_of(HANDLE h)
{
    HEAP_SUMMARY summary;
    memset(&summary, 0xCC, sizeof(summary));
    summary.cb = sizeof(summary);
    assert_kept(HeapSummary(h, 0, &summary));
    assert_int_equal(summary.cb, sizeof(summary));
    assert_true(summary.cbAllocated <= summary.cbCommitted);
    assert_true(summary.cbCommitted <= summary.cbReserved);
    assert_true(summary.cbReserved <= summary.cbMaxReserve);
    return summary;
}

static void s1_summary_has_windows_layout(void **state)
{
    (void)state;
    assert_int_equal(sizeof(HEAP_SUMMARY), 40);
    assert_int_equal(offsetof(HEAP_SUMMARY, cbAllocated), 8);
    assert_int_equal(offsetof(HEAP_SUMMARY, cbCommitted), 16);
    assert_int_equal(offsetof(HEAP_SUMMARY, cbReserved), 24);
    assert_int_equal(offsetof(HEAP_SUMMARY, cbMaxReserve), 32);
}

static void s1_summary_gives_four_figures(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        HEAP_SUMMARY fresh = summary_of(h), full;
        if (heap_kinds[kind].maximum != 0) {
            assert_int_equal(fresh.cbMaxReserve, heap_kinds[kind].maximum);
            assert_int_equal(fresh.cbReserved, heap_kinds[kind].maximum);
        }
        for (int i = 0; i < 100; i++)
            taken(h, 300);
        full = summary_of(h);
        assert_true(full.cbAllocated >= fresh.cbAllocated + 30000);
        assert_true(full.cbCommitted >= 30000);
        heap_gone(h);
    }
    summary_of(GetProcessHeap());
}

static void s1_summary_follows_large_blocks(void **state)
{
    (void)state;
    HEAP_SUMMARY before = summary_of(heap);
    char *p = taken(heap, 10 * MIB);
    HEAP_SUMMARY between = summary_of(heap);
    assert_true(between.cbAllocated >= before.cbAllocated + 10 * MIB);
    assert_true(between.cbCommitted >= before.cbCommitted + 10 * MIB);
    assert_true(HeapFree(heap, 0, p));
    assert_int_equal(summary_of(heap).cbAllocated, before.cbAllocated);
}

static void s1_summary_of_a_wrong_cb_is_87(void **state)
{
    (void)state;
    HEAP_SUMMARY summary;
    memset(&summary, 0, sizeof(summary));
    assert_error(HeapSummary(heap, 0, &summary), FALSE, ERROR_INVALID_PARAMETER);
    summary.cb = sizeof(summary) - 1;
    assert_error(HeapSummary(heap, 0, &summary), FALSE, ERROR_INVALID_PARAMETER);
    assert_int_equal(summary.cbReserved, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        with_heap(s1_validate_heap_and_live_block_are_true_err_kept),
        with_heap(s1_validate_freed_block_is_false_err_kept),
        with_heap(s1_validate_no_block_is_false_err_kept),
        with_heap(s1_validate_block_of_another_heap_is_false),
        with_heap_not_on_wine(s1_validate_unmapped_address_is_false_and_998),
        with_heap(s1_validate_is_true_of_what_walk_flags_busy),
        with_heap_not_on_wine(s1_compact_answers_the_largest_free_block),
        with_heap_not_on_wine(s1_compact_answer_is_a_free_block_of_the_walk),
        with_heap_not_on_wine(s1_compact_without_free_space_is_0_and_no_error),
        with_heap(s1_compact_harms_nothing),
        with_heap(s1_summary_has_windows_layout),
        with_heap_not_on_wine(s1_summary_gives_four_figures),
        with_heap_not_on_wine(s1_summary_follows_large_blocks),
        with_heap_not_on_wine(s1_summary_of_a_wrong_cb_is_87),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
