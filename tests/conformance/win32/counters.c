/* SPDX-License-Identifier: MIT */
/* counters.c: the process's view of its memory, advice on pages, and handles in numbers. */
#include "win32_test.h"

#define RW PAGE_READWRITE

static void memory_info_counts_what_is_touched(void **state)
{
    (void)state;
    PROCESS_MEMORY_COUNTERS_EX before, after;
    const SIZE_T pages = 8192;
    HANDLE self = GetCurrentProcess();
    char *p = alloc_pages(pages, MEM_COMMIT, RW);
    assert_true(GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&before, sizeof(before)));
    for (SIZE_T i = 0; i < pages; i++)
        p[i * PAGE] = 1;
    assert_true(GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&after, sizeof(after)));
    assert_true(after.WorkingSetSize >= before.WorkingSetSize + (pages - 512) * PAGE);
    assert_true(after.PeakWorkingSetSize >= after.WorkingSetSize);
    assert_true(after.PageFaultCount > before.PageFaultCount);
    release(p);
}

static void memory_info_errors(void **state)
{
    (void)state;
    PROCESS_MEMORY_COUNTERS info;
    assert_error(GetProcessMemoryInfo(GetCurrentProcess(), &info, sizeof(info) - 1), FALSE,
                 ERROR_INSUFFICIENT_BUFFER);
    assert_error(GetProcessMemoryInfo(NULL, &info, sizeof(info)), FALSE, ERROR_INVALID_HANDLE);
    assert_true(GetProcessMemoryInfo(GetCurrentProcess(), &info, sizeof(info)));
}

static void working_set_shows_touched_pages(void **state)
{
    (void)state;
    PSAPI_WORKING_SET_EX_INFORMATION info[4];
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    p[PAGE] = 1;
    memset(info, 0, sizeof(info));
    for (int i = 0; i < 4; i++)
        info[i].VirtualAddress = p + (SIZE_T)i * PAGE;
    info[3].VirtualAddress = NULL;
    assert_true(QueryWorkingSetEx(GetCurrentProcess(), info, sizeof(info)));
    assert_int_equal(info[0].VirtualAttributes.Valid, 0);
    assert_int_equal(info[1].VirtualAttributes.Valid, 1);
    assert_int_equal(info[1].VirtualAttributes.Win32Protection, RW);
    assert_int_equal(info[1].VirtualAttributes.Shared, 0);
    assert_int_equal(info[3].VirtualAttributes.Valid, 0);
    assert_error(QueryWorkingSetEx(GetCurrentProcess(), info, 5), FALSE, ERROR_BAD_LENGTH);
    release(p);
}

static void working_set_shows_shared_and_locked(void **state)
{
    (void)state;
    PSAPI_WORKING_SET_EX_INFORMATION info[2];
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, PAGE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    v[0] = p[0] = 1;
    assert_true(VirtualLock(p, PAGE));
    memset(info, 0, sizeof(info));
    info[0].VirtualAddress = v;
    info[1].VirtualAddress = p;
    assert_true(QueryWorkingSetEx(GetCurrentProcess(), info, sizeof(info)));
    assert_true(info[0].VirtualAttributes.Valid && info[0].VirtualAttributes.Shared);
    assert_true(info[1].VirtualAttributes.Valid && info[1].VirtualAttributes.Locked);
    assert_true(VirtualUnlock(p, PAGE));
    release(p);
    UnmapViewOfFile(v);
    CloseHandle(m);
}

#ifndef _WIN32
static void discard_and_prefetch(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    memset(p, 1, 4 * PAGE);
    assert_int_equal(DiscardVirtualMemory(p, 4 * PAGE), ERROR_SUCCESS);
    assert_region(p, MEM_COMMIT, RW, 4);
    p[0] = 2;
    assert_int_equal(DiscardVirtualMemory(p + 1, PAGE), ERROR_INVALID_PARAMETER);
    assert_int_equal(DiscardVirtualMemory(p, 5 * PAGE), ERROR_INVALID_PARAMETER);
    WIN32_MEMORY_RANGE_ENTRY range = { p, 4 * PAGE };
    assert_true(PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0));
    assert_error(PrefetchVirtualMemory(GetCurrentProcess(), 0, &range, 0), FALSE,
                 ERROR_INVALID_PARAMETER);
    release(p);
}

static void offer_and_reclaim(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    memset(p, 3, 4 * PAGE);
    assert_int_equal(OfferVirtualMemory(p, 4 * PAGE, (OFFER_PRIORITY)0), ERROR_INVALID_PARAMETER);
    assert_int_equal(OfferVirtualMemory(p, 4 * PAGE, VmOfferPriorityLow), ERROR_SUCCESS);
    DWORD result = ReclaimVirtualMemory(p, 4 * PAGE);
    assert_true(result == ERROR_SUCCESS || result == ERROR_BUSY);
    for (SIZE_T i = 0; i < 4 * PAGE && result == ERROR_SUCCESS; i++)
        assert_int_equal(p[i], 3);
    release(p);
}
#endif

static void a_hundred_thousand_handles(void **state)
{
    (void)state;
    static HANDLE all[100000];
    const size_t count = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < count; i++) {
        all[i] =
            CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, (DWORD)(i % 5 + 1) * 4096, NULL);
        assert_non_null(all[i]);
    }
    for (size_t i = 0; i < count; i += 1000) {
        int *v = MapViewOfFile(all[i], FILE_MAP_WRITE, 0, 0, 0);
        assert_non_null(v);
        assert_int_equal(*v, 0);
        *v = (int)i;
        UnmapViewOfFile(v);
    }
    for (size_t i = 0; i < count; i += 1000) {
        int *v = MapViewOfFile(all[i], FILE_MAP_READ, 0, 0, 0);
        assert_int_equal(*v, (int)i);
        UnmapViewOfFile(v);
    }
    for (size_t i = 0; i < count; i++)
        assert_true(CloseHandle(all[i]));
    assert_error(CloseHandle(all[0]), FALSE, ERROR_INVALID_HANDLE);
    assert_error(CloseHandle(all[count - 1]), FALSE, ERROR_INVALID_HANDLE);
}

/* QEMU looks for a free address page by page. */
#ifdef BARROW_TEST_EMULATED
enum { RESERVATIONS = 5000 };
#else
enum { RESERVATIONS = 100000 };
#endif

static void very_many_reservations(void **state)
{
    (void)state;
    static char *all[RESERVATIONS];
    const size_t count = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < count; i++) { /* a mix: reserved, committed, ragged */
        DWORD type = i % 3 == 0 ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT;
        all[i] = VirtualAlloc(NULL, i % 2 ? PAGE : GRANULE, type, RW);
        assert_non_null(all[i]);
    }
    for (size_t i = 0; i < count; i += 7) {
        MEMORY_BASIC_INFORMATION info = query(all[i]);
        assert_ptr_equal(info.AllocationBase, all[i]);
        assert_int_equal(info.RegionSize, i % 2 ? PAGE : GRANULE);
        assert_int_equal(info.State, i % 3 == 0 ? MEM_RESERVE : MEM_COMMIT);
        if (i % 2 && PAGE < GRANULE)
            assert_int_equal(query(all[i] + PAGE).State, MEM_FREE);
    }
    for (size_t i = 0; i < count; i++)
        release(all[i]);
    assert_int_equal(query(all[5]).State, MEM_FREE);
}

#ifndef _WIN32
static void closed_handles_stay_invalid(void **state)
{
    (void)state;
    HANDLE first = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, 1, NULL);
    CloseHandle(first);
    for (int i = 0; i < 1000000; i++) {
        HANDLE h = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, 1, NULL);
        assert_ptr_not_equal(h, first);
        assert_true(CloseHandle(h));
    }
    assert_error(CloseHandle(first), FALSE, ERROR_INVALID_HANDLE);
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        not_on_wine_nor_emulated(memory_info_counts_what_is_touched),
        cmocka_unit_test(memory_info_errors),
        not_on_wine_nor_emulated(working_set_shows_touched_pages),
        not_on_wine_nor_emulated(working_set_shows_shared_and_locked),
#ifndef _WIN32
        cmocka_unit_test(discard_and_prefetch),
        cmocka_unit_test(offer_and_reclaim),
        cmocka_unit_test(closed_handles_stay_invalid),
#endif
        not_on_wine(a_hundred_thousand_handles),
        not_on_wine(very_many_reservations),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
