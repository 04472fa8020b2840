/* SPDX-License-Identifier: MIT */
/* heap_alloc.c: section 1: HeapAlloc, HeapReAlloc, HeapFree and HeapSize. */
#include "heap_fixture.h"

/* HeapAlloc */

static void s1_alloc_flags_add_to_the_heaps(void **state)
{
    (void)state;
    HANDLE single = heap_made(HEAP_NO_SERIALIZE, 0);
    char *p = HeapAlloc(single, HEAP_ZERO_MEMORY, 100);
    assert_true(p != NULL && all_bytes(p, 0, 100));
    p = HeapAlloc(single, HEAP_NO_SERIALIZE | HEAP_ZERO_MEMORY, 100);
    assert_true(p != NULL && all_bytes(p, 0, 100));
    heap_gone(single);
    p = HeapAlloc(heap, HEAP_NO_SERIALIZE, 100);
    assert_non_null(p);
    assert_int_equal(HeapSize(heap, HEAP_NO_SERIALIZE, p), 100);
    assert_true(HeapFree(heap, HEAP_NO_SERIALIZE, p));
}

static void s1_alloc_aligned_to_16(void **state)
{
    (void)state;
    assert_int_equal(MEMORY_ALLOCATION_ALIGNMENT, 16);
    for (SIZE_T size = 0; size < 3000; size++)
        assert_int_equal((uintptr_t)taken(heap, size) % 16, 0);
    for (SIZE_T size = 3000; size < 16 * MIB; size += size / 3)
        assert_int_equal((uintptr_t)taken(heap, size) % 16, 0);
}

static void s1_alloc_1_mib_and_more_aligned_to_64(void **state)
{
    (void)state;
    for (SIZE_T size = MIB; size < 16 * MIB; size += size / 3)
        assert_int_equal((uintptr_t)taken(heap, size) % 64, 0);
}

static void s1_alloc_0_is_a_block_of_its_own(void **state)
{
    (void)state;
    void *p = HeapAlloc(heap, 0, 0), *q = HeapAlloc(heap, 0, 0);
    assert_non_null(p);
    assert_non_null(q);
    assert_ptr_not_equal(p, q);
    assert_int_equal(HeapSize(heap, 0, p), 0);
    assert_true(HeapValidate(heap, 0, p));
    assert_true(HeapFree(heap, 0, p));
    assert_int_equal(HeapSize(heap, 0, q), 0);
    assert_true(HeapFree(heap, 0, q));
}

static void s1_alloc_success_keeps_the_last_error(void **state)
{
    (void)state;
    void *p = NULL;
    assert_kept((p = HeapAlloc(heap, 0, 100)) != NULL);
    assert_kept(HeapSize(heap, 0, p) == 100);
    assert_kept((p = HeapReAlloc(heap, 0, p, 100000)) != NULL);
    assert_kept(HeapFree(heap, 0, p));
    assert_kept((p = HeapAlloc(heap, 0, 5 * MIB)) != NULL);
    assert_kept(HeapFree(heap, 0, p));
}

static void s1_alloc_failure_is_null_and_8(void **state)
{
    (void)state;
    HANDLE bounded = heap_made(0, 64 * KIB);
    assert_error(HeapAlloc(bounded, 0, 60000000), NULL, ERROR_NOT_ENOUGH_MEMORY);
    while (HeapAlloc(bounded, 0, 1000) != NULL)
        ;
    assert_error(HeapAlloc(bounded, 0, 1000), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_true(HeapValidate(bounded, 0, NULL));
    heap_gone(bounded);
}

static void s1_alloc_near_size_max_is_null(void **state)
{
    (void)state;
    const SIZE_T base[] = { SIZE_MAX, SIZE_MAX / 2, (SIZE_T)1 << 48, (SIZE_T)1 << 60 };
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        for (size_t i = 0; i < 4; i++) {
            for (SIZE_T less = 0; less < 0x12000; less = 3 * less + 1) {
                assert_error(HeapAlloc(h, 0, base[i] - less), NULL, ERROR_NOT_ENOUGH_MEMORY);
                assert_null(HeapAlloc(h, HEAP_ZERO_MEMORY, base[i] - less));
            }
        }
        assert_true(HeapValidate(h, 0, NULL));
        heap_gone(h);
    }
}

static void s1_alloc_zero_memory_zeroes_the_whole_block(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        SIZE_T most = heap_kinds[kind].maximum ? 20000 : 3 * MIB;
        for (SIZE_T size = 1; size < most; size += size / 4 + 1) {
            for (int i = 0; i < 3; i++) {
                char *p = taken(h, size);
                memset(p, 0xCC, size);
                assert_true(HeapFree(h, 0, p));
            }
            char *p = HeapAlloc(h, HEAP_ZERO_MEMORY, size);
            assert_true(p != NULL && all_bytes(p, 0, size));
            assert_true(HeapFree(h, 0, p));
        }
        heap_gone(h);
    }
}

static void s1_alloc_fresh_large_is_zero_to_the_page_end(void **state)
{
    (void)state;
    for (SIZE_T size = 2 * MIB + 1; size < 8 * MIB; size += 999999) {
        char *p = HeapAlloc(heap, HEAP_ZERO_MEMORY, size);
        assert_non_null(p);
        uintptr_t end = ((uintptr_t)p + size + PAGE - 1) & ~(PAGE - 1);
        assert_true(all_bytes(p, 0, end - (uintptr_t)p));
    }
}

static void s1_alloc_from_0xff000_on_blocks_stand_alone(void **state)
{
    (void)state;
    PROCESS_HEAP_ENTRY entry;
    assert_true(entry_of(heap, taken(heap, 0xFF000), &entry));
    assert_int_equal(entry.iRegionIndex, 64);
    assert_true(entry_of(heap, taken(heap, 5 * MIB), &entry));
    assert_int_equal(entry.iRegionIndex, 64);
#if HEAPS_ARE_WINDOWS
    assert_true(entry_of(heap, taken(heap, 0xFD000), &entry)); /* here: from 64 KiB on */
#else
    assert_true(entry_of(heap, taken(heap, 60000), &entry));
#endif
    assert_int_not_equal(entry.iRegionIndex, 64);
}

static void s1_alloc_unknown_flags_are_ignored(void **state)
{
    (void)state;
    for (DWORD bit = 0x10000; bit <= 0x8000000; bit *= 2) {
        char *p = HeapAlloc(heap, bit | HEAP_ZERO_MEMORY, 50);
        assert_true(p != NULL && all_bytes(p, 0, 50));
        assert_int_equal(HeapSize(heap, 0, p), 50);
        assert_true(HeapFree(heap, 0, p));
    }
}

/* HeapSize */

static void s1_size_is_the_size_asked_for(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        SIZE_T most = heap_kinds[kind].maximum ? 20000 : 4 * MIB;
        for (SIZE_T size = 0; size < most; size += size < 1100 ? 1 : size / 9) {
            char *p = taken(h, size);
            assert_int_equal(HeapSize(h, 0, p), size);
            assert_true(HeapFree(h, 0, p));
        }
        heap_gone(h);
    }
}

static void s1_size_failure_is_minus_1_and_87(void **state)
{
    (void)state;
    char *p = taken(heap, 100);
    assert_true(HeapFree(heap, 0, p));
    assert_error(HeapSize(heap, 0, p), FAILED_SIZE, ERROR_INVALID_PARAMETER);
}

/* HeapReAlloc */

static void s1_realloc_null_is_null_and_0(void **state)
{
    (void)state;
    assert_error(HeapReAlloc(heap, 0, NULL, 100), NULL, NO_ERROR);
    assert_error(HeapReAlloc(heap, 0, NULL, 0), NULL, NO_ERROR);
    assert_error(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, NULL, 1), NULL, NO_ERROR);
}

static void s1_realloc_0_leaves_a_block(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 1, 100, 70000, 2 * MIB };
    for (size_t i = 0; i < 4; i++) {
        void *p = HeapReAlloc(heap, 0, taken(heap, sizes[i]), 0);
        assert_non_null(p);
        assert_int_equal(HeapSize(heap, 0, p), 0);
        assert_true(HeapValidate(heap, 0, p));
        assert_true(HeapFree(heap, 0, p));
    }
}

/* From each size to each. */
static const SIZE_T steps[] = { 0,       1,       15,      16,    17,      100,    1000,  4096,
                                16383,   16384,   65519,   65534, 65535,   65536,  65537, 100000,
                                0xFD000, 0xFEFD8, MIB - 1, MIB,   MIB + 1, 3 * MIB };
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void s1_realloc_keeps_contents(void **state)
{
    (void)state;
    for (size_t from = 0; from < STEPS; from++) {
        for (size_t to = 0; to < STEPS; to++) {
            SIZE_T less = steps[from] < steps[to] ? steps[from] : steps[to];
            char *p = taken(heap, steps[from]);
            memset(p, (int)from + 1, steps[from]);
            p = HeapReAlloc(heap, 0, p, steps[to]);
            assert_non_null(p);
            assert_int_equal(HeapSize(heap, 0, p), steps[to]);
            assert_true(all_bytes(p, (int)from + 1, less));
            memset(p, 0xEE, steps[to]);
            assert_true(HeapFree(heap, 0, p));
        }
    }
    assert_true(HeapValidate(heap, 0, NULL));
}

static void s1_realloc_zero_memory_zeroes_what_is_added_only(void **state)
{
    (void)state;
    for (size_t from = 0; from < STEPS; from++) {
        for (size_t to = from; to < STEPS; to++) {
            char *p = taken(heap, steps[to] + 100);
            memset(p, 0xCC, steps[to] + 100); /* what the block finds behind its end */
            p = HeapReAlloc(heap, 0, p, steps[from]);
            memset(p, 0x55, steps[from]);
            p = HeapReAlloc(heap, HEAP_ZERO_MEMORY, p, steps[to]);
            assert_non_null(p);
            assert_true(all_bytes(p, 0x55, steps[from]));
            assert_true(all_bytes(p + steps[from], 0, steps[to] - steps[from]));
            assert_true(HeapFree(heap, 0, p));
        }
    }
}

static void s1_realloc_failure_leaves_the_block(void **state)
{
    (void)state;
    HANDLE bounded = heap_made(0, 256 * KIB);
    HANDLE heaps[] = { heap, bounded };
    for (size_t i = 0; i < 2; i++) {
        char *p = taken(heaps[i], 5000);
        memset(p, 7, 5000);
        assert_error(HeapReAlloc(heaps[i], 0, p, SIZE_MAX - 100), NULL, ERROR_NOT_ENOUGH_MEMORY);
        assert_error(HeapReAlloc(heaps[i], HEAP_ZERO_MEMORY, p, SIZE_MAX / 2), NULL,
                     ERROR_NOT_ENOUGH_MEMORY);
        assert_int_equal(HeapSize(heaps[i], 0, p), 5000);
        assert_true(all_bytes(p, 7, 5000));
        assert_true(HeapValidate(heaps[i], 0, p));
        assert_true(HeapFree(heaps[i], 0, p));
    }
    char *p = taken(bounded, 5000);
    assert_error(HeapReAlloc(bounded, 0, p, 256 * KIB), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(HeapSize(bounded, 0, p), 5000);
    heap_gone(bounded);
}

static void s1_realloc_in_place_is_the_same_block_or_8(void **state)
{
    (void)state;
    int refused = 0;
    for (size_t from = 0; from < STEPS; from++) {
        for (size_t to = 0; to < STEPS; to++) {
            char *p = taken(heap, steps[from]);
            memset(p, 0x33, steps[from]);
            SetLastError(0xDEADBEEF);
            char *q = HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, steps[to]);
            SIZE_T now = q != NULL ? steps[to] : steps[from];
            SIZE_T kept = now < steps[from] ? now : steps[from];
            if (q == NULL) {
                refused++;
                assert_true(to > from); /* smaller works always */
                assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
            } else {
                assert_ptr_equal(q, p);
                assert_int_equal(GetLastError(), 0xDEADBEEF);
            }
            assert_int_equal(HeapSize(heap, 0, p), now);
            assert_true(all_bytes(p, 0x33, kept));
            memset(p, 1, now);
            assert_true(HeapFree(heap, 0, p));
        }
    }
    assert_true(refused > 0);
    assert_true(HeapValidate(heap, 0, NULL));
}

static void s1_realloc_smaller_in_place_within_a_region(void **state)
{
    (void)state;
    for (size_t from = 0; steps[from] < 0xFD000; from++) {
        for (size_t to = 0; to <= from; to++) {
            char *p = taken(heap, steps[from]);
            memset(p, 0x44, steps[from]);
            assert_kept(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, steps[to]) == p);
            assert_int_equal(HeapSize(heap, 0, p), steps[to]);
            assert_true(all_bytes(p, 0x44, steps[to]));
            assert_true(HeapFree(heap, 0, p));
        }
    }
}

static void s1_realloc_in_place_too_large_is_null_and_8(void **state)
{
    (void)state;
    char *p = taken(heap, 100);
    memset(p, 9, 100);
    assert_error(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, 100 * MIB), NULL,
                 ERROR_NOT_ENOUGH_MEMORY);
    assert_error(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, p, SIZE_MAX - 10), NULL,
                 ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(HeapSize(heap, 0, p), 100);
    assert_true(all_bytes(p, 9, 100));
}

static void s1_realloc_smaller_in_place_always_works(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < HEAP_KINDS; kind++) {
        HANDLE h = heap_made(heap_kinds[kind].options, heap_kinds[kind].maximum);
        for (size_t from = 0; from < STEPS; from++) {
            char *p = HeapAlloc(h, 0, steps[from]);
            if (p == NULL && heap_kinds[kind].maximum != 0)
                break; /* more than a small bounded heap holds */
            assert_non_null(p);
            for (size_t to = from + 1; to-- > 0;) {
                assert_kept(HeapReAlloc(h, HEAP_REALLOC_IN_PLACE_ONLY, p, steps[to]) == p);
                assert_int_equal(HeapSize(h, 0, p), steps[to]);
            }
            assert_true(HeapFree(h, 0, p));
        }
        heap_gone(h);
    }
}

/* Where such a block can grow back is a matter of layout: it must do so or say no. */
static void grow_back(SIZE_T first, BOOL expected)
{
    const DWORD in_place = HEAP_REALLOC_IN_PLACE_ONLY;
    char *p = taken(heap, first);
    memset(p, 6, 384 * KIB);
    assert_ptr_equal(HeapReAlloc(heap, in_place, p, 384 * KIB), p);
    SetLastError(0xDEADBEEF);
    char *q = HeapReAlloc(heap, in_place, p, 512 * KIB);
#if HEAPS_ARE_WINDOWS
    assert_int_equal(q != NULL, expected);
#else
    (void)expected;
#endif
    assert_true(q == p || (q == NULL && GetLastError() == ERROR_NOT_ENOUGH_MEMORY));
    assert_int_equal(HeapSize(heap, 0, p), q != NULL ? 512 * KIB : 384 * KIB);
    assert_true(all_bytes(p, 6, 384 * KIB));
    assert_true(HeapFree(heap, 0, p));
}

static void s1_realloc_region_block_grows_back_in_place(void **state)
{
    (void)state;
    grow_back(768 * KIB, TRUE);
}

static void s1_realloc_stand_alone_block_need_not_grow_back(void **state)
{
    (void)state;
    grow_back(MIB, FALSE);
}

static void s1_realloc_stays_in_its_heap(void **state)
{
    (void)state;
    HANDLE other = heap_made(0, 0);
    char *p = taken(heap, 10);
    for (SIZE_T size = 10; size < 10 * MIB; size *= 3) {
        p = HeapReAlloc(heap, 0, p, size);
        assert_non_null(p);
        assert_true(HeapValidate(heap, 0, p));
        assert_int_equal(HeapSize(heap, 0, p), size);
        assert_false(HeapValidate(other, 0, p));
        assert_false(HeapValidate(GetProcessHeap(), 0, p));
    }
    heap_gone(other);
}

/* HeapFree */

static void s1_free_null_is_true_whatever_the_heap(void **state)
{
    (void)state;
    assert_kept(HeapFree(heap, 0, NULL));
    assert_kept(HeapFree(GetProcessHeap(), 0, NULL));
    assert_kept(HeapFree(NULL, 0, NULL));
}

static void s1_free_twice_is_false_and_87(void **state)
{
    (void)state;
    const SIZE_T sizes[] = { 0, 100, 5000, 60000, 5 * MIB };
#if HEAPS_ARE_WINDOWS
    size_t count = 4; /* there, to free a block that stood alone twice is a fault */
#else
    size_t count = 5;
#endif
    for (size_t i = 0; i < count; i++) {
        void *p = taken(heap, sizes[i]);
        assert_true(HeapFree(heap, 0, p));
        assert_error(HeapFree(heap, 0, p), FALSE, ERROR_INVALID_PARAMETER);
    }
    assert_true(HeapValidate(heap, 0, NULL));
}

static void s1_free_of_readable_memory_is_false(void **state)
{
    (void)state;
    static char memory[1000];
    void *block = memory + 512 - (uintptr_t)memory % 16;
    assert_false(HeapFree(heap, 0, block));
    assert_true(HeapValidate(heap, 0, NULL));
}

/* Section 7: zeros go on to the next multiple of 8 behind the size, at every size. What was there
 * before is dirty to its last byte. */
static SIZE_T zeros_end(SIZE_T size)
{
    return (size + 7) / 8 * 8;
}

static SIZE_T next_size(SIZE_T size)
{
    return size < 1100 || size % 1024 > 1000 ? size + 1 : size + 23;
}

/* Six blocks fit a heap with a maximum. */
static SIZE_T largest(const struct heap_kind *kind)
{
    return kind->maximum != 0 && kind->maximum < 4 * MIB ? kind->maximum / 16 : 140000;
}

static void make_dirty(HANDLE made, SIZE_T size)
{
    char *block[4];
    for (int i = 0; i < 4; i++) {
        block[i] = taken(made, size);
        memset(block[i], 0xFF, size);
    }
    for (int i = 0; i < 4; i++)
        assert_true(HeapFree(made, 0, block[i]));
}

static void zeros_of_allocations(const struct heap_kind *kind, HANDLE made)
{
    for (SIZE_T size = 1; size < largest(kind); size = next_size(size)) {
        make_dirty(made, zeros_end(size));
        char *p = HeapAlloc(made, HEAP_ZERO_MEMORY, size), *q;
        assert_non_null(p);
        q = HeapAlloc(made, HEAP_ZERO_MEMORY, size);
        assert_non_null(q);
        assert_true(all_bytes(p, 0, zeros_end(size)));
        assert_true(all_bytes(q, 0, zeros_end(size)));
        assert_int_equal(HeapSize(made, 0, p), size);
        assert_true(HeapFree(made, 0, p));
        assert_true(HeapFree(made, 0, q));
    }
}

/* The part that was there before holds what it held. */
static void zeros_of_growth(const struct heap_kind *kind, HANDLE made, DWORD flags)
{
    static const SIZE_T more[] = { 1, 2, 5, 7, 8, 13, 40, 700, 9000, 70000 };
    for (SIZE_T size = 1; size < 2500; size += size < 300 ? 1 : 37)
        for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
            SIZE_T grown = size + more[i];
            if (grown > largest(kind))
                break;
            make_dirty(made, zeros_end(grown));
            char *p = taken(made, size), *q;
            memset(p, 0x11, size);
            q = HeapReAlloc(made, HEAP_ZERO_MEMORY | flags, p, grown);
            if (q == NULL) {
                assert_int_not_equal(flags & HEAP_REALLOC_IN_PLACE_ONLY, 0);
                assert_true(HeapFree(made, 0, p));
                continue;
            }
            assert_true(all_bytes(q, 0x11, size));
            assert_true(all_bytes(q + size, 0, zeros_end(grown) - size));
            assert_int_equal(HeapSize(made, 0, q), grown);
            assert_true(HeapFree(made, 0, q));
        }
}

static void s7_zeros_go_on_to_a_multiple_of_8(void **state)
{
    (void)state;
    for (int i = 0; i < HEAP_KINDS; i++) {
        HANDLE made = heap_made(heap_kinds[i].options, heap_kinds[i].maximum);
        zeros_of_allocations(&heap_kinds[i], made);
        zeros_of_growth(&heap_kinds[i], made, 0);
        zeros_of_growth(&heap_kinds[i], made, HEAP_REALLOC_IN_PLACE_ONLY);
        assert_true(HeapValidate(made, 0, NULL));
        heap_gone(made);
    }
    static const struct heap_kind process = { .name = "process heap" };
    zeros_of_allocations(&process, GetProcessHeap());
    zeros_of_growth(&process, GetProcessHeap(), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        with_heap(s1_alloc_flags_add_to_the_heaps),
        with_heap(s1_alloc_aligned_to_16),
        with_heap(s1_alloc_1_mib_and_more_aligned_to_64),
        with_heap_not_on_wine(s7_zeros_go_on_to_a_multiple_of_8),
        with_heap(s1_alloc_0_is_a_block_of_its_own),
        with_heap(s1_alloc_success_keeps_the_last_error),
        with_heap(s1_alloc_failure_is_null_and_8),
        with_heap(s1_alloc_near_size_max_is_null),
        with_heap(s1_alloc_zero_memory_zeroes_the_whole_block),
        with_heap(s1_alloc_fresh_large_is_zero_to_the_page_end),
        with_heap(s1_alloc_from_0xff000_on_blocks_stand_alone),
        with_heap(s1_alloc_unknown_flags_are_ignored),
        with_heap(s1_size_is_the_size_asked_for),
        with_heap(s1_size_failure_is_minus_1_and_87),
        with_heap_not_on_wine(s1_realloc_null_is_null_and_0),
        with_heap(s1_realloc_0_leaves_a_block),
        with_heap(s1_realloc_keeps_contents),
        with_heap(s1_realloc_zero_memory_zeroes_what_is_added_only),
        with_heap(s1_realloc_failure_leaves_the_block),
        with_heap_not_on_wine(s1_realloc_in_place_is_the_same_block_or_8),
        with_heap(s1_realloc_smaller_in_place_within_a_region),
        with_heap(s1_realloc_in_place_too_large_is_null_and_8),
        with_heap_not_on_wine(s1_realloc_smaller_in_place_always_works),
        with_heap(s1_realloc_region_block_grows_back_in_place),
        with_heap_not_on_wine(s1_realloc_stand_alone_block_need_not_grow_back),
        with_heap(s1_realloc_stays_in_its_heap),
        with_heap(s1_free_null_is_true_whatever_the_heap),
        with_heap(s1_free_twice_is_false_and_87),
        with_heap(s1_free_of_readable_memory_is_false),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
