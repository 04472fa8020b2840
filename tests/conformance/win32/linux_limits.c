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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copied_pages_stay_without_a_descriptor),
        cmocka_unit_test(without_the_page_map_calls_fail_and_lose_nothing),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
