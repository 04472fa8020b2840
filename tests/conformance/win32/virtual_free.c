/* SPDX-License-Identifier: MIT */
/* virtual_free.c: section 3: VirtualFree, VirtualQuery. */
#include "win32_test.h"

#define RW PAGE_READWRITE

static void s3_release_wants_size_0(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_COMMIT, RW);
    assert_error(VirtualFree(p, PAGE, MEM_RELEASE), FALSE, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_release_by_any_address_in_the_first_page(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_RESERVE, RW);
    assert_true(VirtualFree(p + 0xFFF, 0, MEM_RELEASE));
    assert_int_equal(query(p).State, MEM_FREE);
}

static void s3_release_elsewhere_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_RESERVE, RW);
    assert_error(VirtualFree(p + PAGE, 0, MEM_RELEASE), FALSE, ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_RESERVE, 0, 4);
    release(p);
}

static void s3_release_of_mixed_states(void **state)
{
    (void)state;
    char *p = alloc_pages(4, MEM_RESERVE, RW);
    assert_non_null(VirtualAlloc(p + PAGE, PAGE, MEM_COMMIT, RW));
    release(p);
    assert_int_equal(query(p + PAGE).State, MEM_FREE);
}

static void s3_decommit_covers_every_page_touched(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_COMMIT, RW);
    assert_true(VirtualFree(p + 2 * PAGE + PAGE - 1, 2, MEM_DECOMMIT));
    assert_region(p, MEM_COMMIT, RW, 2);
    assert_region(p + 2 * PAGE, MEM_RESERVE, 0, 2);
    assert_region(p + 4 * PAGE, MEM_COMMIT, RW, 4);
    release(p);
}

static void s3_decommit_of_uncommitted_pages_is_no_error(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_RESERVE, RW);
    assert_true(VirtualFree(p, 8 * PAGE, MEM_DECOMMIT));
    assert_true(VirtualFree(p + PAGE, PAGE, MEM_DECOMMIT));
    release(p);
}

static void s3_decommit_size_0_at_the_base_is_all(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_COMMIT, RW);
    assert_true(VirtualFree(p + 5, 0, MEM_DECOMMIT));
    assert_region(p, MEM_RESERVE, 0, 8);
    release(p);
}

static void s3_decommit_size_0_elsewhere_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_COMMIT, RW);
    assert_error(VirtualFree(p + PAGE, 0, MEM_DECOMMIT), FALSE, ERROR_INVALID_ADDRESS);
    assert_region(p, MEM_COMMIT, RW, 8);
    release(p);
}

static void s3_decommit_past_the_end_is_87(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_COMMIT, RW);
    assert_error(VirtualFree(p + 4 * PAGE, 5 * PAGE, MEM_DECOMMIT), FALSE, ERROR_INVALID_PARAMETER);
    assert_region(p, MEM_COMMIT, RW, 8);
    release(p);
}

static void s3_free_types_other_than_the_two_are_87(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    assert_error(VirtualFree(p, 0, 0), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(VirtualFree(p, 0, MEM_FREE), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(VirtualFree(p, 0, MEM_RELEASE | MEM_DECOMMIT), FALSE, ERROR_INVALID_PARAMETER);
    release(p);
}

static void s3_free_of_free_memory_fails(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    release(p);
    assert_false(VirtualFree(p, 0, MEM_RELEASE));
    assert_false(VirtualFree(p, PAGE, MEM_DECOMMIT));
    assert_false(VirtualFree(NULL, 0, MEM_RELEASE));
}

static void s3_free_of_free_memory_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, RW);
    release(p);
    assert_error(VirtualFree(p, 0, MEM_RELEASE), FALSE, ERROR_INVALID_ADDRESS);
    assert_error(VirtualFree(NULL, 0, MEM_RELEASE), FALSE, ERROR_INVALID_ADDRESS);
}

static void s3_free_of_a_view_is_87(void **state)
{
    (void)state;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW, 0, 4 * PAGE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    assert_error(VirtualFree(v, 0, MEM_RELEASE), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(VirtualFree(v, PAGE, MEM_DECOMMIT), FALSE, ERROR_INVALID_PARAMETER);
    UnmapViewOfFile(v);
    CloseHandle(m);
}

static void s3_after_decommit_reserved_with_protect_0(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_COMMIT, RW);
    assert_true(VirtualFree(p, PAGE, MEM_DECOMMIT));
    MEMORY_BASIC_INFORMATION info = query(p);
    assert_int_equal(info.State, MEM_RESERVE);
    assert_int_equal(info.Protect, 0);
    assert_int_equal(info.AllocationProtect, RW);
    assert_int_equal(fault_of_read(p), STATUS_ACCESS_VIOLATION);
    release(p);
}

static void s3_free_ex_process_null_is_6(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_COMMIT, RW);
    assert_error(VirtualFreeEx(NULL, p, 0, MEM_RELEASE), FALSE, ERROR_INVALID_HANDLE);
    release(p);
}

static void s3_query_layout(void **state)
{
    (void)state;
    assert_int_equal(sizeof(MEMORY_BASIC_INFORMATION), 48);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, BaseAddress), 0);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, AllocationBase), 8);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, AllocationProtect), 16);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, RegionSize), 24);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, State), 32);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, Protect), 36);
    assert_int_equal(offsetof(MEMORY_BASIC_INFORMATION, Type), 40);
}

static void s3_query_base_is_the_page_and_size_from_there(void **state)
{
    (void)state;
    char *p = alloc_pages(10, MEM_COMMIT, RW);
    MEMORY_BASIC_INFORMATION info = query(p + 3 * PAGE + 100);
    assert_ptr_equal(info.BaseAddress, p + 3 * PAGE);
    assert_ptr_equal(info.AllocationBase, p);
    assert_int_equal(info.RegionSize, 7 * PAGE);
    assert_int_equal(info.Type, MEM_PRIVATE);
    release(p);
}

static void s3_query_coalesces_exactly(void **state)
{
    (void)state;
    DWORD old;
    char *p = alloc_pages(12, MEM_RESERVE, PAGE_NOACCESS);
    for (int i = 2; i < 8; i++) /* page by page, yet one region */
        assert_non_null(VirtualAlloc(p + i * PAGE, PAGE, MEM_COMMIT, RW));
    assert_region(p, MEM_RESERVE, 0, 2);
    assert_region(p + 2 * PAGE, MEM_COMMIT, RW, 6);
    assert_region(p + 8 * PAGE, MEM_RESERVE, 0, 4);
    assert_true(VirtualProtect(p + 4 * PAGE, PAGE, PAGE_READONLY, &old));
    assert_region(p + 2 * PAGE, MEM_COMMIT, RW, 2);
    assert_region(p + 4 * PAGE, MEM_COMMIT, PAGE_READONLY, 1);
    assert_region(p + 5 * PAGE, MEM_COMMIT, RW, 3);
    assert_true(VirtualProtect(p + 4 * PAGE, PAGE, RW, &old));
    assert_region(p + 2 * PAGE, MEM_COMMIT, RW, 6);
    assert_int_equal(query(p + 4 * PAGE).AllocationProtect, PAGE_NOACCESS);
    release(p);
}

static void s3_query_does_not_join_allocations(void **state)
{
    (void)state;
    char *p = alloc_pages(2 * GRANULE / PAGE, MEM_RESERVE, RW);
    release(p);
    assert_ptr_equal(VirtualAlloc(p, GRANULE, MEM_RESERVE | MEM_COMMIT, RW), p);
    assert_ptr_equal(VirtualAlloc(p + GRANULE, GRANULE, MEM_RESERVE | MEM_COMMIT, RW), p + GRANULE);
    assert_region(p, MEM_COMMIT, RW, GRANULE / PAGE);
    assert_ptr_equal(query(p + GRANULE).AllocationBase, p + GRANULE);
    release(p);
    release(p + GRANULE);
}

static void s3_query_free_memory(void **state)
{
    (void)state;
    char *p = alloc_pages(64, MEM_RESERVE, RW);
    release(p);
    char *q = VirtualAlloc(p + 2 * GRANULE, PAGE, MEM_RESERVE, RW);
    assert_ptr_equal(q, p + 2 * GRANULE);
    MEMORY_BASIC_INFORMATION info = query(p + 5);
    assert_int_equal(info.State, MEM_FREE);
    assert_int_equal(info.Protect, PAGE_NOACCESS);
    assert_null(info.AllocationBase);
    assert_int_equal(info.AllocationProtect, 0);
    assert_int_equal(info.Type, 0);
    assert_ptr_equal(info.BaseAddress, p);
    assert_int_equal(info.RegionSize, 2 * GRANULE);
    info = query(q + PAGE);
    assert_int_equal(info.State, MEM_FREE);
    release(q);
}

static void s3_query_length_too_small_is_24(void **state)
{
    (void)state;
    MEMORY_BASIC_INFORMATION info;
    assert_error(VirtualQuery(&info, &info, sizeof(info) - 1), 0, ERROR_BAD_LENGTH);
    assert_error(VirtualQuery(&info, &info, 0), 0, ERROR_BAD_LENGTH);
    assert_int_equal(VirtualQuery(&info, &info, sizeof(info) + 100), sizeof(info));
}

static void s3_query_kernel_address_is_87(void **state)
{
    (void)state;
    MEMORY_BASIC_INFORMATION info;
    assert_error(VirtualQuery((void *)(uintptr_t)0xFFFF800000000000, &info, sizeof(info)), 0,
                 ERROR_INVALID_PARAMETER);
}

static int a_function(int x)
{
    return x + 1;
}

static const char a_constant[64] = "constant";
static char a_variable[64] = "variable";

static void s3_query_image_and_stack(void **state)
{
    (void)state;
    int (*f)(int) = a_function;
    void *code;
    memcpy(&code, &f, sizeof(code));
    MEMORY_BASIC_INFORMATION info = query(code);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Type, MEM_IMAGE);
    assert_int_equal(info.Protect, PAGE_EXECUTE_READ);
    PVOID module = info.AllocationBase;
    info = query(a_constant);
    assert_int_equal(info.Type, MEM_IMAGE);
    assert_int_equal(info.Protect, PAGE_READONLY);
    assert_ptr_equal(info.AllocationBase, module);
    info = query(a_variable);
    assert_int_equal(info.State, MEM_COMMIT);
    int local;
    info = query(&local);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Protect, RW);
    assert_int_equal(info.Type, MEM_PRIVATE);
    assert_int_equal(f(1), 2);
}

static void s3_query_malloc_memory(void **state)
{
    (void)state;
    char *p = malloc(100000);
    memset(p, 1, 100000);
    MEMORY_BASIC_INFORMATION info = query(p);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Protect, RW);
    assert_int_equal(info.Type, MEM_PRIVATE);
    free(p);
}

static void s3_query_walks_the_whole_address_space(void **state)
{
    (void)state;
    MEMORY_BASIC_INFORMATION info;
    uintptr_t at = 0;
    int regions = 0;
    char *p = alloc_pages(3, MEM_COMMIT, RW);
    int seen = 0;
    while (VirtualQuery((void *)at, &info, sizeof(info)) == sizeof(info)) {
        assert_ptr_equal(info.BaseAddress, at);
        assert_true(info.RegionSize != 0 && info.RegionSize % PAGE == 0);
        seen += info.BaseAddress == p && info.State == MEM_COMMIT && info.RegionSize == 3 * PAGE;
        at += info.RegionSize;
        regions++;
    }
    assert_true(at >= 0x7FFFFFFE0000);
    assert_true(regions > 10);
    assert_int_equal(seen, 1);
    release(p);
}

static void s3_query_ex_process(void **state)
{
    (void)state;
    MEMORY_BASIC_INFORMATION info;
    assert_int_equal(VirtualQueryEx(GetCurrentProcess(), &info, &info, sizeof(info)), sizeof(info));
    assert_error(VirtualQueryEx(NULL, &info, &info, sizeof(info)), 0, ERROR_INVALID_HANDLE);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_release_wants_size_0),
        cmocka_unit_test(s3_release_by_any_address_in_the_first_page),
        cmocka_unit_test(s3_release_elsewhere_is_487),
        cmocka_unit_test(s3_release_of_mixed_states),
        cmocka_unit_test(s3_decommit_covers_every_page_touched),
        cmocka_unit_test(s3_decommit_of_uncommitted_pages_is_no_error),
        cmocka_unit_test(s3_decommit_size_0_at_the_base_is_all),
        cmocka_unit_test(s3_decommit_size_0_elsewhere_is_487),
        cmocka_unit_test(s3_decommit_past_the_end_is_87),
        cmocka_unit_test(s3_free_types_other_than_the_two_are_87),
        cmocka_unit_test(s3_free_of_free_memory_fails),
        not_on_wine(s3_free_of_free_memory_is_487),
        cmocka_unit_test(s3_free_of_a_view_is_87),
        cmocka_unit_test(s3_after_decommit_reserved_with_protect_0),
        cmocka_unit_test(s3_free_ex_process_null_is_6),
        cmocka_unit_test(s3_query_layout),
        cmocka_unit_test(s3_query_base_is_the_page_and_size_from_there),
        cmocka_unit_test(s3_query_coalesces_exactly),
        cmocka_unit_test(s3_query_does_not_join_allocations),
        cmocka_unit_test(s3_query_free_memory),
        cmocka_unit_test(s3_query_length_too_small_is_24),
        cmocka_unit_test(s3_query_kernel_address_is_87),
        not_emulated(s3_query_image_and_stack),
        cmocka_unit_test(s3_query_malloc_memory),
        not_emulated(s3_query_walks_the_whole_address_space),
        cmocka_unit_test(s3_query_ex_process),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
