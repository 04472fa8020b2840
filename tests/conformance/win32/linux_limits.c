/* SPDX-License-Identifier: MIT */
/* linux_limits.c: what happens where a limit of the system is met: descriptors, the size of files,
 * the room of a file system. */
#include "linux_test.h"

#include <sys/resource.h>

static void leave_no_descriptor(void)
{
    struct rlimit limit;
    child_check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 3;
    child_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void copy_a_page_then_share_it_again(void)
{
    DWORD old;
    MEMORY_BASIC_INFORMATION info;
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, GRANULE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    v[0] = 's';
    child_check(VirtualProtect(v, PAGE, PAGE_WRITECOPY, &old));
    v[0] = 'p';
    leave_no_descriptor();
    child_check(VirtualQuery(v, &info, sizeof(info)) && info.Protect == RW);
    child_check(VirtualProtect(v, PAGE, RW, &old) && old == RW);
    child_check(v[0] == 'p');
}

static void copied_pages_stay_without_a_descriptor(void **state)
{
    (void)state;
    in_child(copy_a_page_then_share_it_again, 0);
}

/* The view is the parent's; the child can't open the page map that tells what it has copied. */
static char *inherited;

static void ask_without_a_page_map(void)
{
    DWORD old;
    MEMORY_BASIC_INFORMATION info;
    inherited[0] = 'p';
    leave_no_descriptor();
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    struct rlimit none = { 0, 0 };
    child_check(setrlimit(RLIMIT_NOFILE, &none) == 0);
    SetLastError(0);
    child_check(VirtualQuery(inherited, &info, sizeof(info)) == 0);
    child_check(GetLastError() == ERROR_TOO_MANY_OPEN_FILES);
    child_check(!VirtualProtect(inherited, PAGE, PAGE_READONLY, &old));
    child_check(GetLastError() == ERROR_TOO_MANY_OPEN_FILES);
    child_check(inherited[0] == 'p');
}

static void without_the_page_map_calls_fail_and_lose_nothing(void **state)
{
    (void)state;
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, GRANULE, NULL);
    inherited = MapViewOfFile(m, FILE_MAP_COPY, 0, 0, 0);
    in_child(ask_without_a_page_map, 0);
    assert_int_equal(inherited[0], 0);
    UnmapViewOfFile(inherited);
    CloseHandle(m);
}

/* --- the size of files ------------------------------------------------------------------------ */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = { bytes, bytes };
    child_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static char limited_file[4096];

static void make_what_is_below_the_limit(void)
{
    DWORD n;
    char block[8192];
    memset(block, 'b', sizeof(block));
    HANDLE f =
        CreateFileA(limited_file, GENERIC_READ | GENERIC_WRITE, 3, NULL, CREATE_ALWAYS, 0, 0);
    limit_files(1 << 20);
    for (int i = 0; i < 40; i++) { /* more in all than one memory file may have */
        HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, GRANULE, NULL);
        char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
        child_check(v != NULL && v[0] == 0);
        memset(v, 1, GRANULE);
    }
    child_check(CreateFileMappingA(MEMORY, NULL, RW, 0, 2 << 20, NULL) == NULL);
    child_check(GetLastError() == ERROR_COMMITMENT_LIMIT);
    child_check(CreateFileMappingA(MEMORY, NULL, RW, 0, 2 << 20, "above the limit") == NULL);
    child_check(GetLastError() == ERROR_COMMITMENT_LIMIT);
    child_check(CreateFileMappingA(f, NULL, RW, 0, 2 << 20, NULL) == NULL);
    child_check(GetLastError() == ERROR_DISK_FULL);
    SetFilePointer(f, (1 << 20) - 4096, NULL, FILE_BEGIN);
    child_check(!WriteFile(f, block, sizeof(block), &n, NULL));
    child_check(GetLastError() == ERROR_FILE_TOO_LARGE && n == 4096);
    SetFilePointer(f, 2 << 20, NULL, FILE_BEGIN);
    child_check(!SetEndOfFile(f) && GetLastError() == ERROR_DISK_FULL);
    child_check(CloseHandle(f));
}

static void the_limit_on_files_is_an_error_and_no_signal(void **state)
{
    (void)state;
    strcpy(limited_file, scratch_name("limited"));
    in_child(make_what_is_below_the_limit, 0);
    assert_true(DeleteFileA(limited_file));
}

/* --- the pool of unnamed sections ------------------------------------------------------------- */

static HANDLE reserved(DWORD high)
{
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, high, 0, NULL);
    assert_non_null(m);
    return m;
}

/* 64 TiB each: the pool's file can hold 131,071 of them. */
static void places_in_the_pool_are_used_again(void **state)
{
    (void)state;
    HANDLE kept[8] = { NULL };
    for (int i = 0; i < 300000; i++) {
        HANDLE m = reserved(1 << 14);
        if (kept[i % 8] != NULL) /* the one that lies behind it goes later */
            assert_true(CloseHandle(kept[i % 8]));
        kept[i % 8] = m;
    }
    for (int i = 0; i < 8; i++)
        assert_true(CloseHandle(kept[i]));
}

/* What a section leaves is not seen by the next one in its place. */
static void a_place_that_is_used_again_reads_as_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        SIZE_T size = GRANULE * (SIZE_T)(1 + i * 7 % 5);
        HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)size, NULL);
        char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
        assert_non_null(v);
        for (SIZE_T at = 0; at < size; at += PAGE)
            assert_int_equal(v[at], 0);
        memset(v, 0x5A, size);
        CloseHandle(m);
        if (i % 3 != 0) /* some stay, so that others lie between */
            UnmapViewOfFile(v);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copied_pages_stay_without_a_descriptor),
        cmocka_unit_test(without_the_page_map_calls_fail_and_lose_nothing),
        cmocka_unit_test(the_limit_on_files_is_an_error_and_no_signal),
        cmocka_unit_test(places_in_the_pool_are_used_again),
        cmocka_unit_test(a_place_that_is_used_again_reads_as_zero),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
