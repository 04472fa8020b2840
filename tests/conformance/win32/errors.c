/* SPDX-License-Identifier: MIT */
/* errors.c: section 0: the last error, and the sizes of types. */
#include "win32_test.h"

#ifdef _WIN32
#include <process.h>
#else
#include <pthread.h>
#endif

static void s0_types_have_windows_sizes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(DWORD), 4);
    assert_int_equal(sizeof(ULONG), 4);
    assert_int_equal(sizeof(LONG), 4);
    assert_int_equal(sizeof(UINT), 4);
    assert_int_equal(sizeof(BOOL), 4);
    assert_int_equal(sizeof(SIZE_T), 8);
    assert_int_equal(sizeof(HANDLE), 8);
    assert_int_equal(sizeof(LPVOID), 8);
    assert_int_equal(sizeof(WCHAR), 2);
    assert_int_equal(sizeof(LARGE_INTEGER), 8);
    assert_int_equal(sizeof(SYSTEM_INFO), 48);
    assert_int_equal(sizeof(OVERLAPPED), 32);
}

static void s0_error_numbers(void **state)
{
    (void)state;
    const DWORD pairs[][2] = {
        { NO_ERROR, 0 },
        { ERROR_FILE_NOT_FOUND, 2 },
        { ERROR_PATH_NOT_FOUND, 3 },
        { ERROR_ACCESS_DENIED, 5 },
        { ERROR_INVALID_HANDLE, 6 },
        { ERROR_NOT_ENOUGH_MEMORY, 8 },
        { ERROR_BAD_LENGTH, 24 },
        { ERROR_GEN_FAILURE, 31 },
        { ERROR_SHARING_VIOLATION, 32 },
        { ERROR_FILE_EXISTS, 80 },
        { ERROR_INVALID_PARAMETER, 87 },
        { ERROR_DISK_FULL, 112 },
        { ERROR_INSUFFICIENT_BUFFER, 122 },
        { ERROR_DISCARDED, 157 },
        { ERROR_NOT_LOCKED, 158 },
        { ERROR_ALREADY_EXISTS, 183 },
        { ERROR_BAD_EXE_FORMAT, 193 },
        { ERROR_NO_MORE_ITEMS, 259 },
        { ERROR_PARTIAL_COPY, 299 },
        { ERROR_INVALID_ADDRESS, 487 },
        { ERROR_NOACCESS, 998 },
        { ERROR_FILE_INVALID, 1006 },
        { ERROR_MAPPED_ALIGNMENT, 1132 },
        { ERROR_USER_MAPPED_FILE, 1224 },
        { ERROR_WORKING_SET_QUOTA, 1453 },
        { ERROR_COMMITMENT_LIMIT, 1455 },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_int_equal(pairs[i][0], pairs[i][1]);
}

static void s0_last_error_is_kept_as_set(void **state)
{
    (void)state;
    SetLastError(12345);
    assert_int_equal(GetLastError(), 12345);
    SetLastError(0xFFFFFFFF);
    assert_int_equal(GetLastError(), 0xFFFFFFFF);
    SetLastError(0);
    assert_int_equal(GetLastError(), 0);
}

static volatile DWORD seen_by_thread;

#ifdef _WIN32
static unsigned WINAPI other_thread(void *unused)
#else
static void *other_thread(void *unused)
#endif
{
    (void)unused;
    seen_by_thread = GetLastError();
    SetLastError(77);
    return 0;
}

static void run_thread(void)
{
#ifdef _WIN32
    HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, other_thread, NULL, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
#else
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
#endif
}

static void s0_last_error_is_per_thread(void **state)
{
    (void)state;
    SetLastError(55);
    seen_by_thread = 99;
    run_thread();
    assert_int_equal(GetLastError(), 55);
    assert_int_equal(seen_by_thread, 0);
}

static void s0_success_keeps_the_last_error(void **state)
{
    (void)state;
    DWORD old;
    MEMORY_BASIC_INFORMATION info;
    char *p = NULL;
    HGLOBAL h = NULL;
    assert_kept((p = VirtualAlloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE)) != NULL);
    assert_kept(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READWRITE) == p);
    assert_kept(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    assert_kept(VirtualQuery(p, &info, sizeof(info)) == sizeof(info));
    assert_kept(VirtualLock(p, PAGE));
    assert_kept(VirtualUnlock(p, PAGE));
    assert_kept(VirtualFree(p, PAGE, MEM_DECOMMIT));
    assert_kept(VirtualFree(p, 0, MEM_RELEASE));
    assert_kept((h = GlobalAlloc(GMEM_MOVEABLE, 10)) != NULL);
    assert_kept(GlobalLock(h) != NULL);
    assert_kept(GlobalSize(h) >= 10);
    GlobalUnlock(h);
    assert_kept(GlobalFree(h) == NULL);
}

static void s0_mapping_success_sets_0_and_views_keep(void **state)
{
    (void)state;
    SetLastError(0xDEADBEEF);
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, NULL);
    assert_non_null(m);
    assert_int_equal(GetLastError(), 0);
    void *v = NULL;
    assert_kept((v = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0)) != NULL);
    assert_kept(FlushViewOfFile(v, 0));
    assert_kept(UnmapViewOfFile(v));
    assert_kept(CloseHandle(m));
}

static void s0_last_unlock_sets_0(void **state)
{
    (void)state;
    HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, 10);
    GlobalLock(h);
    SetLastError(0xDEADBEEF);
    assert_false(GlobalUnlock(h));
    assert_int_equal(GetLastError(), 0);
    GlobalFree(h);
    h = LocalAlloc(LMEM_MOVEABLE, 10);
    LocalLock(h);
    SetLastError(0xDEADBEEF);
    assert_false(LocalUnlock(h));
    assert_int_equal(GetLastError(), 0);
    LocalFree(h);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s0_types_have_windows_sizes),
        cmocka_unit_test(s0_error_numbers),
        cmocka_unit_test(s0_last_error_is_kept_as_set),
        cmocka_unit_test(s0_last_error_is_per_thread),
        cmocka_unit_test(s0_success_keeps_the_last_error),
        cmocka_unit_test(s0_mapping_success_sets_0_and_views_keep),
        cmocka_unit_test(s0_last_unlock_sets_0),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
