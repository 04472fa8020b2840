/* SPDX-License-Identifier: MIT */
/* memory_forms.c: the newer forms of the calls on views and on memory, memory by address, and what
 * the process has in memory. */
#include "win32_test.h"

#ifdef _WIN32 /* MinGW-w64's libraries lack some of them */
typedef PVOID(WINAPI *map3_t)(HANDLE, HANDLE, PVOID, ULONG64, SIZE_T, ULONG, ULONG, void *, ULONG);
typedef BOOL(WINAPI *unmap2_t)(HANDLE, PVOID, ULONG);
typedef PVOID(WINAPI *from_app_t)(PVOID, SIZE_T, ULONG, ULONG);
static FARPROC in_kernelbase(const char *name)
{
    return GetProcAddress(GetModuleHandleA("kernelbase.dll"), name);
}
#define MapViewOfFile3      ((map3_t)in_kernelbase("MapViewOfFile3"))
#define UnmapViewOfFile2    ((unmap2_t)in_kernelbase("UnmapViewOfFile2"))
#define VirtualAllocFromApp ((from_app_t)in_kernelbase("VirtualAllocFromApp"))
#endif

static HANDLE memory(SIZE_T size)
{
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)size, NULL);
    assert_non_null(m);
    return m;
}

/* --- views ----------------------------------------------------------------------------------- */

static void views_by_protection(void **state)
{
    static const DWORD kinds[] = { PAGE_READWRITE, PAGE_READONLY, PAGE_WRITECOPY, PAGE_NOACCESS };
    HANDLE self = GetCurrentProcess(), m = memory(2 * GRANULE);
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        SetLastError(0xDEADBEEF);
        char *v = MapViewOfFile3(m, self, NULL, GRANULE, 0, 0, kinds[i], NULL, 0);
        assert_non_null(v);
        assert_int_equal(GetLastError(), 0xDEADBEEF);
        MEMORY_BASIC_INFORMATION info = query(v);
        assert_int_equal(info.AllocationProtect, kinds[i]);
        assert_int_equal(info.RegionSize, GRANULE);
        assert_int_equal(info.Type, MEM_MAPPED);
        assert_kept(UnmapViewOfFile2(self, v, 0));
        assert_error(UnmapViewOfFile2(self, v, 0), FALSE, ERROR_INVALID_ADDRESS);
    }
    char *v = MapViewOfFile3(m, self, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0);
    char *w = MapViewOfFile3(m, self, NULL, 0, 0, MEM_TOP_DOWN, PAGE_READONLY, NULL, 0);
    v[5] = 7;
    assert_int_equal(w[5], 7);
    assert_error(MapViewOfFile3(m, self, v, 0, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_INVALID_ADDRESS);
    assert_error(UnmapViewOfFile2(NULL, v, 0), FALSE, ERROR_INVALID_HANDLE);
    assert_true(UnmapViewOfFile2(self, v, 0));
    assert_true(UnmapViewOfFile(w));
    CloseHandle(m);
}

static void bad_views_by_protection(void **state)
{
    HANDLE self = GetCurrentProcess(), m = memory(2 * GRANULE);
    (void)state;
    assert_error(MapViewOfFile3(m, self, NULL, 1, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_MAPPED_ALIGNMENT);
    assert_error(MapViewOfFile3(m, self, (PVOID)1, 0, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_MAPPED_ALIGNMENT);
    assert_error(MapViewOfFile3(m, NULL, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_INVALID_HANDLE);
    assert_error(MapViewOfFile3(m, self, NULL, 0, 0, 0, 0, NULL, 0), NULL, ERROR_INVALID_PARAMETER);
    assert_error(MapViewOfFile3(m, self, NULL, 0, 0, 0, PAGE_READWRITE | PAGE_GUARD, NULL, 0), NULL,
                 ERROR_INVALID_PARAMETER);
    assert_error(MapViewOfFile3(m, self, NULL, 0, 0, 0, PAGE_EXECUTE_READ, NULL, 0), NULL,
                 ERROR_ACCESS_DENIED);
    assert_error(MapViewOfFile3(m, self, NULL, 2 * GRANULE, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_INVALID_PARAMETER);
    assert_error(MapViewOfFile3(m, self, NULL, 0, 3 * GRANULE, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_ACCESS_DENIED);
    CloseHandle(m);
    assert_error(MapViewOfFile3(m, self, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0), NULL,
                 ERROR_INVALID_HANDLE);
}

static void nodes_of_memory_are_accepted(void **state)
{
    HANDLE self = GetCurrentProcess(), m = memory(GRANULE);
    (void)state;
    char *v = MapViewOfFileExNuma(m, FILE_MAP_WRITE, 0, 0, 0, NULL, 0);
    assert_non_null(v);
    assert_true(UnmapViewOfFile(v));
    CloseHandle(m);
    char *p = VirtualAllocExNuma(self, NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, 0);
    assert_non_null(p);
    release(p);
    assert_error(VirtualAllocExNuma(NULL, NULL, PAGE, MEM_COMMIT, PAGE_READWRITE, 0), NULL,
                 ERROR_INVALID_HANDLE);
}

static void apps_get_no_executable_memory(void **state)
{
    (void)state;
    char *p = VirtualAllocFromApp(NULL, PAGE, MEM_COMMIT, PAGE_READWRITE);
    assert_non_null(p);
    release(p);
    assert_error(VirtualAllocFromApp(NULL, PAGE, MEM_COMMIT, PAGE_EXECUTE_READ), NULL,
                 ERROR_INVALID_PARAMETER);
}

static void mapped_file_name(void **state)
{
    char name[4096], found[4096];
    HANDLE self = GetCurrentProcess(), m = memory(GRANULE);
    (void)state;
    strcpy(name, scratch_name("mapped-name"));
    HANDLE f = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    HANDLE of_file = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 100, NULL);
    char *v = MapViewOfFile(of_file, FILE_MAP_READ, 0, 0, 0);
    char *w = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    SetLastError(0xDEADBEEF);
    DWORD n = GetMappedFileNameA(self, v + 5, found, sizeof(found));
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    assert_int_equal(n, strlen(found));
    assert_true(n > 11);
    assert_string_equal(found + n - 11, "mapped-name");
    assert_int_equal(GetMappedFileNameA(self, v, found, 5), 5);
    assert_error(GetMappedFileNameA(self, w, found, sizeof(found)), 0, ERROR_FILE_INVALID);
    assert_error(GetMappedFileNameA(self, NULL, found, sizeof(found)), 0, ERROR_UNEXP_NET_ERR);
    assert_error(GetMappedFileNameA(self, v, found, 0), 0, ERROR_INSUFFICIENT_BUFFER);
    assert_error(GetMappedFileNameA(self, v, NULL, 10), 0, ERROR_INVALID_PARAMETER);
    assert_error(GetMappedFileNameA(NULL, v, found, sizeof(found)), 0, ERROR_INVALID_HANDLE);
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
    CloseHandle(of_file);
    CloseHandle(f);
    CloseHandle(m);
    DeleteFileA(name);
}

/* --- memory by address ----------------------------------------------------------------------- */

static void bad_pointers_are_told(void **state)
{
    char *p = alloc_pages(3, MEM_RESERVE, PAGE_READWRITE);
    (void)state;
    assert_non_null(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READWRITE));
    assert_non_null(VirtualAlloc(p + PAGE, PAGE, MEM_COMMIT, PAGE_READONLY));
    SetLastError(0xDEADBEEF);
    assert_false(IsBadReadPtr(p, 2 * PAGE));
    assert_true(IsBadReadPtr(p, 2 * PAGE + 1));
    assert_true(IsBadReadPtr(p + 2 * PAGE, 1));
    assert_false(IsBadReadPtr(p + 2 * PAGE, 0));
    assert_true(IsBadReadPtr(NULL, 1));
    assert_true(IsBadReadPtr((char *)-1, 5));
    assert_false(IsBadWritePtr(p, PAGE));
    assert_true(IsBadWritePtr(p, PAGE + 1));
    assert_true(IsBadCodePtr(NULL));
    assert_false(IsBadCodePtr((FARPROC)(uintptr_t)bad_pointers_are_told));
    assert_false(IsBadStringPtrA("text", 500));
    memset(p, 'x', PAGE);
    assert_false(IsBadStringPtrA(p, PAGE));
    assert_true(IsBadStringPtrA(NULL, 1));
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    release(p);
}

static void text_that_runs_into_a_bad_page(void **state)
{
    char *p = alloc_pages(2, MEM_RESERVE, PAGE_READWRITE);
    (void)state;
    assert_non_null(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READWRITE));
    memset(p, 'x', PAGE);
    assert_true(IsBadStringPtrA(p + PAGE - 3, 4));
    assert_false(IsBadStringPtrA(p + PAGE - 3, 3));
    assert_true(IsBadStringPtrW((LPCWSTR)(void *)(p + PAGE - 4), 3));
    p[PAGE - 1] = '\0';
    assert_false(IsBadStringPtrA(p + PAGE - 3, 400));
    release(p);
}

static void a_guard_page_is_bad_once(void **state)
{
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
    (void)state;
    assert_true(IsBadReadPtr(p, 1));
    assert_false(IsBadReadPtr(p, 1));
    assert_region(p, MEM_COMMIT, PAGE_READWRITE, 1);
    release(p);
}

static void memory_is_read_and_written_by_address(void **state)
{
    HANDLE self = GetCurrentProcess();
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE), buffer[8] = "";
    SIZE_T n = 77;
    (void)state;
    assert_kept(WriteProcessMemory(self, p, "hello", 6, &n));
    assert_int_equal(n, 6);
    assert_kept(ReadProcessMemory(self, p, buffer, 6, &n));
    assert_int_equal(n, 6);
    assert_string_equal(buffer, "hello");
    assert_kept(ReadProcessMemory(self, p, buffer, 0, NULL));
    assert_error(ReadProcessMemory(self, p, NULL, 5, &n), FALSE, ERROR_NOACCESS);
    assert_error(ReadProcessMemory(NULL, p, buffer, 5, &n), FALSE, ERROR_INVALID_HANDLE);
    release(p);
}

/* Wine copies as a debugger does, whatever the protection. */
static void memory_that_cannot_be_accessed(void **state)
{
    HANDLE self = GetCurrentProcess();
    char *p = alloc_pages(2, MEM_RESERVE, PAGE_READWRITE), buffer[8] = "";
    SIZE_T n = 77;
    DWORD old;
    (void)state;
    assert_non_null(VirtualAlloc(p, PAGE, MEM_COMMIT, PAGE_READWRITE));
    memcpy(p + PAGE - 3, "abc", 3);
    assert_error(ReadProcessMemory(self, p + PAGE - 3, buffer, 5, &n), FALSE, ERROR_PARTIAL_COPY);
    assert_int_equal(n, 3);
    assert_memory_equal(buffer, "abc", 3);
    assert_error(ReadProcessMemory(self, NULL, buffer, 5, &n), FALSE, ERROR_PARTIAL_COPY);
    assert_int_equal(n, 0);
    assert_error(WriteProcessMemory(self, p + PAGE, "x", 1, &n), FALSE, ERROR_INVALID_ADDRESS);
    assert_error(WriteProcessMemory(self, p + PAGE - 1, "xy", 2, &n), FALSE, ERROR_PARTIAL_COPY);
    assert_int_equal(n, 1);
    assert_int_equal(p[PAGE - 1], 'x');
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    assert_error(WriteProcessMemory(self, p, "x", 1, &n), FALSE, ERROR_NOACCESS);
    assert_int_equal(n, 0);
    assert_true(VirtualProtect(p, PAGE, PAGE_EXECUTE_READ, &old));
    assert_kept(WriteProcessMemory(self, p, "code", 4, &n));
    assert_memory_equal(p, "code", 4);
    assert_region(p, MEM_COMMIT, PAGE_EXECUTE_READ, 1);
    release(p);
}

static void pages_committed_through_another_view_are_read(void **state)
{
    HANDLE self = GetCurrentProcess();
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0,
                                  (DWORD)GRANULE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0), buffer[4];
    char *w = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    SIZE_T n;
    (void)state;
    assert_non_null(VirtualAlloc(v + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE));
    memcpy(v + PAGE, "abc", 4);
    assert_true(ReadProcessMemory(self, w + PAGE, buffer, 4, &n));
    assert_string_equal(buffer, "abc");
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
    CloseHandle(m);
}

static void code_is_flushed(void **state)
{
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    (void)state;
    assert_kept(FlushInstructionCache(GetCurrentProcess(), p, PAGE));
    assert_kept(FlushInstructionCache(GetCurrentProcess(), NULL, 0));
    release(p);
}

/* --- what is in memory ----------------------------------------------------------------------- */

static void working_set_lists_touched_pages(void **state)
{
    HANDLE self = GetCurrentProcess();
    PSAPI_WORKING_SET_INFORMATION little;
    char *p = alloc_pages(4, MEM_COMMIT, PAGE_READWRITE);
    DWORD size = 64 << 20;
    PSAPI_WORKING_SET_INFORMATION *all =
        VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    int found = 0;
    (void)state;
    p[PAGE] = p[3 * PAGE] = 1;
    assert_error(QueryWorkingSet(self, &little, sizeof(little)), FALSE, ERROR_BAD_LENGTH);
    assert_true(little.NumberOfEntries > 10);
    assert_error(QueryWorkingSet(NULL, all, size), FALSE, ERROR_INVALID_HANDLE);
    assert_kept(QueryWorkingSet(self, all, size));
    for (ULONG_PTR i = 0; i < all->NumberOfEntries; i++) {
        ULONG_PTR page = all->WorkingSetInfo[i].VirtualPage;
        if (page < (ULONG_PTR)p / PAGE || page >= (ULONG_PTR)p / PAGE + 4)
            continue;
        assert_int_equal(all->WorkingSetInfo[i].Protection, 4);
        assert_int_equal((page - (ULONG_PTR)p / PAGE) % 2, 1);
        found++;
    }
    assert_int_equal(found, 2);
    release(all);
    release(p);
}

static void memory_of_the_machine_in_the_older_form(void **state)
{
    MEMORYSTATUS status;
    (void)state;
    GlobalMemoryStatus(&status);
    assert_int_equal(status.dwLength, sizeof(status));
    assert_true(status.dwMemoryLoad <= 100);
    assert_true(status.dwAvailPhys <= status.dwTotalPhys && status.dwTotalPhys > 1 << 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_by_protection),
        cmocka_unit_test(bad_views_by_protection),
        cmocka_unit_test(nodes_of_memory_are_accepted),
        cmocka_unit_test(apps_get_no_executable_memory),
        cmocka_unit_test(mapped_file_name),
        cmocka_unit_test(bad_pointers_are_told),
        cmocka_unit_test(text_that_runs_into_a_bad_page),
        not_on_wine(a_guard_page_is_bad_once),
        cmocka_unit_test(memory_is_read_and_written_by_address),
        not_on_wine(memory_that_cannot_be_accessed),
        cmocka_unit_test(pages_committed_through_another_view_are_read),
        cmocka_unit_test(code_is_flushed),
        not_on_wine(working_set_lists_touched_pages),
        cmocka_unit_test(memory_of_the_machine_in_the_older_form),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
