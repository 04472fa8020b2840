/* SPDX-License-Identifier: MIT */
/* virtual_alloc.c: section 3: VirtualAlloc and its forms. */
#include "win32_test.h"

#ifndef MEM_RESERVE_PLACEHOLDER
#define MEM_RESERVE_PLACEHOLDER 0x00040000
#endif

#define RW PAGE_READWRITE

static void s3_system_info(void **state)
{
    (void)state;
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    assert_true(info.dwPageSize >= 4096 && info.dwPageSize <= GRANULE);
    assert_int_equal(info.dwAllocationGranularity, 65536);
    assert_int_equal((uintptr_t)info.lpMinimumApplicationAddress, 0x10000);
    assert_int_equal((uintptr_t)info.lpMaximumApplicationAddress, 0x7FFFFFFEFFFF);
    assert_true(info.dwNumberOfProcessors >= 1);
#if defined(__aarch64__)
    assert_int_equal(info.wProcessorArchitecture, PROCESSOR_ARCHITECTURE_ARM64);
#else
    assert_int_equal(info.wProcessorArchitecture, PROCESSOR_ARCHITECTURE_AMD64);
#endif
}

static void s3_reserve_rounds_down_to_64k_and_up_to_a_page(void **state)
{
    (void)state;
    char *room = alloc_pages(64, MEM_RESERVE, RW);
    release(room);
    char *p = VirtualAlloc(room + 0x2345, 0x1000, MEM_RESERVE, RW);
    assert_ptr_equal(p, room);
    assert_region(p, MEM_RESERVE, 0, (0x3345 + PAGE - 1) / PAGE);
    release(p);
}

static void s3_reserve_is_64k_aligned(void **state)
{
    (void)state;
    char *p[8];
    for (int i = 0; i < 8; i++) {
        p[i] = alloc_pages((SIZE_T)i * 7 + 1, MEM_RESERVE, RW);
        assert_int_equal((uintptr_t)p[i] % GRANULE, 0);
    }
    for (int i = 0; i < 8; i++)
        release(p[i]);
}

static void s3_rest_of_the_last_granule_is_unusable(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    for (SIZE_T at = PAGE; at < GRANULE; at += PAGE)
        assert_error(VirtualAlloc(p + at, PAGE, MEM_RESERVE, RW), NULL, ERROR_INVALID_ADDRESS);
    release(p);
}

static void s3_touching_reserved_memory_faults(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_RESERVE, RW);
    assert_int_equal(fault_of_read(p), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_write(p), STATUS_ACCESS_VIOLATION);
    assert_ptr_equal(VirtualAlloc(p, PAGE, MEM_COMMIT, RW), p);
    assert_int_equal(fault_of_write(p), 0);
    assert_int_equal(fault_of_read(p + PAGE), STATUS_ACCESS_VIOLATION);
    release(p);
    assert_int_equal(fault_of_read(p), STATUS_ACCESS_VIOLATION);
}

static void s3_commit_covers_every_page_touched(void **state)
{
    (void)state;
    char *p = alloc_pages(16, MEM_RESERVE, RW);
    assert_ptr_equal(VirtualAlloc(p + PAGE + PAGE - 1, 2, MEM_COMMIT, RW), p + PAGE);
    assert_region(p, MEM_RESERVE, 0, 1);
    assert_region(p + PAGE, MEM_COMMIT, RW, 2);
    assert_region(p + 3 * PAGE, MEM_RESERVE, 0, 13);
    release(p);
}

static void s3_commit_without_address_reserves_too(void **state)
{
    (void)state;
    char *p = alloc_pages(3, MEM_COMMIT, RW);
    assert_int_equal((uintptr_t)p % GRANULE, 0);
    assert_region(p, MEM_COMMIT, RW, 3);
    release(p);
}

static void s3_commit_of_unreserved_memory_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(32, MEM_RESERVE, RW);
    release(p);
    assert_error(VirtualAlloc(p, PAGE, MEM_COMMIT, RW), NULL, ERROR_INVALID_ADDRESS);
}

static void s3_commit_of_partly_reserved_memory_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(32, MEM_RESERVE, RW);
    release(p);
    assert_ptr_equal(VirtualAlloc(p, 8 * PAGE, MEM_RESERVE, RW), p);
    assert_error(VirtualAlloc(p + 7 * PAGE, 2 * PAGE, MEM_COMMIT, RW), NULL, ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_RESERVE, 0, 8);
    release(p);
}

static void s3_commit_across_two_reservations_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(2 * GRANULE / PAGE, MEM_RESERVE, RW);
    release(p);
    assert_ptr_equal(VirtualAlloc(p, GRANULE, MEM_RESERVE, RW), p);
    assert_ptr_equal(VirtualAlloc(p + GRANULE, GRANULE, MEM_RESERVE, RW), p + GRANULE);
    assert_error(VirtualAlloc(p + GRANULE - PAGE, 2 * PAGE, MEM_COMMIT, RW), NULL,
                 ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_RESERVE, 0, GRANULE / PAGE);
    release(p);
    release(p + GRANULE);
}

static void s3_recommit_keeps_contents_and_sets_protection(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_COMMIT, RW);
    p[10] = 42;
    assert_ptr_equal(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READONLY), p);
    assert_int_equal(p[10], 42);
    assert_region(p, MEM_COMMIT, PAGE_READONLY, 1);
    assert_int_equal(fault_of_write(p), STATUS_ACCESS_VIOLATION);
    release(p);
}

static void s3_committed_pages_are_zero_also_the_second_time(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    for (SIZE_T i = 0; i < 4 * PAGE; i++)
        assert_int_equal(p[i], 0);
    memset(p, 0x55, 4 * PAGE);
    assert_true(VirtualFree(p + PAGE, PAGE, MEM_DECOMMIT));
    assert_ptr_equal(VirtualAlloc(p + PAGE, PAGE, MEM_COMMIT, RW), p + PAGE);
    for (SIZE_T i = 0; i < 4 * PAGE; i++)
        assert_int_equal(p[i], i / PAGE == 1 ? 0 : 0x55);
    release(p);
}

static void s3_reserving_over_reserved_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(32, MEM_RESERVE, RW);
    assert_error(VirtualAlloc(p, PAGE, MEM_RESERVE, RW), NULL, ERROR_INVALID_ADDRESS);
    assert_error(VirtualAlloc(p + GRANULE, PAGE, MEM_RESERVE | MEM_COMMIT, RW), NULL,
                 ERROR_INVALID_ADDRESS);
    release(p);
}

static void s3_size_0_is_87(void **state)
{
    (void)state;
    assert_error(VirtualAlloc(NULL, 0, MEM_RESERVE, RW), NULL, ERROR_INVALID_PARAMETER);
    assert_error(VirtualAlloc(NULL, 0, MEM_COMMIT, RW), NULL, ERROR_INVALID_PARAMETER);
}

static void s3_bad_types_are_87(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    assert_error(VirtualAlloc(NULL, PAGE, 0, RW), NULL, ERROR_INVALID_PARAMETER);
    assert_error(VirtualAlloc(NULL, PAGE, MEM_RESERVE | 1, RW), NULL, ERROR_INVALID_PARAMETER);
    assert_error(VirtualAlloc(p, PAGE, MEM_RELEASE, RW), NULL, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_placeholder_through_virtual_alloc_fails(void **state)
{
    (void)state;
    assert_null(VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS));
}

static void s3_size_beyond_the_address_space_fails(void **state)
{
    (void)state;
    SetLastError(0);
    assert_null(VirtualAlloc(NULL, (SIZE_T)1 << 48, MEM_RESERVE, RW));
    assert_true(GetLastError() == ERROR_INVALID_PARAMETER ||
                GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
    SetLastError(0);
    assert_null(VirtualAlloc(NULL, ~(SIZE_T)0, MEM_RESERVE, RW));
    assert_true(GetLastError() == ERROR_INVALID_PARAMETER ||
                GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
}

static void s3_exactly_one_protection(void **state)
{
    (void)state;
    const DWORD good[] = { PAGE_NOACCESS, PAGE_READONLY,     PAGE_READWRITE,
                           PAGE_EXECUTE,  PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE };
    for (size_t i = 0; i < 6; i++) {
        char *p = alloc_pages(1, MEM_COMMIT, good[i]);
        assert_region(p, MEM_COMMIT, good[i], 1);
        assert_int_equal(query(p).AllocationProtect, good[i]);
        release(p);
        for (size_t j = 0; j < i; j++) {
            assert_error(VirtualAlloc(NULL, PAGE, MEM_COMMIT, good[i] | good[j]), NULL,
                         ERROR_INVALID_PARAMETER);
        }
    }
}

static void s3_bad_protections_are_87_also_when_reserving(void **state)
{
    (void)state;
    const DWORD bad[] = { 0, PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY, 0x80000004u, 0x1000 };
    const DWORD types[] = { MEM_RESERVE, MEM_COMMIT, MEM_RESERVE | MEM_COMMIT };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t j = 0; j < 3; j++) {
            if (bad[i] > 0xFFF) /* unknown high bits: for the next test */
                continue;
            assert_error(VirtualAlloc(NULL, PAGE, types[j], bad[i]), NULL, ERROR_INVALID_PARAMETER);
        }
    }
}

static void s3_guard_needs_an_access(void **state)
{
    (void)state;
    assert_error(VirtualAlloc(NULL, PAGE, MEM_COMMIT, PAGE_NOACCESS | PAGE_GUARD), NULL,
                 ERROR_INVALID_PARAMETER);
    assert_error(VirtualAlloc(NULL, PAGE, MEM_COMMIT, PAGE_NOACCESS | PAGE_NOCACHE), NULL,
                 ERROR_INVALID_PARAMETER);
}

static void s3_reset_keeps_state_and_old_or_zero_contents(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    memset(p, 7, 4 * PAGE);
    assert_ptr_equal(VirtualAlloc(p, 4 * PAGE, MEM_RESET, PAGE_NOACCESS), p);
    assert_region(p, MEM_COMMIT, RW, 4);
    for (int i = 0; i < 4; i++)
        assert_true(p[i * PAGE] == 7 || p[i * PAGE] == 0);
    release(p);
}

static void s3_reset_is_alone(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_error(VirtualAlloc(p, PAGE, MEM_RESET | MEM_COMMIT, RW), NULL, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_reset_of_reserved_pages_is_accepted(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_RESERVE, RW);
    assert_ptr_equal(VirtualAlloc(p, PAGE, MEM_COMMIT, RW), p);
    assert_ptr_equal(VirtualAlloc(p, 2 * PAGE, MEM_RESET, RW), p);
    assert_ptr_equal(VirtualAlloc(p + PAGE, PAGE, MEM_RESET, RW), p + PAGE);
    release(p);
}

static void s3_reset_beyond_the_allocation_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    assert_error(VirtualAlloc(p, 5 * PAGE, MEM_RESET, RW), NULL, ERROR_INVALID_ADDRESS);
    release(p);
}

static void s3_reset_of_page_file_views_is_fine(void **state)
{
    (void)state;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, 4 * PAGE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(v);
    v[0] = 3;
    assert_ptr_equal(VirtualAlloc(v, PAGE, MEM_RESET, RW), v);
    assert_true(v[0] == 3 || v[0] == 0);
    assert_true(UnmapViewOfFile(v));
    CloseHandle(m);
}

static void s3_reset_undo_succeeds_with_data_intact(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_COMMIT, RW);
    memset(p, 9, 3 * PAGE); /* the rest was never touched */
    assert_ptr_equal(VirtualAlloc(p, 8 * PAGE, MEM_RESET, RW), p);
    if (VirtualAlloc(p, 8 * PAGE, MEM_RESET_UNDO, RW) != NULL) {
        for (SIZE_T i = 0; i < 8 * PAGE; i++)
            assert_int_equal(p[i], i < 3 * PAGE ? 9 : 0);
    }
    release(p);
}

static void s3_write_watch_needs_reserve(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    assert_error(VirtualAlloc(p, PAGE, MEM_WRITE_WATCH, RW), NULL, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_write_watch_with_commit_alone_is_87(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_RESERVE, RW);
    assert_error(VirtualAlloc(p, PAGE, MEM_WRITE_WATCH | MEM_COMMIT, RW), NULL,
                 ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_physical_only_with_reserve(void **state)
{
    (void)state;
    assert_null(VirtualAlloc(NULL, PAGE, MEM_PHYSICAL | MEM_COMMIT, RW));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void s3_large_pages_need_reserve_and_commit(void **state)
{
    (void)state;
    assert_error(VirtualAlloc(NULL, 2 << 20, MEM_LARGE_PAGES | MEM_RESERVE, RW), NULL,
                 ERROR_INVALID_PARAMETER);
}

static void s3_top_down_is_accepted(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN, RW);
    release(p);
}

static void s3_alloc_ex_process_null_is_6(void **state)
{
    (void)state;
    assert_error(VirtualAllocEx(NULL, NULL, PAGE, MEM_RESERVE, RW), NULL, ERROR_INVALID_HANDLE);
}

static void s3_alloc_ex_of_this_process(void **state)
{
    (void)state;
    assert_ptr_equal(GetCurrentProcess(), (HANDLE)(LONG_PTR)-1);
    char *p = VirtualAllocEx(GetCurrentProcess(), NULL, PAGE, MEM_COMMIT, RW);
    assert_non_null(p);
    assert_region(p, MEM_COMMIT, RW, 1);
    assert_true(VirtualFreeEx(GetCurrentProcess(), p, 0, MEM_RELEASE));
}

static void s3_no_access_faults_and_rights_hold(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_COMMIT, PAGE_NOACCESS);
    assert_int_equal(fault_of_read(p), STATUS_ACCESS_VIOLATION);
    release(p);
    p = alloc_pages(2, MEM_COMMIT, PAGE_READONLY);
    assert_int_equal(fault_of_read(p), 0);
    assert_int_equal(fault_of_write(p), STATUS_ACCESS_VIOLATION);
    release(p);
    p = alloc_pages(1, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
#if defined(__aarch64__)
    const uint32_t code[] = { 0x52800540, 0xD65F03C0 }; /* mov w0, #42; ret */
#else
    const unsigned char code[] = { 0xB8, 42, 0, 0, 0, 0xC3 }; /* mov eax, 42; ret */
#endif
    memcpy(p, code, sizeof(code));
    __builtin___clear_cache(p, p + sizeof(code));
    int (*answer)(void);
    memcpy(&answer, &p, sizeof(p));
    assert_int_equal(answer(), 42);
    release(p);
}

#ifdef _WIN32
typedef PVOID(WINAPI *alloc2_t)(HANDLE, PVOID, SIZE_T, ULONG, ULONG, MEM_EXTENDED_PARAMETER *,
                                ULONG);
static PVOID alloc2(SIZE_T size, ULONG type, ULONG protect, MEM_EXTENDED_PARAMETER *p, ULONG n)
{
    static alloc2_t function;
    if (function == NULL) {
        FARPROC found = GetProcAddress(GetModuleHandleA("kernelbase.dll"), "VirtualAlloc2");
        memcpy(&function, &found, sizeof(found));
    }
    return function(NULL, NULL, size, type, protect, p, n);
}
#else
static PVOID alloc2(SIZE_T size, ULONG type, ULONG protect, MEM_EXTENDED_PARAMETER *p, ULONG n)
{
    return VirtualAlloc2(NULL, NULL, size, type, protect, p, n);
}
#endif

static char *alloc_within(uintptr_t lowest, uintptr_t highest, SIZE_T alignment, SIZE_T size)
{
    MEM_ADDRESS_REQUIREMENTS wanted;
    MEM_EXTENDED_PARAMETER parameter;
    memset(&parameter, 0, sizeof(parameter));
    wanted.LowestStartingAddress = (PVOID)lowest;
    wanted.HighestEndingAddress = (PVOID)highest;
    wanted.Alignment = alignment;
    parameter.Type = MemExtendedParameterAddressRequirements;
    parameter.Pointer = &wanted;
    return alloc2(size, MEM_RESERVE | MEM_COMMIT, RW, &parameter, 1);
}

static void s3_alloc2_without_parameters(void **state)
{
    (void)state;
    char *p = alloc2(PAGE, MEM_RESERVE | MEM_COMMIT, RW, NULL, 0);
    assert_non_null(p);
    assert_region(p, MEM_COMMIT, RW, 1);
    release(p);
}

static void s3_alloc2_alignment(void **state)
{
    (void)state;
    for (SIZE_T alignment = GRANULE; alignment <= (SIZE_T)1 << 30; alignment *= 4) {
        char *p = alloc_within(0, 0, alignment, 3 * PAGE);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignment, 0);
        assert_region(p, MEM_COMMIT, RW, 3);
        release(p);
    }
}

static void s3_alloc2_bounds(void **state)
{
    (void)state;
    uintptr_t low = 0x300000000000, high = 0x3000FFFFFFFF;
    char *p = alloc_within(low, high, 0, 5 * PAGE), *q = alloc_within(low, high, 0, PAGE);
    assert_non_null(p);
    assert_non_null(q);
    assert_true((uintptr_t)p >= low && (uintptr_t)p + 5 * PAGE - 1 <= high);
    assert_true((uintptr_t)q >= low && (uintptr_t)q + PAGE - 1 <= high);
    release(p);
    release(q);
}

static void s7_alloc2_highest_address_ends_any_page(void **state)
{
    (void)state;
    for (uintptr_t pages = 0; pages < GRANULE / PAGE; pages++) {
        uintptr_t high = 0x300000050000 + pages * PAGE - 1;
        char *p = alloc_within(0x300000000000, high, 0, 5 * GRANULE);
        assert_ptr_equal(p, 0x300000000000);
        assert_error(alloc_within(0x300000000000, high, 0, (pages + 1) * PAGE), NULL,
                     ERROR_NOT_ENOUGH_MEMORY);
        release(p);
    }
    assert_error(alloc_within(0, 0x300000000000 + PAGE / 2, 0, PAGE), NULL,
                 ERROR_INVALID_PARAMETER);
}

static void s3_alloc2_bad_requirements_are_87(void **state)
{
    (void)state;
    assert_error(alloc_within(0, 0, 3 * GRANULE, PAGE), NULL, ERROR_INVALID_PARAMETER);
    assert_error(alloc_within(0, 0, GRANULE / 2, PAGE), NULL, ERROR_INVALID_PARAMETER);
    assert_error(alloc_within(0x200001000, 0, 0, PAGE), NULL, ERROR_INVALID_PARAMETER);
    assert_error(alloc_within(0, 0x200001000, 0, PAGE), NULL, ERROR_INVALID_PARAMETER);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_system_info),
        cmocka_unit_test(s3_reserve_rounds_down_to_64k_and_up_to_a_page),
        cmocka_unit_test(s3_reserve_is_64k_aligned),
        cmocka_unit_test(s3_rest_of_the_last_granule_is_unusable),
        cmocka_unit_test(s3_touching_reserved_memory_faults),
        cmocka_unit_test(s3_commit_covers_every_page_touched),
        cmocka_unit_test(s3_commit_without_address_reserves_too),
        cmocka_unit_test(s3_commit_of_unreserved_memory_is_487),
        cmocka_unit_test(s3_commit_of_partly_reserved_memory_is_487),
        cmocka_unit_test(s3_commit_across_two_reservations_is_487),
        cmocka_unit_test(s3_recommit_keeps_contents_and_sets_protection),
        cmocka_unit_test(s3_committed_pages_are_zero_also_the_second_time),
        cmocka_unit_test(s3_reserving_over_reserved_is_487),
        cmocka_unit_test(s3_size_0_is_87),
        cmocka_unit_test(s3_bad_types_are_87),
        cmocka_unit_test(s3_placeholder_through_virtual_alloc_fails),
        cmocka_unit_test(s3_size_beyond_the_address_space_fails),
        cmocka_unit_test(s3_exactly_one_protection),
        cmocka_unit_test(s3_bad_protections_are_87_also_when_reserving),
        not_on_wine(s3_guard_needs_an_access),
        cmocka_unit_test(s3_reset_keeps_state_and_old_or_zero_contents),
        not_on_wine(s3_reset_is_alone),
        cmocka_unit_test(s3_reset_of_reserved_pages_is_accepted),
        cmocka_unit_test(s3_reset_beyond_the_allocation_is_487),
        cmocka_unit_test(s3_reset_of_page_file_views_is_fine),
        cmocka_unit_test(s3_reset_undo_succeeds_with_data_intact),
        cmocka_unit_test(s3_write_watch_needs_reserve),
        not_on_wine(s3_write_watch_with_commit_alone_is_87),
        cmocka_unit_test(s3_physical_only_with_reserve),
        cmocka_unit_test(s3_large_pages_need_reserve_and_commit),
        cmocka_unit_test(s3_top_down_is_accepted),
        cmocka_unit_test(s3_alloc_ex_process_null_is_6),
        cmocka_unit_test(s3_alloc_ex_of_this_process),
        cmocka_unit_test(s3_no_access_faults_and_rights_hold),
        cmocka_unit_test(s3_alloc2_without_parameters),
        cmocka_unit_test(s3_alloc2_alignment),
        not_on_wine(s3_alloc2_bounds),
        not_on_wine(s7_alloc2_highest_address_ends_any_page),
        not_on_wine(s3_alloc2_bad_requirements_are_87),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
