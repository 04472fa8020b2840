/* SPDX-License-Identifier: MIT */
/* virtual_protect.c: section 3: VirtualProtect, guard pages, VirtualLock, write watch. */
#include "win32_test.h"

#define RW PAGE_READWRITE

static void s3_protect_covers_every_page_touched(void **state)
{
    (void)state;
    DWORD old = 0;
    char *p = alloc_pages(6, MEM_COMMIT, RW);
    assert_true(VirtualProtect(p + PAGE + PAGE - 1, 2, PAGE_READONLY, &old));
    assert_int_equal(old, RW);
    assert_region(p, MEM_COMMIT, RW, 1);
    assert_region(p + PAGE, MEM_COMMIT, PAGE_READONLY, 2);
    assert_region(p + 3 * PAGE, MEM_COMMIT, RW, 3);
    assert_int_equal(fault_of_write(p + PAGE), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_write(p), 0);
    release(p);
}

static void s3_protect_of_uncommitted_pages_is_487_and_changes_nothing(void **state)
{
    (void)state;
    DWORD old = 0;
    char *p = alloc_pages(6, MEM_RESERVE, RW);
    assert_non_null(VirtualAlloc(p, 2 * PAGE, MEM_COMMIT, RW));
    assert_error(VirtualProtect(p, 3 * PAGE, PAGE_READONLY, &old), FALSE, ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_COMMIT, RW, 2);
    release(p);
}

static void s3_protect_across_allocations_is_487(void **state)
{
    (void)state;
    DWORD old = 0;
    char *p = alloc_pages(2 * GRANULE / PAGE, MEM_RESERVE, RW);
    release(p);
    assert_non_null(VirtualAlloc(p, GRANULE, MEM_RESERVE | MEM_COMMIT, RW));
    assert_non_null(VirtualAlloc(p + GRANULE, GRANULE, MEM_RESERVE | MEM_COMMIT, RW));
    assert_error(VirtualProtect(p + GRANULE - PAGE, 2 * PAGE, PAGE_READONLY, &old), FALSE,
                 ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_COMMIT, RW, GRANULE / PAGE);
    release(p);
    release(p + GRANULE);
}

static void s3_protect_old_null_is_998(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_error(VirtualProtect(p, PAGE, PAGE_READONLY, NULL), FALSE, ERROR_NOACCESS);
    assert_region(p, MEM_COMMIT, RW, 1);
    release(p);
}

static void s3_protect_old_is_that_of_the_first_page(void **state)
{
    (void)state;
    DWORD old = 0;
    char *p = alloc_pages(2, MEM_COMMIT, RW);
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    assert_true(VirtualProtect(p, 2 * PAGE, PAGE_EXECUTE_READ, &old));
    assert_int_equal(old, PAGE_READONLY);
    assert_true(VirtualProtect(p, 2 * PAGE, PAGE_NOACCESS, &old));
    assert_int_equal(old, PAGE_EXECUTE_READ);
    release(p);
}

static void s3_protect_bad_protections_are_87(void **state)
{
    (void)state;
    DWORD old;
    const DWORD bad[] = { 0, PAGE_READONLY | PAGE_READWRITE, PAGE_EXECUTE | PAGE_READONLY,
                          PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY };
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_error(VirtualProtect(p, PAGE, bad[i], &old), FALSE, ERROR_INVALID_PARAMETER);
    assert_region(p, MEM_COMMIT, RW, 1);
    release(p);
}

static void s3_protect_size_0_is_87(void **state)
{
    (void)state;
    DWORD old;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_error(VirtualProtect(p, 0, PAGE_READONLY, &old), FALSE, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_protect_of_free_memory_is_487(void **state)
{
    (void)state;
    DWORD old;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    release(p);
    assert_error(VirtualProtect(p, PAGE, PAGE_READONLY, &old), FALSE, ERROR_INVALID_ADDRESS);
}

static void s3_protect_on_views_must_be_compatible(void **state)
{
    (void)state;
    const DWORD all[] = { PAGE_NOACCESS,          PAGE_READONLY,         PAGE_READWRITE,
                          PAGE_WRITECOPY,         PAGE_EXECUTE,          PAGE_EXECUTE_READ,
                          PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY };
    const int allowed[] = { 0, 1, 3, 1, 5, 5, 7, 5 }; /* R 1, W 2, X 4 */
    const struct {
        DWORD access, protect;
    } views[] = {
        { FILE_MAP_READ, PAGE_READONLY },
        { FILE_MAP_WRITE, PAGE_READWRITE },
        { FILE_MAP_COPY, PAGE_WRITECOPY },
        { FILE_MAP_READ | FILE_MAP_EXECUTE, PAGE_EXECUTE_READ },
        { FILE_MAP_WRITE | FILE_MAP_EXECUTE, PAGE_EXECUTE_READWRITE },
    };
    HANDLE m =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE, 0, PAGE, NULL);
    assert_non_null(m);
    for (size_t i = 0; i < 5; i++) {
        int may = 0;
        for (size_t j = 0; j < 8; j++)
            may |= all[j] == views[i].protect ? allowed[j] : 0;
        for (size_t j = 0; j < 8; j++) {
            DWORD old;
            char *v = MapViewOfFile(m, views[i].access, 0, 0, 0);
            assert_non_null(v);
            SetLastError(0);
            BOOL done = VirtualProtect(v, PAGE, all[j], &old);
            assert_int_equal(done != 0, (allowed[j] & ~may) == 0);
            if (!done)
                assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
            else
                assert_int_equal(query(v).Protect, all[j]);
            assert_true(UnmapViewOfFile(v));
        }
    }
    CloseHandle(m);
}

static void s3_nocache_belongs_to_the_allocation(void **state)
{
    (void)state;
    DWORD old;
    char *p = alloc_pages(2, MEM_COMMIT, RW | PAGE_NOCACHE);
    assert_int_equal(query(p).Protect, RW | PAGE_NOCACHE);
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    assert_int_equal(query(p).Protect, PAGE_READONLY | PAGE_NOCACHE);
    release(p);
    p = alloc_pages(2, MEM_COMMIT, RW);
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY | PAGE_NOCACHE, &old));
    assert_int_equal(query(p).Protect, PAGE_READONLY);
    release(p);
}

static void s3_guard_raises_once(void **state)
{
    (void)state;
    char *p = alloc_pages(3, MEM_COMMIT, RW | PAGE_GUARD);
    assert_region(p, MEM_COMMIT, RW | PAGE_GUARD, 3);
    assert_int_equal(fault_of_read(p + PAGE), STATUS_GUARD_PAGE_VIOLATION);
    assert_region(p + PAGE, MEM_COMMIT, RW, 1);
    assert_int_equal(fault_of_read(p + PAGE), 0);
    assert_int_equal(fault_of_write(p + PAGE), 0);
    assert_int_equal(fault_of_write(p), STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(fault_of_write(p), 0);
    release(p);
}

static void s3_guard_by_protect_then_the_plain_protection(void **state)
{
    (void)state;
    DWORD old;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY | PAGE_GUARD, &old));
    assert_int_equal(fault_of_write(p), STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(fault_of_write(p), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_read(p), 0);
    release(p);
}

static void s3_lock_and_unlock_pages_touched(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    assert_true(VirtualLock(p + PAGE - 1, 2));
    assert_true(VirtualUnlock(p, 2 * PAGE));
    release(p);
}

static void s3_unlock_undoes_any_number_of_locks(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_true(VirtualLock(p, PAGE));
    assert_true(VirtualLock(p, PAGE));
    assert_true(VirtualUnlock(p, PAGE));
    assert_error(VirtualUnlock(p, PAGE), FALSE, ERROR_NOT_LOCKED);
    release(p);
}

static void s3_unlock_of_unlocked_is_158(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_error(VirtualUnlock(p, PAGE), FALSE, ERROR_NOT_LOCKED);
    release(p);
}

static void s3_lock_of_uncommitted_memory_fails(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    assert_false(VirtualLock(p, PAGE));
    release(p);
    assert_false(VirtualLock(p, PAGE));
}

static void s3_lock_of_uncommitted_memory_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    assert_error(VirtualLock(p, PAGE), FALSE, ERROR_INVALID_ADDRESS);
    release(p);
}

static void s3_lock_of_no_access_fails(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_NOACCESS);
    assert_false(VirtualLock(p, PAGE));
    release(p);
}

static void s3_lock_beyond_the_minimum_working_set_is_1453(void **state)
{
    (void)state;
    SIZE_T low = 0, high = 0;
    char *p = alloc_pages(4096, MEM_COMMIT, RW);
    assert_true(GetProcessWorkingSetSize(GetCurrentProcess(), &low, &high));
    assert_true(low > 0 && high >= low);
    assert_error(VirtualLock(p, low + PAGE), FALSE, ERROR_WORKING_SET_QUOTA);
    assert_true(
        SetProcessWorkingSetSize(GetCurrentProcess(), low + 2048 * PAGE, high + 4096 * PAGE));
    assert_true(VirtualLock(p, low + PAGE));
    assert_true(VirtualUnlock(p, low + PAGE));
    assert_true(SetProcessWorkingSetSize(GetCurrentProcess(), low, high));
    release(p);
}

static void s3_first_lock_of_a_guard_page_fails_and_strips_it(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_COMMIT, RW | PAGE_GUARD);
    assert_error(VirtualLock(p, 2 * PAGE), FALSE, STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(query(p).Protect, RW);
    assert_error(VirtualLock(p, 2 * PAGE), FALSE, STATUS_GUARD_PAGE_VIOLATION);
    assert_true(VirtualLock(p, 2 * PAGE));
    assert_true(VirtualUnlock(p, 2 * PAGE));
    release(p);
}

static ULONG_PTR written(DWORD flags, void *base, SIZE_T size, PVOID *pages, ULONG_PTR room)
{
    ULONG_PTR count = room;
    DWORD granularity = 0;
    assert_int_equal(GetWriteWatch(flags, base, size, pages, &count, &granularity), 0);
    assert_int_equal(granularity, PAGE);
    return count;
}

static char *alloc_watched(SIZE_T pages)
{
    char *p = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, RW);
    assert_non_null(p);
    return p;
}

static void s3_write_watch_lists_written_pages_ascending(void **state)
{
    (void)state;
    PVOID pages[16];
    char *p = alloc_watched(16);
    assert_int_equal(written(0, p, 16 * PAGE, pages, 16), 0);
    p[9 * PAGE] = 1;
    p[2 * PAGE + 5] = 1;
    (void)*(volatile char *)(p + 4 * PAGE); /* reading is not writing */
    assert_int_equal(written(0, p, 16 * PAGE, pages, 16), 2);
    assert_ptr_equal(pages[0], p + 2 * PAGE);
    assert_ptr_equal(pages[1], p + 9 * PAGE);
    assert_int_equal(written(0, p, 16 * PAGE, pages, 16), 2);
    assert_int_equal(written(0, p + 3 * PAGE, 13 * PAGE, pages, 16), 1);
    release(p);
}

static void s3_write_watch_reset_covers_only_those_returned(void **state)
{
    (void)state;
    PVOID pages[16];
    char *p = alloc_watched(8);
    for (int i = 0; i < 6; i++)
        p[i * PAGE] = 1;
    assert_int_equal(written(WRITE_WATCH_FLAG_RESET, p, 8 * PAGE, pages, 4), 4);
    assert_int_equal(written(WRITE_WATCH_FLAG_RESET, p, 8 * PAGE, pages, 16), 2);
    assert_ptr_equal(pages[0], p + 4 * PAGE);
    assert_int_equal(written(0, p, 8 * PAGE, pages, 16), 0);
    p[PAGE] = 2;
    assert_int_equal(written(0, p, 8 * PAGE, pages, 16), 1);
    assert_int_equal(ResetWriteWatch(p, 8 * PAGE), 0);
    assert_int_equal(written(0, p, 8 * PAGE, pages, 16), 0);
    release(p);
}

static void s3_write_watch_protection_is_no_write(void **state)
{
    (void)state;
    PVOID pages[16];
    DWORD old;
    char *p = alloc_watched(4);
    assert_true(VirtualProtect(p, 4 * PAGE, PAGE_READONLY, &old));
    assert_true(VirtualProtect(p, 4 * PAGE, RW, &old));
    assert_int_equal(written(0, p, 4 * PAGE, pages, 16), 0);
    p[PAGE] = 1;
    assert_true(VirtualProtect(p, 4 * PAGE, PAGE_READONLY, &old));
    assert_int_equal(written(0, p, 4 * PAGE, pages, 16), 1);
    release(p);
}

static void s3_write_watch_errors(void **state)
{
    (void)state;
    PVOID pages[4];
    ULONG_PTR count = 4;
    DWORD size;
    char *p = alloc_watched(4), *q = alloc_pages(4, MEM_COMMIT, RW);
#define BAD(flags, base, bytes, out, n, g, error)                                                  \
    assert_error(GetWriteWatch(flags, base, bytes, out, n, g), ~0u, error)
    BAD(0, p, 4 * PAGE, NULL, &count, &size, ERROR_NOACCESS);
    BAD(0, p, 4 * PAGE, pages, NULL, &size, ERROR_NOACCESS);
    BAD(0, p, 4 * PAGE, pages, &count, NULL, ERROR_NOACCESS);
    BAD(2, p, 4 * PAGE, pages, &count, &size, ERROR_INVALID_PARAMETER);
    BAD(0, p, 0, pages, &count, &size, ERROR_INVALID_PARAMETER);
    BAD(0, p, 5 * PAGE, pages, &count, &size, ERROR_INVALID_PARAMETER);
    BAD(0, q, 4 * PAGE, pages, &count, &size, ERROR_INVALID_PARAMETER);
    count = 0;
    BAD(0, p, 4 * PAGE, pages, &count, &size, ERROR_INVALID_PARAMETER);
    assert_error(ResetWriteWatch(p, 0), ~0u, ERROR_INVALID_PARAMETER);
    assert_error(ResetWriteWatch(p, 5 * PAGE), ~0u, ERROR_INVALID_PARAMETER);
    assert_error(ResetWriteWatch(q, PAGE), ~0u, ERROR_INVALID_PARAMETER);
    release(p);
    release(q);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_protect_covers_every_page_touched),
        cmocka_unit_test(s3_protect_of_uncommitted_pages_is_487_and_changes_nothing),
        not_on_wine(s3_protect_across_allocations_is_487),
        cmocka_unit_test(s3_protect_old_null_is_998),
        cmocka_unit_test(s3_protect_old_is_that_of_the_first_page),
        cmocka_unit_test(s3_protect_bad_protections_are_87),
        not_on_wine(s3_protect_size_0_is_87),
        not_on_wine(s3_protect_of_free_memory_is_487),
        cmocka_unit_test(s3_protect_on_views_must_be_compatible),
        cmocka_unit_test(s3_nocache_belongs_to_the_allocation),
        cmocka_unit_test(s3_guard_raises_once),
        cmocka_unit_test(s3_guard_by_protect_then_the_plain_protection),
        cmocka_unit_test(s3_lock_and_unlock_pages_touched),
        not_on_wine(s3_unlock_undoes_any_number_of_locks),
        not_on_wine(s3_unlock_of_unlocked_is_158),
        cmocka_unit_test(s3_lock_of_uncommitted_memory_fails),
        not_on_wine(s3_lock_of_uncommitted_memory_is_487),
        cmocka_unit_test(s3_lock_of_no_access_fails),
        not_on_wine(s3_lock_beyond_the_minimum_working_set_is_1453),
        not_on_wine(s3_first_lock_of_a_guard_page_fails_and_strips_it),
        not_emulated(s3_write_watch_lists_written_pages_ascending),
        not_emulated(s3_write_watch_reset_covers_only_those_returned),
        not_emulated(s3_write_watch_protection_is_no_write),
        not_emulated(s3_write_watch_errors),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
