/* SPDX-License-Identifier: MIT */
/* heap_create.c: section 1: HeapCreate, HeapDestroy, GetProcessHeap and GetProcessHeaps. */
#include "heap_test.h"

#define HEAP_SHARED_FLAG 0x04000000u /* known to ntdll alone */

static void s1_create_options_have_windows_values(void **state)
{
    (void)state;
    assert_int_equal(HEAP_NO_SERIALIZE, 1);
    assert_int_equal(HEAP_GENERATE_EXCEPTIONS, 4);
    assert_int_equal(HEAP_ZERO_MEMORY, 8);
    assert_int_equal(HEAP_REALLOC_IN_PLACE_ONLY, 0x10);
    assert_int_equal(HEAP_CREATE_ENABLE_EXECUTE, 0x40000);
}

static void s1_create_success_keeps_the_last_error(void **state)
{
    (void)state;
    HANDLE heap = NULL;
    assert_kept((heap = HeapCreate(0, 0, 0)) != NULL);
    assert_kept(HeapDestroy(heap));
    assert_kept((heap = HeapCreate(0, 0x10000, 0x100000)) != NULL);
    assert_kept(HeapDestroy(heap));
}

static void s1_create_maximum_0_grows(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    void **last = NULL;
    for (size_t i = 0; i < 4096; i++) { /* 16 MiB in small blocks, each with the one before */
        void **p = taken(heap, 4096);
        *p = last;
        last = p;
    }
    for (SIZE_T size = 64 * KIB; size <= 64 * MIB; size *= 4) {
        char *p = taken(heap, size);
        p[0] = p[size - 1] = 1;
    }
    size_t count = 0;
    for (; last != NULL; last = *last)
        count++;
    assert_int_equal(count, 4096);
    assert_true(HeapValidate(heap, 0, NULL));
    heap_gone(heap);
}

static void s1_create_large_blocks_are_virtual_memory(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    char *p = taken(heap, 16 * MIB);
    MEMORY_BASIC_INFORMATION info = query(p + 8 * MIB);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Protect, PAGE_READWRITE);
    assert_int_equal(info.Type, MEM_PRIVATE);
    heap_gone(heap);
}

/* All blocks that fit, of one size, linked through their first word. */
static void **fill(HANDLE heap, SIZE_T size, size_t *count)
{
    void **last = NULL, **p;
    *count = 0;
    while ((p = HeapAlloc(heap, 0, size)) != NULL) {
        *p = last;
        last = p;
        (*count)++;
    }
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
    return last;
}

static void s1_create_maximum_is_never_exceeded(void **state)
{
    (void)state;
    for (SIZE_T maximum = 64 * KIB; maximum <= 4 * MIB; maximum *= 4) {
        HANDLE heap = heap_made(0, maximum);
        size_t count;
        uintptr_t low = UINTPTR_MAX, high = 0;
        for (void **p = fill(heap, 1000, &count); p != NULL; p = *p) {
            low = (uintptr_t)p < low ? (uintptr_t)p : low;
            high = (uintptr_t)p > high ? (uintptr_t)p : high;
        }
        assert_true(high + 1000 - low <= maximum);
        assert_true(count * 1000 <= maximum);
        heap_gone(heap);
    }
}

static void s1_create_maximum_is_rounded_up_to_a_page(void **state)
{
    (void)state;
    HEAP_SUMMARY summary = { .cb = sizeof(summary) };
    HANDLE heap = heap_made(0, 0x40001);
    assert_true(HeapSummary(heap, 0, &summary));
    assert_int_equal(summary.cbMaxReserve, 0x41000);
    assert_int_equal(summary.cbReserved, 0x41000);
    heap_gone(heap);
}

static SIZE_T committed_after(DWORD options, SIZE_T initial, SIZE_T maximum)
{
    HANDLE heap = HeapCreate(options, initial, maximum);
    assert_non_null(heap);
    SIZE_T committed = census_of(heap).committed_bytes;
    heap_gone(heap);
    return committed;
}

static void s1_create_initial_is_committed_at_once(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 0x1000, 0x5000, 0x20000, 0x100000 };
    for (size_t i = 0; i < 4; i++) {
        assert_true(committed_after(0, sizes[i], 0) >= sizes[i]);
        assert_true(committed_after(0, sizes[i], 4 * MIB) >= sizes[i]);
        assert_true(committed_after(HEAP_NO_SERIALIZE, sizes[i], 0) >= sizes[i]);
    }
}

static void s1_create_initial_is_rounded_up_to_a_page(void **state)
{
    (void)state;
    assert_true(committed_after(0, 0x20001, 0) >= 0x21000);
    assert_true(committed_after(0, 0x20001, MIB) >= 0x21000);
    assert_int_equal(committed_after(0, 0x20001, MIB) % PAGE, 0);
}

static void s1_create_initial_can_be_allocated(void **state)
{
    (void)state;
    const DWORD options[] = { 0, HEAP_NO_SERIALIZE };
    for (size_t i = 0; i < 2; i++) {
        HANDLE heap = HeapCreate(options[i], 4 * MIB, 0);
        assert_non_null(heap);
        assert_true(HeapValidate(heap, 0, NULL));
        for (int k = 0; k < 900; k++)
            memset(taken(heap, 4000), 1, 4000);
        memset(taken(heap, 6 * MIB), 1, 6 * MIB);
        assert_true(HeapValidate(heap, 0, NULL));
        assert_int_equal(census_of(heap).busy, 901);
        heap_gone(heap);
    }
}

static void s1_create_initial_0_is_one_page(void **state)
{
    (void)state;
    assert_true(committed_after(0, 0, 0) >= PAGE);
    assert_true(committed_after(0, 0, MIB) >= PAGE);
    assert_true(committed_after(0, 0, MIB) <= 16 * PAGE);
}

static void s1_create_initial_above_maximum_is_no_failure(void **state)
{
    (void)state;
    HANDLE heap = HeapCreate(0, 0x20000, 0x10000);
    assert_non_null(heap);
    assert_non_null(HeapAlloc(heap, 0, 1000));
    assert_null(HeapAlloc(heap, 0, 0x20000));
    heap_gone(heap);
}

static void s1_create_tiny_maximum_is_raised(void **state)
{
    (void)state;
    for (SIZE_T maximum = 1; maximum <= 0x10000; maximum *= 4) {
        HANDLE heap = heap_made(0, maximum);
        assert_non_null(HeapAlloc(heap, 0, 16));
        assert_true(HeapValidate(heap, 0, NULL));
        heap_gone(heap);
    }
}

static void s1_create_failure_is_null_and_8(void **state)
{
    (void)state;
    assert_error(HeapCreate(0, 0, (SIZE_T)1 << 60), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(HeapCreate(0, (SIZE_T)1 << 60, 0), NULL, ERROR_NOT_ENOUGH_MEMORY);
}

static void s1_create_maximum_near_size_max_does_not_wrap(void **state)
{
    (void)state;
    assert_error(HeapCreate(0, 0, SIZE_MAX), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(HeapCreate(0, SIZE_MAX, 0), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(HeapCreate(0, SIZE_MAX, SIZE_MAX), NULL, ERROR_NOT_ENOUGH_MEMORY);
}

static void s1_create_handle_is_64k_aligned_and_the_first_region(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        HANDLE heap = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
        assert_int_equal((uintptr_t)heap % GRANULE, 0);
        assert_true(HeapWalk(heap, &entry));
        assert_int_equal(entry.wFlags, PROCESS_HEAP_REGION);
        assert_ptr_equal(entry.lpData, heap);
        heap_gone(heap);
    }
}

static void s1_create_heap_of_64k_cannot_give_64k(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 64 * KIB);
    assert_error(HeapAlloc(heap, 0, 64 * KIB), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_non_null(HeapAlloc(heap, 0, 32 * KIB));
    heap_gone(heap);
}

static void s1_create_bounded_gives_half_a_mib_of_two(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 2 * MIB);
    void *p = HeapAlloc(heap, 0, 512 * KIB);
    assert_non_null(p);
    assert_int_equal(HeapSize(heap, 0, p), 512 * KIB);
    heap_gone(heap);
}

/* The limit on single blocks that is lifted here. */
static void s1_create_bounded_largest_block(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 2 * MIB);
#if HEAPS_ARE_WINDOWS
    assert_error(HeapAlloc(heap, 0, MIB), NULL, ERROR_NOT_ENOUGH_MEMORY);
#else
    char *p = taken(heap, MIB);
    assert_true(HeapFree(heap, 0, p));
    p = taken(heap, 2 * MIB - 16 * KIB);
    p[0] = p[2 * MIB - 16 * KIB - 1] = 1;
    assert_error(HeapAlloc(heap, 0, 16 * KIB), NULL, ERROR_NOT_ENOUGH_MEMORY);
#endif
    heap_gone(heap);
}

static void s1_create_bounded_256k_gives_all_but_0xc00(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 256 * KIB);
    char *p = taken(heap, 256 * KIB - 0xC00);
    p[0] = p[256 * KIB - 0xC00 - 1] = 1;
    heap_gone(heap);
}

/* How much the heap needs for itself is its own business, but it lies within the maximum. */
static void s1_create_bounded_256k_does_not_give_all(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 256 * KIB);
#if HEAPS_ARE_WINDOWS
    assert_error(HeapAlloc(heap, 0, 256 * KIB - 0x600), NULL, ERROR_NOT_ENOUGH_MEMORY);
#endif
    assert_error(HeapAlloc(heap, 0, 256 * KIB), NULL, ERROR_NOT_ENOUGH_MEMORY);
    heap_gone(heap);
}

static void s1_create_debug_flags_are_dropped(void **state)
{
    (void)state;
    const DWORD dropped[] = { 0x20, 0x40, HEAP_SHARED_FLAG, 0x20 | 0x40 | HEAP_SHARED_FLAG };
    HANDLE plain = heap_made(0, 0);
    struct census expected = census_of(plain);
    for (size_t i = 0; i < 4; i++) {
        HANDLE heap = heap_made(dropped[i], 0);
        assert_int_equal(census_of(heap).entries, expected.entries);
        unsigned char *p = HeapAlloc(heap, HEAP_ZERO_MEMORY, 100);
        assert_non_null(p);
        assert_int_equal(HeapSize(heap, 0, p), 100);
        assert_true(HeapFree(heap, 0, p));
        heap_gone(heap);
    }
    heap_gone(plain);
}

/* A function that answers 42, in the machine's language. */
static void *code_in(HANDLE heap, SIZE_T size)
{
#if defined(__x86_64__)
    static const unsigned char code[] = { 0xB8, 42, 0, 0, 0, 0xC3 };
#elif defined(__aarch64__)
    static const unsigned char code[] = { 0x40, 0x05, 0x80, 0x52, 0xC0, 0x03, 0x5F, 0xD6 };
#endif
    char *p = taken(heap, size);
    memcpy(p, code, sizeof(code));
    __builtin___clear_cache(p, p + sizeof(code));
    return p;
}

static void s1_create_executable_blocks_can_be_executed(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 16, 1000, 100000, 2 * MIB };
    for (size_t i = 0; i < 4; i++) {
        HANDLE heap = heap_made(HEAP_CREATE_ENABLE_EXECUTE, 0);
        int (*function)(void);
        *(void **)&function = code_in(heap, sizes[i]);
        assert_int_equal(function(), 42);
        heap_gone(heap);
    }
    HANDLE heap = heap_made(HEAP_CREATE_ENABLE_EXECUTE, MIB);
    int (*function)(void);
    *(void **)&function = code_in(heap, 100);
    assert_int_equal(function(), 42);
    heap_gone(heap);
}

static void s1_create_other_blocks_cannot_be_executed(void **state)
{
    (void)state;
    const SIZE_T maxima[] = { 0, MIB };
    for (size_t i = 0; i < 2; i++) {
        HANDLE heap = heap_made(0, maxima[i]);
        int (*function)(void);
        *(void **)&function = code_in(heap, 100);
        assert_int_equal(fault_of_call(function), STATUS_ACCESS_VIOLATION);
        heap_gone(heap);
    }
}

static int count_heaps(const char *role)
{
    (void)role;
    return (int)GetProcessHeaps(0, NULL);
}

static void s1_create_heaps_are_seen_by_their_process_only(void **state)
{
    (void)state;
    HANDLE heaps[20];
    for (int i = 0; i < 20; i++)
        heaps[i] = heap_made(0, 0);
    int others = child_wait(child_start("count"));
    assert_true(others >= 1 && others <= 6);
    for (int i = 0; i < 20; i++)
        heap_gone(heaps[i]);
}

/* HeapDestroy */

static BOOL is_listed(HANDLE heap)
{
    static HANDLE all[1000];
    DWORD count = GetProcessHeaps(1000, all);
    assert_true(count > 0 && count <= 1000);
    for (DWORD i = 0; i < count; i++) {
        if (all[i] == heap)
            return TRUE;
    }
    return FALSE;
}

static void s1_destroy_frees_everything_and_the_handle(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAP_KINDS; i++) {
        HANDLE heap = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        for (SIZE_T size = 0; size < 200; size++)
            memset(taken(heap, size), 1, size);
        assert_true(is_listed(heap));
        assert_kept(HeapDestroy(heap));
        assert_false(is_listed(heap));
    }
}

static void s1_destroy_gives_memory_back(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) { /* 96 GiB if nothing came back, each page touched */
        HANDLE heap = heap_made(i % 2 ? HEAP_NO_SERIALIZE : 0, 0);
        char *p = taken(heap, 32 * MIB);
        p[0] = p[32 * MIB - 1] = 1;
        for (int k = 0; k < 10; k++)
            taken(heap, 3000);
        heap_gone(heap);
    }
}

static void s1_destroy_of_the_process_heap_fails_with_6(void **state)
{
    (void)state;
    assert_error(HeapDestroy(GetProcessHeap()), FALSE, ERROR_INVALID_HANDLE);
    void *p = taken(GetProcessHeap(), 100);
    assert_true(HeapFree(GetProcessHeap(), 0, p));
}

static void destroy_it(void *heap)
{
    HeapDestroy(heap);
}

static void s1_destroy_by_another_thread(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0);
    for (int i = 0; i < 1000; i++)
        taken(heap, (SIZE_T)i);
    thread_join(thread_start(destroy_it, heap));
    assert_false(is_listed(heap));
}

/* GetProcessHeap, GetProcessHeaps */

static void s1_process_heap_is_growable_and_serialized(void **state)
{
    (void)state;
    HANDLE heap = GetProcessHeap();
    assert_non_null(heap);
    assert_ptr_equal(GetProcessHeap(), heap);
    char *p = taken(heap, 100 * MIB);
    p[100 * MIB - 1] = 1;
    assert_int_equal(HeapSize(heap, 0, p), 100 * MIB);
    assert_true(HeapFree(heap, 0, p));
    assert_true(HeapLock(heap));
    assert_true(HeapUnlock(heap));
}

static void s1_heaps_total_count_and_at_most_n_stored(void **state)
{
    (void)state;
    HANDLE heap = heap_made(0, 0), few[2] = { NULL, NULL }, all[100];
    DWORD total = 0;
    assert_kept((total = GetProcessHeaps(0, NULL)) >= 2);
    assert_kept(GetProcessHeaps(1, few) == total);
    assert_ptr_equal(few[0], GetProcessHeap());
    assert_null(few[1]);
    memset(all, 0, sizeof(all));
    assert_int_equal(GetProcessHeaps(100, all), total);
    assert_non_null(all[total - 1]);
    assert_null(all[total]);
    heap_gone(heap);
    assert_int_equal(GetProcessHeaps(0, NULL), total - 1);
}

static void s1_heaps_0_with_null_counts(void **state)
{
    (void)state;
    DWORD before = GetProcessHeaps(0, NULL);
    HANDLE heap = heap_made(0, 0);
    assert_int_equal(GetProcessHeaps(0, NULL), before + 1);
    heap_gone(heap);
    assert_int_equal(GetProcessHeaps(0, NULL), before);
}

static void s1_heaps_first_is_the_process_heap(void **state)
{
    (void)state;
    HANDLE all[100] = { NULL };
    assert_true(GetProcessHeaps(100, all) >= 1);
    assert_ptr_equal(all[0], GetProcessHeap());
}

static void s1_heaps_follow_in_order_of_creation(void **state)
{
    (void)state;
    HANDLE heaps[5], all[100];
    DWORD before = GetProcessHeaps(0, NULL);
    for (int i = 0; i < 5; i++)
        heaps[i] = heap_made(i % 2 ? HEAP_NO_SERIALIZE : 0, i == 2 ? MIB : 0);
    heap_gone(heaps[1]);
    heaps[1] = heap_made(0, 0); /* the last now, wherever it lies */
    assert_int_equal(GetProcessHeaps(100, all), before + 5);
    const int order[] = { 0, 2, 3, 4, 1 };
    for (DWORD i = 0; i < 5; i++)
        assert_ptr_equal(all[before + i], heaps[order[i]]);
    for (int i = 0; i < 5; i++)
        heap_gone(heaps[i]);
}

static void s1_heaps_at_most_6_at_start(void **state)
{
    (void)state;
    int count = child_wait(child_start("count"));
    assert_true(count >= 1 && count <= 6);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_create_options_have_windows_values),
        cmocka_unit_test(s1_create_success_keeps_the_last_error),
        cmocka_unit_test(s1_create_maximum_0_grows),
        cmocka_unit_test(s1_create_large_blocks_are_virtual_memory),
        cmocka_unit_test(s1_create_maximum_is_never_exceeded),
        not_on_wine(s1_create_maximum_is_rounded_up_to_a_page),
        cmocka_unit_test(s1_create_initial_is_committed_at_once),
        cmocka_unit_test(s1_create_initial_is_rounded_up_to_a_page),
        cmocka_unit_test(s1_create_initial_can_be_allocated),
        cmocka_unit_test(s1_create_initial_0_is_one_page),
        cmocka_unit_test(s1_create_initial_above_maximum_is_no_failure),
        cmocka_unit_test(s1_create_tiny_maximum_is_raised),
        not_on_wine(s1_create_failure_is_null_and_8),
        not_on_wine(s1_create_maximum_near_size_max_does_not_wrap),
        cmocka_unit_test(s1_create_handle_is_64k_aligned_and_the_first_region),
        cmocka_unit_test(s1_create_heap_of_64k_cannot_give_64k),
        cmocka_unit_test(s1_create_bounded_gives_half_a_mib_of_two),
        cmocka_unit_test(s1_create_bounded_largest_block),
        cmocka_unit_test(s1_create_bounded_256k_gives_all_but_0xc00),
        not_on_wine(s1_create_bounded_256k_does_not_give_all),
        cmocka_unit_test(s1_create_debug_flags_are_dropped),
        cmocka_unit_test(s1_create_executable_blocks_can_be_executed),
        cmocka_unit_test(s1_create_other_blocks_cannot_be_executed),
        cmocka_unit_test(s1_create_heaps_are_seen_by_their_process_only),
        cmocka_unit_test(s1_destroy_frees_everything_and_the_handle),
        cmocka_unit_test(s1_destroy_gives_memory_back),
        cmocka_unit_test(s1_destroy_of_the_process_heap_fails_with_6),
        cmocka_unit_test(s1_destroy_by_another_thread),
        cmocka_unit_test(s1_process_heap_is_growable_and_serialized),
        not_on_wine(s1_heaps_total_count_and_at_most_n_stored),
        cmocka_unit_test(s1_heaps_0_with_null_counts),
        cmocka_unit_test(s1_heaps_first_is_the_process_heap),
        not_on_wine(s1_heaps_follow_in_order_of_creation),
        cmocka_unit_test(s1_heaps_at_most_6_at_start),
    };
    tests_set_up(argc, argv, count_heaps);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
