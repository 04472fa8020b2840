/* SPDX-License-Identifier: MIT */
/* global.c: section 2: Global and Local memory. */
#include "win32_test.h"

#define WILD_HANDLE  ((HANDLE)(uintptr_t)0xDEADBEE8)
#define WILD_POINTER ((HANDLE)(uintptr_t)0xDEADBEE0)
#define BIG          (200 * 1024)

static void s2_constants(void **state)
{
    (void)state;
    assert_int_equal(GHND, 0x42);
    assert_int_equal(GPTR, 0x40);
    assert_int_equal(LHND, 0x42);
    assert_int_equal(LPTR, 0x40);
}

static void s2_fixed_is_a_pointer_aligned_to_16(void **state)
{
    (void)state;
    for (int i = 1; i < 100; i++) {
        char *p = GlobalAlloc(GMEM_FIXED, (SIZE_T)i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_int_equal(GlobalSize(p), i);
        memset(p, 1, (size_t)i);
        assert_ptr_equal(GlobalHandle(p), p);
        assert_ptr_equal(LocalHandle(p), p);
        assert_null(GlobalFree(p));
    }
}

static void s2_zeroinit(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GPTR, 5000), *q = LocalAlloc(LPTR, 5000);
    HGLOBAL h = GlobalAlloc(GHND, 5000);
    char *r = GlobalLock(h);
    for (int i = 0; i < 5000; i++)
        assert_true(p[i] == 0 && q[i] == 0 && r[i] == 0);
    GlobalUnlock(h);
    GlobalFree(h);
    GlobalFree(p);
    LocalFree(q);
}

static void s2_zeroinit_on_growth(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GHND, 100);
    memset(GlobalLock(h), 1, 100);
    GlobalUnlock(h);
    assert_ptr_equal(GlobalReAlloc(h, 10000, GMEM_MOVEABLE | GMEM_ZEROINIT), h);
    char *p = GlobalLock(h);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(p[i], i < 100 ? 1 : 0);
    GlobalUnlock(h);
    GlobalFree(h);
    p = LocalAlloc(LPTR, 10);
    memset(p, 1, 10);
    p = LocalReAlloc(p, 10000, LMEM_MOVEABLE | LMEM_ZEROINIT);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(p[i], i < 10 ? 1 : 0);
    LocalFree(p);
}

static void s2_ignored_flags(void **state)
{
    (void)state;
    UINT ignored = GMEM_NOCOMPACT | GMEM_NODISCARD | GMEM_NOT_BANKED | GMEM_NOTIFY;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE | ignored, 10);
    assert_non_null(h);
    assert_int_equal(GlobalFlags(h), 0);
    GlobalFree(h);
}

static void s2_moveable_handles_are_8_mod_16(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
        HLOCAL l = LocalAlloc(LMEM_MOVEABLE, 10);
        assert_int_equal((uintptr_t)h % 16, 8);
        assert_int_equal((uintptr_t)l % 16, 8);
        assert_ptr_not_equal(GlobalLock(h), h);
        GlobalUnlock(h);
        GlobalFree(h);
        LocalFree(l);
    }
}

static void s2_exactly_65536_moveable_handles(void **state)
{
    (void)state;
    static HGLOBAL all[65536];
    size_t n = 0;
    while (n < 65536) {
        all[n] = n % 2 ? LocalAlloc(LMEM_MOVEABLE, 0) : GlobalAlloc(GMEM_MOVEABLE, 0);
        if (all[n] == NULL)
            break;
        n++;
    }
    assert_true(n >= 65000); /* the C library may hold some of Windows' own */
    assert_error(GlobalAlloc(GMEM_MOVEABLE, 0), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(LocalAlloc(LMEM_MOVEABLE, 8), NULL, ERROR_NOT_ENOUGH_MEMORY);
    HGLOBAL fixed = GlobalAlloc(GMEM_FIXED, 10);
    assert_non_null(fixed);
    GlobalFree(fixed);
    for (size_t i = 0; i < n; i++)
        assert_null(GlobalFree(all[i]));
}

static void s2_alloc_moveable_0_is_discarded(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 0);
    assert_non_null(h);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDED);
    SetLastError(0xDEADBEEF);
    assert_int_equal(GlobalSize(h), 0);
    assert_error(GlobalLock(h), NULL, ERROR_DISCARDED);
    assert_null(GlobalFree(h));
    h = LocalAlloc(LMEM_MOVEABLE, 0);
    assert_int_equal(LocalFlags(h), LMEM_DISCARDED);
    assert_int_equal(LocalSize(h), 0);
    assert_error(LocalLock(h), NULL, ERROR_DISCARDED);
    assert_null(LocalFree(h));
}

static void s2_fixed_0_global_1_local_0(void **state)
{
    (void)state;
    HGLOBAL g = GlobalAlloc(GMEM_FIXED, 0);
    HLOCAL l = LocalAlloc(LMEM_FIXED, 0);
    assert_non_null(g);
    assert_non_null(l);
    assert_int_equal(GlobalSize(g), 1);
    assert_int_equal(LocalSize(l), 0);
    GlobalFree(g);
    LocalFree(l);
}

static void s2_lock_counts_and_saturates_at_255(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    void *p = GlobalLock(h);
    assert_non_null(p);
    assert_int_equal(GlobalFlags(h) & GMEM_LOCKCOUNT, 1);
    for (int i = 0; i < 300; i++)
        assert_ptr_equal(GlobalLock(h), p);
    assert_int_equal(GlobalFlags(h) & GMEM_LOCKCOUNT, 255);
    for (int i = 0; i < 254; i++)
        assert_true(GlobalUnlock(h));
    assert_error(GlobalUnlock(h), FALSE, NO_ERROR);
    GlobalFree(h);
}

static void s2_lock_of_fixed(void **state)
{
    (void)state;
    HGLOBAL g = GlobalAlloc(GMEM_FIXED, 10);
    assert_ptr_equal(GlobalLock(g), g);
    assert_int_equal(GlobalFlags(g), 0);
    assert_true(GlobalUnlock(g));
    assert_true(GlobalUnlock(g));
    GlobalFree(g);
    HLOCAL l = LocalAlloc(LMEM_FIXED, 10);
    assert_ptr_equal(LocalLock(l), l);
    assert_error(LocalUnlock(l), FALSE, ERROR_NOT_LOCKED);
    LocalFree(l);
}

static void s2_unlock(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    GlobalLock(h);
    GlobalLock(h);
    assert_true(GlobalUnlock(h));
    assert_error(GlobalUnlock(h), FALSE, NO_ERROR);
    assert_error(GlobalUnlock(h), FALSE, ERROR_NOT_LOCKED);
    GlobalFree(h);
    h = LocalAlloc(LMEM_MOVEABLE, 10);
    LocalLock(h);
    assert_error(LocalUnlock(h), FALSE, NO_ERROR);
    assert_error(LocalUnlock(h), FALSE, ERROR_NOT_LOCKED);
    LocalFree(h);
}

static void s2_flags(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE | GMEM_DISCARDABLE | GMEM_DDESHARE, 10);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDABLE | GMEM_DDESHARE);
    GlobalLock(h);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDABLE | GMEM_DDESHARE | 1);
    assert_int_equal(LocalFlags(h), LMEM_DISCARDABLE | GMEM_DDESHARE | 1);
    GlobalUnlock(h);
    GlobalFree(h);
    h = LocalAlloc(LMEM_MOVEABLE | LMEM_DISCARDABLE | GMEM_DDESHARE, 10);
    assert_int_equal(LocalFlags(h), LMEM_DISCARDABLE);
    LocalFree(h);
}

static void s2_handle_of_data(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    void *p = GlobalLock(h);
    assert_ptr_equal(GlobalHandle(p), h);
    assert_ptr_equal(LocalHandle(p), h);
    GlobalUnlock(h);
    GlobalFree(h);
}

static void s2_free_of_locked_block_succeeds(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    GlobalLock(h);
    assert_null(GlobalFree(h));
    assert_int_equal(GlobalFlags(h), GMEM_INVALID_HANDLE);
}

static void s2_discard(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    GlobalLock(h);
    assert_null(GlobalDiscard(h));
    GlobalUnlock(h);
    assert_ptr_equal(GlobalDiscard(h), h);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDED);
    assert_int_equal(GlobalSize(h), 0);
    assert_ptr_equal(GlobalReAlloc(h, 20, GMEM_MOVEABLE), h);
    assert_int_equal(GlobalFlags(h), 0);
    assert_int_equal(GlobalSize(h), 20);
    GlobalFree(h);
    HLOCAL l = LocalAlloc(LMEM_FIXED, 10);
    assert_ptr_equal(LocalDiscard(l), l);
    LocalFree(l);
}

static void check_bad_handle(HANDLE bad)
{
    assert_error(GlobalFree(bad), bad, ERROR_INVALID_HANDLE);
    assert_error(GlobalFlags(bad), GMEM_INVALID_HANDLE, ERROR_INVALID_HANDLE);
    assert_error(GlobalSize(bad), 0, ERROR_INVALID_HANDLE);
    assert_error(GlobalLock(bad), NULL, ERROR_INVALID_HANDLE);
    assert_error(GlobalReAlloc(bad, 10, GMEM_MOVEABLE), NULL, ERROR_INVALID_HANDLE);
    assert_error(LocalFree(bad), bad, ERROR_INVALID_HANDLE);
    assert_error(LocalFlags(bad), LMEM_INVALID_HANDLE, ERROR_INVALID_HANDLE);
    assert_error(LocalSize(bad), 0, ERROR_INVALID_HANDLE);
    assert_error(LocalLock(bad), NULL, ERROR_INVALID_HANDLE);
    assert_error(LocalReAlloc(bad, 10, LMEM_MOVEABLE), NULL, ERROR_INVALID_HANDLE);
    assert_error(LocalUnlock(bad), FALSE, ERROR_INVALID_HANDLE);
}

static void s2_bad_handles(void **state)
{
    (void)state;
    HGLOBAL freed = GlobalAlloc(GMEM_MOVEABLE, 10);
    GlobalFree(freed);
    check_bad_handle(freed);
    check_bad_handle(WILD_HANDLE);
}

static void s2_global_unlock_of_bad_handle_is_true_with_6(void **state)
{
    (void)state;
    assert_error(GlobalUnlock(WILD_HANDLE), TRUE, ERROR_INVALID_HANDLE);
}

static void s2_bad_pointers(void **state)
{
    (void)state;
    assert_error(GlobalSize(WILD_POINTER), 0, ERROR_INVALID_HANDLE);
    assert_kept(GlobalUnlock(WILD_POINTER) == TRUE);
    assert_error(GlobalHandle(WILD_POINTER), NULL, ERROR_INVALID_HANDLE);
    assert_error(LocalSize(WILD_POINTER), 0, ERROR_INVALID_HANDLE);
    assert_kept(LocalLock(WILD_POINTER) == NULL);
    assert_error(LocalUnlock(WILD_POINTER), FALSE, ERROR_NOT_LOCKED);
}

static void s2_bad_pointers_as_windows_only(void **state)
{
    (void)state;
    assert_error(GlobalFree(WILD_POINTER), WILD_POINTER, ERROR_NOACCESS);
    assert_error(GlobalFlags(WILD_POINTER), GMEM_INVALID_HANDLE, ERROR_INVALID_HANDLE);
    assert_error(GlobalLock(WILD_POINTER), NULL, ERROR_INVALID_HANDLE);
    assert_error(GlobalReAlloc(WILD_POINTER, 10, GMEM_MOVEABLE), NULL, ERROR_NOACCESS);
    assert_error(LocalFree(WILD_POINTER), WILD_POINTER, ERROR_NOACCESS);
    assert_error(LocalFlags(WILD_POINTER), LMEM_INVALID_HANDLE, ERROR_NOACCESS);
    assert_error(LocalReAlloc(WILD_POINTER, 10, LMEM_MOVEABLE), NULL, ERROR_NOACCESS);
    assert_error(LocalHandle(WILD_POINTER), NULL, ERROR_NOACCESS);
}

static void s2_null(void **state)
{
    (void)state;
    assert_null(GlobalFree(NULL));
    assert_null(LocalFree(NULL));
    assert_null(GlobalReAlloc(NULL, 10, GMEM_MOVEABLE));
    assert_null(LocalReAlloc(NULL, 10, LMEM_MOVEABLE));
}

static void s2_realloc_fixed_flags_0_is_in_place_only(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GMEM_FIXED, BIG);
    memset(p, 4, BIG);
    assert_ptr_equal(GlobalReAlloc(p, BIG / 2, 0), p);
    assert_int_equal(GlobalSize(p), BIG / 2);
    assert_int_equal(p[BIG / 2 - 1], 4);
    assert_null(GlobalReAlloc(p, (SIZE_T)1 << 40, 0));
    assert_int_equal(GlobalSize(p), BIG / 2);
    GlobalFree(p);
}

static void s2_realloc_fixed_moveable_may_move_and_stays_fixed(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GMEM_FIXED, 100), *q = LocalAlloc(LMEM_FIXED, 100);
    memset(p, 5, 100);
    memset(q, 5, 100);
    p = GlobalReAlloc(p, BIG, GMEM_MOVEABLE);
    q = LocalReAlloc(q, BIG, LMEM_MOVEABLE);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_int_equal((uintptr_t)q % 16, 0);
    assert_int_equal(GlobalSize(p), BIG);
    assert_int_equal(LocalSize(q), BIG);
    assert_true(p[99] == 5 && q[99] == 5);
    p = GlobalReAlloc(p, 0, GMEM_MOVEABLE);
    assert_non_null(p);
    assert_int_equal(GlobalSize(p), 0);
    GlobalFree(p);
    LocalFree(q);
}

static void s2_realloc_fixed_modify_ignores_the_size(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GMEM_FIXED, 100), *q = LocalAlloc(LMEM_FIXED, 100);
    assert_ptr_equal(GlobalReAlloc(p, 10, GMEM_MODIFY), p);
    assert_ptr_equal(LocalReAlloc(q, 10, LMEM_MODIFY), q);
    assert_int_equal(GlobalSize(p), 100);
    assert_int_equal(LocalSize(q), 100);
    GlobalFree(p);
    LocalFree(q);
}

static void s2_realloc_fixed_modify_moveable(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GMEM_FIXED, 100), *q = LocalAlloc(LMEM_FIXED, 100);
    memset(p, 6, 100);
    HGLOBAL h = GlobalReAlloc(p, 10, GMEM_MODIFY | GMEM_MOVEABLE);
    assert_int_equal((uintptr_t)h % 16, 8);
    assert_int_equal(GlobalSize(h), 100);
    p = GlobalLock(h);
    assert_int_equal(p[99], 6);
    GlobalUnlock(h);
    GlobalFree(h);
    assert_ptr_equal(LocalReAlloc(q, 10, LMEM_MODIFY | LMEM_MOVEABLE), q);
    LocalFree(q);
}

static void s2_realloc_discardable_without_modify_fails(void **state)
{
    (void)state;
    char *p = GlobalAlloc(GMEM_FIXED, 100);
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 100);
    assert_null(GlobalReAlloc(p, 10, GMEM_DISCARDABLE));
    assert_null(GlobalReAlloc(h, 10, GMEM_DISCARDABLE));
    assert_null(GlobalReAlloc(h, 10, GMEM_DISCARDABLE | GMEM_MOVEABLE));
    assert_int_equal(GlobalSize(p), 100);
    assert_int_equal(GlobalSize(h), 100);
    GlobalFree(p);
    GlobalFree(h);
}

static void s2_realloc_moveable_unlocked(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 100);
    memset(GlobalLock(h), 7, 100);
    GlobalUnlock(h);
    assert_ptr_equal(GlobalReAlloc(h, 50, 0), h);
    assert_int_equal(GlobalSize(h), 50);
    assert_ptr_equal(GlobalReAlloc(h, BIG, 0), h);
    assert_int_equal(GlobalSize(h), BIG);
    char *p = GlobalLock(h);
    assert_int_equal(p[49], 7);
    GlobalUnlock(h);
    assert_null(GlobalReAlloc(h, 0, 0));
    assert_int_equal(GlobalSize(h), BIG);
    assert_ptr_equal(GlobalReAlloc(h, 10, GMEM_MODIFY), h);
    assert_int_equal(GlobalSize(h), BIG);
    assert_ptr_equal(GlobalReAlloc(h, 0, GMEM_MODIFY | GMEM_MOVEABLE | GMEM_DISCARDABLE), h);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDABLE);
    assert_int_equal(GlobalSize(h), BIG);
    assert_ptr_equal(GlobalReAlloc(h, 0, GMEM_MOVEABLE), h);
    assert_int_equal(GlobalSize(h), 0);
    assert_int_equal(GlobalFlags(h), GMEM_DISCARDED | GMEM_DISCARDABLE);
    GlobalFree(h);
}

static void s2_realloc_moveable_locked(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, BIG);
    char *p = GlobalLock(h);
    memset(p, 8, BIG);
    assert_ptr_equal(GlobalReAlloc(h, BIG / 2, 0), h);
    assert_int_equal(GlobalSize(h), BIG / 2);
    assert_null(GlobalReAlloc(h, (SIZE_T)1 << 40, 0));
    assert_null(GlobalReAlloc(h, 0, 0));
    assert_null(GlobalReAlloc(h, 0, GMEM_MOVEABLE));
    assert_int_equal(GlobalSize(h), BIG / 2);
    assert_ptr_equal(GlobalReAlloc(h, 4 * BIG, GMEM_MOVEABLE), h);
    assert_int_equal(GlobalSize(h), 4 * BIG);
    assert_int_equal(GlobalFlags(h) & GMEM_LOCKCOUNT, 1);
    p = GlobalLock(h);
    assert_int_equal(p[BIG / 2 - 1], 8);
    assert_ptr_equal(GlobalReAlloc(h, 10, GMEM_MODIFY), h);
    GlobalUnlock(h);
    GlobalUnlock(h);
    GlobalFree(h);
}

static void s2_failed_realloc_leaves_all_as_it_was(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 100);
    memset(GlobalLock(h), 9, 100);
    GlobalUnlock(h);
    assert_error(GlobalReAlloc(h, (SIZE_T)1 << 60, GMEM_MOVEABLE), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(GlobalSize(h), 100);
    char *p = GlobalLock(h);
    assert_true(p[0] == 9 && p[99] == 9);
    GlobalUnlock(h);
    GlobalFree(h);
    assert_error(GlobalAlloc(GMEM_FIXED, (SIZE_T)1 << 60), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(GlobalAlloc(GMEM_MOVEABLE, (SIZE_T)1 << 60), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(LocalAlloc(LMEM_FIXED, ~(SIZE_T)0), NULL, ERROR_NOT_ENOUGH_MEMORY);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2_constants),
        cmocka_unit_test(s2_fixed_is_a_pointer_aligned_to_16),
        cmocka_unit_test(s2_zeroinit),
        cmocka_unit_test(s2_zeroinit_on_growth),
        cmocka_unit_test(s2_ignored_flags),
        cmocka_unit_test(s2_moveable_handles_are_8_mod_16),
        cmocka_unit_test(s2_exactly_65536_moveable_handles),
        cmocka_unit_test(s2_alloc_moveable_0_is_discarded),
        cmocka_unit_test(s2_fixed_0_global_1_local_0),
        cmocka_unit_test(s2_lock_counts_and_saturates_at_255),
        cmocka_unit_test(s2_lock_of_fixed),
        cmocka_unit_test(s2_unlock),
        cmocka_unit_test(s2_flags),
        cmocka_unit_test(s2_handle_of_data),
        cmocka_unit_test(s2_free_of_locked_block_succeeds),
        cmocka_unit_test(s2_discard),
        cmocka_unit_test(s2_bad_handles),
        not_on_wine(s2_global_unlock_of_bad_handle_is_true_with_6),
        cmocka_unit_test(s2_bad_pointers),
        not_on_wine(s2_bad_pointers_as_windows_only),
        cmocka_unit_test(s2_null),
        cmocka_unit_test(s2_realloc_fixed_flags_0_is_in_place_only),
        cmocka_unit_test(s2_realloc_fixed_moveable_may_move_and_stays_fixed),
        cmocka_unit_test(s2_realloc_fixed_modify_ignores_the_size),
        cmocka_unit_test(s2_realloc_fixed_modify_moveable),
        cmocka_unit_test(s2_realloc_discardable_without_modify_fails),
        cmocka_unit_test(s2_realloc_moveable_unlocked),
        cmocka_unit_test(s2_realloc_moveable_locked),
        cmocka_unit_test(s2_failed_realloc_leaves_all_as_it_was),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
