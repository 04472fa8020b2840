/* SPDX-License-Identifier: MIT */
/* corrections.c: section 7: what newer tests of Windows' functions have shown. Wine 8 is older than
 * most of it. */
#include "win32_test.h"

#define RW     PAGE_READWRITE
#define MEMORY INVALID_HANDLE_VALUE
#define VIEW   (2 * GRANULE)

static char *view_of(DWORD protect, DWORD access)
{
    HANDLE h = CreateFileMappingA(MEMORY, NULL, protect, 0, (DWORD)VIEW, NULL);
    assert_non_null(h);
    char *v = (char *)MapViewOfFile(h, access, 0, 0, 0);
    assert_non_null(v);
    CloseHandle(h);
    return v;
}

static HANDLE scratch_file(const char *name)
{
    HANDLE file = CreateFileA(scratch_name(name), GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE, 0,
                              NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    assert_ptr_not_equal(file, INVALID_HANDLE_VALUE);
    return file;
}

static void s7_smaller_blocks_stay(void **state)
{
    static const SIZE_T from[] = { 1, 16, 100, 1000, 4096, 8192, 0x20000, 0x200000 };
    HANDLE heap = HeapCreate(0, 0, 0);
    (void)state;
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        for (SIZE_T to = 0; to <= from[i]; to = to * 4 + 10) {
            char *p = (char *)HeapAlloc(heap, 0, from[i]);
            assert_ptr_equal(HeapReAlloc(heap, 0, p, to), p);
            assert_int_equal(HeapSize(heap, 0, p), to);
            assert_true(HeapFree(heap, 0, p));
            HLOCAL local = LocalAlloc(LMEM_FIXED, from[i]);
            assert_ptr_equal(LocalReAlloc(local, to, LMEM_MOVEABLE), local);
            assert_int_equal(LocalSize(local), to);
            assert_null(LocalFree(local));
            HGLOBAL global = GlobalAlloc(GMEM_FIXED, from[i]);
            assert_ptr_equal(GlobalReAlloc(global, to, GMEM_MOVEABLE), global);
            assert_null(GlobalFree(global));
        }
    }
    assert_true(HeapDestroy(heap));
}

static void s7_smaller_locked_blocks_stay(void **state)
{
    static const SIZE_T from[] = { 100, 4096, 0x20000 };
    (void)state;
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        HGLOBAL h = GlobalAlloc(GMEM_MOVEABLE, from[i]);
        void *data = GlobalLock(h);
        assert_ptr_equal(GlobalReAlloc(h, from[i] / 8, GMEM_MOVEABLE), h);
        assert_ptr_equal(GlobalLock(h), data);
        assert_int_equal(GlobalSize(h), from[i] / 8);
        GlobalFree(h);
    }
}

static void s7_discard_of_a_fixed_block_returns_it(void **state)
{
    static const SIZE_T sizes[] = { 16, 100, 4096, 0x20000 };
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        HLOCAL local = LocalAlloc(LMEM_FIXED, sizes[i]);
        assert_ptr_equal(LocalReAlloc(local, 0, LMEM_MOVEABLE), local);
        assert_null(LocalFree(local));
        HGLOBAL global = GlobalAlloc(GMEM_FIXED, sizes[i]);
        assert_ptr_equal(GlobalReAlloc(global, 0, GMEM_MOVEABLE), global);
        assert_null(GlobalFree(global));
    }
}

static void s7_commit_on_memory_views_may_be_copy_on_write(void **state)
{
    DWORD old;
    (void)state;
    char *v = view_of(PAGE_EXECUTE_READWRITE, FILE_MAP_WRITE);
    assert_ptr_equal(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_WRITECOPY), v);
    assert_region(v, MEM_COMMIT, PAGE_WRITECOPY, 1);
    assert_true(VirtualProtect(v + PAGE, PAGE, PAGE_WRITECOPY, &old));
    assert_error(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_EXECUTE_WRITECOPY), NULL,
                 ERROR_INVALID_PARAMETER);
    UnmapViewOfFile(v);
    v = view_of(PAGE_EXECUTE_READWRITE, FILE_MAP_WRITE | FILE_MAP_EXECUTE);
    assert_ptr_equal(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_EXECUTE_WRITECOPY), v);
    UnmapViewOfFile(v);
}

static void s7_commit_on_reserved_views_may_be_copy_on_write(void **state)
{
    (void)state;
    char *v = view_of(RW | SEC_RESERVE, FILE_MAP_WRITE);
    assert_ptr_equal(VirtualAlloc(v, 2 * PAGE, MEM_COMMIT, PAGE_WRITECOPY), v);
    assert_region(v, MEM_COMMIT, PAGE_WRITECOPY, 2);
    v[0] = 'p';
    assert_region(v, MEM_COMMIT, RW, 1);
    UnmapViewOfFile(v);
}

static void s7_commit_on_file_views_is_denied(void **state)
{
    static const DWORD kinds[] = {
        PAGE_NOACCESS,  PAGE_READONLY,          RW,
        PAGE_EXECUTE,   PAGE_EXECUTE_READ,      PAGE_EXECUTE_READWRITE,
        PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY,
    };
    (void)state;
    HANDLE file = scratch_file("commit");
    HANDLE h = CreateFileMappingA(file, NULL, RW, 0, (DWORD)PAGE, NULL);
    char *v = (char *)MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_error(VirtualAlloc(v, PAGE, MEM_COMMIT, kinds[i]), NULL, ERROR_ACCESS_DENIED);
    UnmapViewOfFile(v);
    CloseHandle(h);
    CloseHandle(file);
}

static void s7_copy_on_write_is_for_views_alone(void **state)
{
    (void)state;
    char *p = alloc_pages(2, MEM_RESERVE, RW);
    assert_error(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_WRITECOPY), NULL, ERROR_INVALID_PARAMETER);
    assert_error(VirtualAlloc(NULL, PAGE, MEM_COMMIT, PAGE_WRITECOPY), NULL,
                 ERROR_INVALID_PARAMETER);
    release(p);
}

static void s7_nocache_stays_when_a_view_is_committed(void **state)
{
    (void)state;
    char *v = view_of(RW | SEC_RESERVE | SEC_NOCACHE, FILE_MAP_WRITE);
    assert_ptr_equal(VirtualAlloc(v, VIEW, MEM_COMMIT, PAGE_READONLY), v);
    assert_region(v, MEM_COMMIT, PAGE_READONLY | PAGE_NOCACHE, VIEW / PAGE);
    UnmapViewOfFile(v);
}

static void s7_copy_with_another_right_is_no_access(void **state)
{
    (void)state;
    char *v = view_of(RW, FILE_MAP_COPY | 8);
    assert_region(v, MEM_COMMIT, PAGE_NOACCESS, VIEW / PAGE);
    UnmapViewOfFile(v);
    v = view_of(RW, FILE_MAP_COPY | 8 | FILE_MAP_EXECUTE);
    assert_region(v, MEM_COMMIT, PAGE_NOACCESS, VIEW / PAGE);
    UnmapViewOfFile(v);
}

static void s7_large_pages_of_a_file_are_87(void **state)
{
    (void)state;
    HANDLE file = scratch_file("large");
    assert_error(
        CreateFileMappingA(file, NULL, RW | SEC_COMMIT | SEC_LARGE_PAGES, 0, (DWORD)PAGE, NULL),
        NULL, ERROR_INVALID_PARAMETER);
    CloseHandle(file);
}

static void s7_a_handle_opened_with_generic_read_can_be_mapped(void **state)
{
    (void)state;
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, (DWORD)PAGE, object_name("generic"));
    HANDLE o = OpenFileMappingA(GENERIC_READ, FALSE, object_name("generic"));
    char *v = (char *)MapViewOfFile(o, FILE_MAP_READ, 0, 0, 0);
    assert_non_null(v);
    assert_error(MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0), NULL, ERROR_ACCESS_DENIED);
    UnmapViewOfFile(v);
    CloseHandle(o);
    CloseHandle(h);
}

/* ---- protection and write watch ---------------------------------------------------------------*/

static void s7_protect_that_fails_stores_noaccess(void **state)
{
    DWORD old = 12345;
    (void)state;
    char *p = alloc_pages(2, MEM_RESERVE, RW);
    assert_error(VirtualProtect(p, PAGE, PAGE_READONLY, &old), FALSE, ERROR_INVALID_ADDRESS);
    assert_int_equal(old, PAGE_NOACCESS);
    old = 12345;
    assert_error(VirtualProtect(p, PAGE, 0, &old), FALSE, ERROR_INVALID_PARAMETER);
    assert_int_equal(old, 12345);
    release(p);
}

static char *alloc_watched(SIZE_T pages)
{
    char *p = alloc_pages(pages, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, RW);
    assert_int_equal(ResetWriteWatch(p, pages * PAGE), 0);
    return p;
}

static ULONG_PTR count_written(char *p, SIZE_T pages, PVOID *first)
{
    PVOID found[64];
    ULONG_PTR count = 64;
    DWORD granularity;
    assert_int_equal(GetWriteWatch(0, p, pages * PAGE, found, &count, &granularity), 0);
    *first = count > 0 ? found[0] : NULL;
    return count;
}

static void s7_decommit_forgets_marks(void **state)
{
    PVOID first;
    (void)state;
    char *p = alloc_watched(8);
    p[PAGE] = p[5 * PAGE] = 1;
    assert_true(VirtualFree(p, 4 * PAGE, MEM_DECOMMIT));
    assert_int_equal(count_written(p, 8, &first), 1);
    assert_ptr_equal(first, p + 5 * PAGE);
    assert_non_null(VirtualAlloc(p, 4 * PAGE, MEM_COMMIT, RW));
    assert_int_equal(count_written(p, 8, &first), 1);
    p[2 * PAGE] = 1;
    assert_int_equal(count_written(p, 8, &first), 2);
    assert_ptr_equal(first, p + 2 * PAGE);
    release(p);
}

static void s7_decommit_keeps_marks_of_pages_protected_since(void **state)
{
    PVOID first;
    DWORD old;
    (void)state;
    char *p = alloc_watched(8);
    p[PAGE] = p[5 * PAGE] = 1;
    assert_true(VirtualProtect(p + 5 * PAGE, PAGE, PAGE_NOACCESS, &old));
    assert_true(VirtualFree(p, 8 * PAGE, MEM_DECOMMIT));
    assert_int_equal(count_written(p, 8, &first), 1);
    assert_ptr_equal(first, p + 5 * PAGE);
    assert_int_equal(ResetWriteWatch(p, 8 * PAGE), 0);
    assert_int_equal(count_written(p, 8, &first), 0);
    release(p);
}

static void s7_watch_of_no_pages_and_no_array_is_87(void **state)
{
    ULONG_PTR count = 0;
    DWORD granularity;
    (void)state;
    char *p = alloc_watched(1);
    assert_error(GetWriteWatch(0, p, PAGE, NULL, &count, &granularity), ~0u,
                 ERROR_INVALID_PARAMETER);
    count = 1;
    assert_error(GetWriteWatch(0, p, PAGE, NULL, &count, &granularity), ~0u, ERROR_NOACCESS);
    release(p);
}

static void s7_read_marks_the_whole_buffer(void **state)
{
    PVOID first;
    DWORD done;
    (void)state;
    HANDLE file = scratch_file("watched");
    assert_true(WriteFile(file, "x", 1, &done, NULL));
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    char *p = alloc_watched(8);
    assert_true(ReadFile(file, p + 2 * PAGE, (DWORD)(3 * PAGE), &done, NULL));
    assert_int_equal(done, 1);
    assert_int_equal(count_written(p, 8, &first), 3);
    assert_ptr_equal(first, p + 2 * PAGE);
    assert_int_equal(ResetWriteWatch(p, 8 * PAGE), 0);
    assert_int_equal(count_written(p, 8, &first), 0);
    release(p);
    CloseHandle(file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        not_on_wine(s7_smaller_blocks_stay),
        not_on_wine(s7_smaller_locked_blocks_stay),
        cmocka_unit_test(s7_discard_of_a_fixed_block_returns_it),
        not_on_wine(s7_commit_on_memory_views_may_be_copy_on_write),
        not_on_wine_nor_emulated(s7_commit_on_reserved_views_may_be_copy_on_write),
        not_on_wine(s7_commit_on_file_views_is_denied),
        cmocka_unit_test(s7_copy_on_write_is_for_views_alone),
        not_on_wine(s7_nocache_stays_when_a_view_is_committed),
        not_on_wine(s7_copy_with_another_right_is_no_access),
        not_on_wine(s7_large_pages_of_a_file_are_87),
        cmocka_unit_test(s7_a_handle_opened_with_generic_read_can_be_mapped),
        not_on_wine(s7_protect_that_fails_stores_noaccess),
        not_on_wine_nor_emulated(s7_decommit_forgets_marks),
        not_on_wine_nor_emulated(s7_decommit_keeps_marks_of_pages_protected_since),
        not_on_wine_nor_emulated(s7_watch_of_no_pages_and_no_array_is_87),
        not_on_wine_nor_emulated(s7_read_marks_the_whole_buffer),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
