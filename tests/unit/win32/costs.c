/* SPDX-License-Identifier: MIT */
/* costs.c: calls whose cost must not grow with the number of what is alive beside, but by a search: views
 * of a section, locked ranges of a file. Counted in instructions. */
#include <psapi.h>
#include <windows.h>

#include "steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The kernel looks at its locks one by one, so that thousands take it seconds. */
enum { VIEWS_MOST = 20000, RANGES_MOST = 4000, CALLS = 16 };

#define GRANULE ((SIZE_T)0x10000)

static HANDLE section;
static char *views[VIEWS_MOST + 1], *own;

/* Each view has a part of the section to itself. */
static void map_views(void *argument)
{
    size_t count = *(size_t *)argument;
    uint64_t size = (VIEWS_MOST + 2) * GRANULE;
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
                                 (DWORD)(size >> 32), (DWORD)size, NULL);
    for (size_t i = 0; i <= count; i++) {
        uint64_t offset = (count - i) * GRANULE;
        views[i] =
            MapViewOfFile(section, FILE_MAP_WRITE, (DWORD)(offset >> 32), (DWORD)offset, GRANULE);
    }
    own = views[count];
}

static void commit_pages(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CALLS; i++)
        VirtualAlloc(own + i * (GRANULE / CALLS), 1, MEM_COMMIT, PAGE_READWRITE);
}

static void unmap_oldest(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CALLS; i++)
        UnmapViewOfFile(views[i]);
}

/* At random, so that the ways through the tree of areas are not alike. */
static void query_views(void *argument)
{
    size_t count = *(size_t *)argument;
    MEMORY_BASIC_INFORMATION info;
    for (size_t i = 0; i < CALLS; i++)
        VirtualQuery(views[i * 7919 % count], &info, sizeof(info));
}

/* Among the most a search takes two and a half times as many steps as among CALLS, one by one it would take
 * hundreds of times as many. */
static void check_growth(const char *what, void (*prepare)(void *), void (*use)(void *),
                         size_t most, size_t factor)
{
    size_t few = CALLS, many = most;
    size_t least = count_steps(prepare, use, &few), highest = count_steps(prepare, use, &many);
    print_message("%s: %zu instructions among %zu, %zu among %zu\n", what, least / CALLS, few,
                  highest / CALLS, many);
    assert_true(highest < factor * least);
}

/* One copy-on-write view of so many granules. */
static void map_copied_view(void *argument)
{
    uint64_t size = *(size_t *)argument * GRANULE;
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, (DWORD)(size >> 32),
                                 (DWORD)size, NULL);
    own = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    for (size_t i = 0; i < CALLS; i += 2)
        own[i * (GRANULE / CALLS)] = 1;
}

static void use_single_pages(void *argument)
{
    PSAPI_WORKING_SET_EX_INFORMATION page = { .VirtualAddress = own };
    DWORD old;
    (void)argument;
    for (size_t i = 0; i < CALLS; i++)
        VirtualProtect(own + i * (GRANULE / CALLS), 1, PAGE_READONLY, &old);
    IsBadReadPtr(own, 1);
    QueryWorkingSetEx(GetCurrentProcess(), &page, sizeof(page));
    VirtualLock(own, 1);
}

static void single_pages_of_a_copied_view_do_not_need_the_others(void **state)
{
    (void)state;
    check_growth("VirtualProtect of a copy-on-write page", map_copied_view, use_single_pages,
                 VIEWS_MOST, 2);
}

static void committing_does_not_look_at_views_of_other_pages(void **state)
{
    (void)state;
    check_growth("MEM_COMMIT", map_views, commit_pages, VIEWS_MOST, 2);
}

static void unmapping_does_not_look_for_the_view(void **state)
{
    (void)state;
    check_growth("UnmapViewOfFile, oldest first", map_views, unmap_oldest, VIEWS_MOST, 2);
}

static void querying_finds_the_view_by_a_search(void **state)
{
    (void)state;
    check_growth("VirtualQuery at random", map_views, query_views, VIEWS_MOST, 2);
}

/* ---- locked ranges ----------------------------------------------------------------------------- */

static HANDLE file;

static void lock(uint64_t offset, uint64_t size, DWORD flags)
{
    OVERLAPPED where = { .Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32) };
    if (!LockFileEx(file, flags | LOCKFILE_FAIL_IMMEDIATELY, 0, (DWORD)size, (DWORD)(size >> 32),
                    &where))
        _exit(1);
}

static void unlock(uint64_t offset, uint64_t size)
{
    OVERLAPPED where = { .Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32) };
    if (!UnlockFileEx(file, 0, (DWORD)size, (DWORD)(size >> 32), &where))
        _exit(1);
}

static void open_file(void)
{
    char name[] = "barrow-costs-XXXXXX";
    close(mkstemp(name));
    file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    unlink(name);
}

/* Every other byte, so that no two ranges touch. */
static void lock_bytes(void *argument)
{
    open_file();
    for (size_t i = 0; i < *(size_t *)argument; i++)
        lock(2 * i, 1, i % 3 == 0 ? 0 : LOCKFILE_EXCLUSIVE_LOCK);
}

static void lock_between(void *argument)
{
    size_t count = *(size_t *)argument;
    for (size_t i = 0; i < CALLS; i++) {
        uint64_t at = 2 * (i * 7919 % count) + 1;
        lock(at, 1, LOCKFILE_EXCLUSIVE_LOCK);
        unlock(at, 1);
    }
}

static void locking_finds_its_neighbours_by_a_search(void **state)
{
    (void)state;
    check_growth("LockFile beside others", lock_bytes, lock_between, RANGES_MOST, 4);
}

/* Shared ranges may begin alike, lie above all bytes that can be told apart, and be the same. */
static void lock_alike(void *argument)
{
    open_file();
    for (size_t i = 0; i < *(size_t *)argument; i++) {
        lock(10, 10 + i, 0);
        lock((uint64_t)1 << 62, 10 + i, 0);
        lock(10, 5, 0);
        lock(10, 0, 0);
    }
}

static void lock_and_unlock_alike(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CALLS; i++) {
        lock(10, 9, 0);
        unlock(10, 9);
        lock(((uint64_t)1 << 62) + 1, 9, 0);
        unlock(((uint64_t)1 << 62) + 1, 9);
        unlock(10, 5);
        unlock(10, 0);
    }
}

static void ranges_that_begin_alike_are_told_apart_by_a_search(void **state)
{
    (void)state;
    check_growth("LockFileEx, shared, of one place", lock_alike, lock_and_unlock_alike, RANGES_MOST,
                 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committing_does_not_look_at_views_of_other_pages),
        cmocka_unit_test(unmapping_does_not_look_for_the_view),
        cmocka_unit_test(querying_finds_the_view_by_a_search),
        cmocka_unit_test(single_pages_of_a_copied_view_do_not_need_the_others),
        cmocka_unit_test(locking_finds_its_neighbours_by_a_search),
        cmocka_unit_test(ranges_that_begin_alike_are_told_apart_by_a_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
