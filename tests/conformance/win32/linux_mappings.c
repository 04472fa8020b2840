/* SPDX-License-Identifier: MIT */
/* linux_mappings.c: what happens when the process may have no more mappings (vm.max_map_count), and
 * that the work of a call does not grow with their number. */
#include "linux_test.h"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>

/* Each committed page between reserved ones is a mapping of its own. */
static char *spread;
static SIZE_T spread_pages;

static void use_up_mappings(void)
{
    SIZE_T most = (SIZE_T)1 << 21;
    spread = VirtualAlloc(NULL, most * PAGE, MEM_RESERVE, RW);
    child_check(spread != NULL);
    for (spread_pages = 0; spread_pages < most; spread_pages += 2) {
        if (VirtualAlloc(spread + spread_pages * PAGE, PAGE, MEM_COMMIT, RW) == NULL)
            break;
    }
    child_check(spread_pages < most && GetLastError() == ERROR_COMMITMENT_LIMIT);
}

static DWORD state_of(const void *address)
{
    MEMORY_BASIC_INFORMATION info;
    child_check(VirtualQuery(address, &info, sizeof(info)) != 0);
    return info.State;
}

enum { AREAS = 64 };

static void release_every_other(void)
{
    char *areas[AREAS];
    for (int i = 0; i < AREAS; i++) {
        DWORD type = i % 4 < 2 ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT;
        areas[i] = VirtualAlloc(NULL, 16 * GRANULE, type, RW);
        child_check(areas[i] != NULL);
    }
    use_up_mappings();
    for (int i = 1; i < AREAS; i += 2) {
        child_check(VirtualFree(areas[i], 0, MEM_RELEASE));
        child_check(state_of(areas[i]) == MEM_FREE);
        child_check(!VirtualFree(areas[i], 0, MEM_RELEASE));
        child_check(GetLastError() == ERROR_INVALID_ADDRESS);
        child_check(state_of(areas[i - 1]) != MEM_FREE);
    }
    child_check(VirtualFree(spread, 0, MEM_RELEASE));
    for (int i = 1; i < AREAS; i += 2)
        child_check(VirtualAlloc(areas[i], 16 * GRANULE, MEM_RESERVE, RW) == areas[i]);
}

/* What is only reserved and what is committed are no neighbours, or the kernel could not merge them. */
static void reserve_beside_a_block(void)
{
    char *first = VirtualAlloc(NULL, GRANULE, MEM_RESERVE, RW);
    child_check(mmap(first - GRANULE, GRANULE, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == first - GRANULE);
    for (int i = 0; i < 100000; i++)
        child_check(VirtualAlloc(NULL, GRANULE, i % 2 == 0 ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT,
                                 RW) != NULL);
}

static void reservations_find_another_place_when_theirs_is_taken(void **state)
{
    (void)state;
    in_child(reserve_beside_a_block, 0);
}

static void release_works_without_mappings(void **state)
{
    (void)state;
    in_child(release_every_other, 0);
}

static void decommit_single_pages(void)
{
    enum { PAGES = 20000 };
    char *p = VirtualAlloc(NULL, PAGES * PAGE, MEM_COMMIT, RW);
    memset(p, 'x', 100 * PAGE);
    use_up_mappings();
    for (SIZE_T i = 1; i < PAGES; i += 2) {
        child_check(VirtualFree(p + i * PAGE, PAGE, MEM_DECOMMIT));
        child_check(state_of(p + i * PAGE) == MEM_RESERVE);
    }
    child_check(state_of(p + 2 * PAGE) == MEM_COMMIT && p[2 * PAGE] == 'x');
    child_check(VirtualAlloc(p + PAGE, PAGE, MEM_COMMIT, RW) != NULL);
    child_check(p[PAGE] == 0);
}

static void decommit_works_without_mappings(void **state)
{
    (void)state;
    in_child(decommit_single_pages, 0);
}

static void write_between_decommit_and_commit(void)
{
    char *p = VirtualAlloc(NULL, 16 * PAGE, MEM_COMMIT, RW);
    use_up_mappings();
    child_check(VirtualFree(p + 5 * PAGE, PAGE, MEM_DECOMMIT));
    p[5 * PAGE] = 'y'; /* a mistake that can't be caught there */
    child_check(VirtualAlloc(p + 5 * PAGE, PAGE, MEM_COMMIT, RW) != NULL);
    child_check(p[5 * PAGE] == 0);
}

static void pages_committed_again_are_zero_without_mappings(void **state)
{
    (void)state;
    in_child(write_between_decommit_and_commit, 0);
}

static void unmap_neighbours(void)
{
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)(3 * GRANULE), NULL);
    char *area = VirtualAlloc(NULL, 3 * GRANULE, MEM_RESERVE, RW), *views[3];
    child_check(VirtualFree(area, 0, MEM_RELEASE));
    for (int i = 0; i < 3; i++) { /* the kernel makes one mapping of them */
        views[i] = MapViewOfFileEx(h, FILE_MAP_WRITE, 0, (DWORD)(i * GRANULE), GRANULE,
                                   area + i * GRANULE);
        child_check(views[i] == area + i * GRANULE);
    }
    use_up_mappings();
    child_check(UnmapViewOfFile(views[1]));
    child_check(state_of(views[1]) == MEM_FREE);
    views[0][0] = views[2][0] = 1;
    child_check(UnmapViewOfFile(views[0]) && UnmapViewOfFile(views[2]));
}

static void unmap_works_without_mappings(void **state)
{
    (void)state;
    in_child(unmap_neighbours, 0);
}

static volatile sig_atomic_t guards;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    child_check((DWORD)info->si_errno == STATUS_GUARD_PAGE_VIOLATION);
    guards++;
}

static void touch_one_of_a_row(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    DWORD old;
    char *p = VirtualAlloc(NULL, 32 * PAGE, MEM_COMMIT, RW);
    child_check(VirtualProtect(p + PAGE, 16 * PAGE, RW | PAGE_GUARD, &old));
    use_up_mappings();
    child_check(*(volatile char *)(p + 5 * PAGE) == 0 && guards == 1);
    child_check(*(volatile char *)(p + 5 * PAGE) == 0 && guards == 1);
}

static void guard_pages_work_without_mappings(void **state)
{
    (void)state;
    in_child(touch_one_of_a_row, 0);
}

/* ---- SEC_RESERVE ------------------------------------------------------------------------------*/

enum { SHARED = 4000 };

static void touch_every_other(const volatile char *view)
{
    for (SIZE_T i = 0; i < SHARED; i += 2)
        (void)view[i * PAGE];
}

static void committed_pages_can_be_touched_without_mappings(void **state)
{
    (void)state;
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(SHARED * PAGE), NULL);
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    int ready[2], gate[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        alarm(60);
        use_up_mappings();
        child_check(write(ready[1], "x", 1) == 1 && read(gate[0], &byte, 1) == 1);
        touch_every_other(v);
        child_check(state_of(v) == MEM_COMMIT && state_of(v + PAGE) == MEM_RESERVE);
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    for (SIZE_T i = 0; i < SHARED; i += 2)
        assert_non_null(VirtualAlloc(v + i * PAGE, PAGE, MEM_COMMIT, RW));
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_int_equal(wait_for(child), 0);
    UnmapViewOfFile(v);
    CloseHandle(h);
}

static void commit_every_other(void)
{
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(SHARED * PAGE), NULL);
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    use_up_mappings();
    for (SIZE_T i = 0; i < SHARED; i += 2)
        child_check(VirtualAlloc(v + i * PAGE, PAGE, MEM_COMMIT, RW) == v + i * PAGE);
    touch_every_other(v);
    child_check(state_of(v) == MEM_COMMIT && state_of(v + PAGE) == MEM_RESERVE);
}

static void views_can_be_committed_without_mappings(void **state)
{
    (void)state;
    in_child(commit_every_other, 0);
}

static void a_committed_run_is_opened_at_its_first_fault(void **state)
{
    (void)state;
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, (DWORD)(SHARED * PAGE), NULL);
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        sigset_t all;
        child_check(read(gate[0], &byte, 1) == 1);
        (void)*(volatile char *)(v + 1000 * PAGE);
        sigfillset(&all); /* one more fault would be the end */
        sigprocmask(SIG_BLOCK, &all, NULL);
        touch_every_other(v);
        _exit(0);
    }
    assert_non_null(VirtualAlloc(v, SHARED * PAGE, MEM_COMMIT, RW));
    assert_int_equal(write(gate[1], "x", 1), 1);
    assert_int_equal(wait_for(child), 0);
    UnmapViewOfFile(v);
    CloseHandle(h);
}

/* ---- costs ------------------------------------------------------------------------------------*/

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char **make_views(size_t count)
{
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)GRANULE, NULL);
    char **views = calloc(count, sizeof(*views));
    for (size_t i = 0; i < count; i++) {
        views[i] = MapViewOfFile(h, FILE_MAP_READ, 0, 0, PAGE);
        assert_non_null(views[i]);
    }
    CloseHandle(h);
    return views;
}

/* Seconds for each view that is unmapped, the oldest first. */
static double unmap_oldest_first(size_t count)
{
    char **views = make_views(count);
    double start = processor_seconds();
    for (size_t i = 0; i < count; i++)
        assert_true(UnmapViewOfFile(views[i]));
    free(views);
    return (processor_seconds() - start) / (double)count;
}

/* Seconds for each region of a walk over the address space; there is a gap behind each view. */
static double walk_over_views(size_t count)
{
    char **views = make_views(count);
    double start = processor_seconds();
    MEMORY_BASIC_INFORMATION info;
    size_t regions = 0, found = 0;
    for (char *p = NULL; VirtualQuery(p, &info, sizeof(info)) != 0; regions++) {
        found +=
            info.Type == MEM_MAPPED && info.RegionSize == PAGE && info.Protect == PAGE_READONLY;
        p = (char *)info.BaseAddress + info.RegionSize;
    }
    double seconds = processor_seconds() - start;
    assert_true(found >= count && regions >= 2 * count);
    for (size_t i = 0; i < count; i++)
        assert_true(UnmapViewOfFile(views[i]));
    free(views);
    return seconds / (double)regions;
}

/* Ten times as many, and so more than ten times as much work if each step looked at all of them: what
 * caches cost is allowed for. */
static void assert_flat(double (*cost)(size_t))
{
    double few = cost(3000), many = cost(30000);
    if (many > 4 * few)
        fail_msg("%.2f us for each of 3,000, %.2f us for each of 30,000", few * 1e6, many * 1e6);
}

static void unmapping_the_oldest_view_costs_the_same_among_many(void **state)
{
    (void)state;
    assert_flat(unmap_oldest_first);
}

static void a_step_of_a_walk_costs_the_same_among_many(void **state)
{
    (void)state;
    assert_flat(walk_over_views);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservations_find_another_place_when_theirs_is_taken),
        cmocka_unit_test(release_works_without_mappings),
        cmocka_unit_test(decommit_works_without_mappings),
        cmocka_unit_test(pages_committed_again_are_zero_without_mappings),
        cmocka_unit_test(unmap_works_without_mappings),
        cmocka_unit_test(guard_pages_work_without_mappings),
        cmocka_unit_test(committed_pages_can_be_touched_without_mappings),
        cmocka_unit_test(views_can_be_committed_without_mappings),
        cmocka_unit_test(a_committed_run_is_opened_at_its_first_fault),
        cmocka_unit_test(unmapping_the_oldest_view_costs_the_same_among_many),
        cmocka_unit_test(a_step_of_a_walk_costs_the_same_among_many),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
