/* SPDX-License-Identifier: MIT */
/* view.c: section 4: views, SEC_RESERVE, copy-on-write, and other processes. */
#include "win32_test.h"

#define MEMORY     INVALID_HANDLE_VALUE
#define READ_WRITE (GENERIC_READ | GENERIC_WRITE)
#define ALL        PAGE_EXECUTE_READWRITE

static HANDLE make(DWORD protect, SIZE_T size, const char *name)
{
    HANDLE m =
        CreateFileMappingA(MEMORY, NULL, protect, (DWORD)(size >> 16 >> 16), (DWORD)size, name);
    assert_non_null(m);
    return m;
}

static char *map(HANDLE m, DWORD access)
{
    char *v = MapViewOfFile(m, access, 0, 0, 0);
    assert_non_null(v);
    return v;
}

static void unmap(const void *v)
{
    assert_true(UnmapViewOfFile(v));
}

static void s4_protection_follows_from_access(void **state)
{
    (void)state;
    const DWORD cases[][2] = {
        { FILE_MAP_COPY, PAGE_WRITECOPY },
        { FILE_MAP_WRITE, PAGE_READWRITE },
        { FILE_MAP_READ, PAGE_READONLY },
        { FILE_MAP_READ | FILE_MAP_COPY, PAGE_READONLY },
        { FILE_MAP_READ | FILE_MAP_WRITE, PAGE_READWRITE },
        { FILE_MAP_WRITE | FILE_MAP_COPY, PAGE_READWRITE },
        { FILE_MAP_ALL_ACCESS, PAGE_READWRITE },
        { 0, PAGE_NOACCESS },
        { FILE_MAP_EXECUTE, PAGE_NOACCESS },
        { FILE_MAP_EXECUTE | FILE_MAP_READ, PAGE_EXECUTE_READ },
        { FILE_MAP_EXECUTE | FILE_MAP_WRITE, PAGE_EXECUTE_READWRITE },
        { FILE_MAP_EXECUTE | FILE_MAP_COPY, PAGE_EXECUTE_WRITECOPY },
        { SECTION_MAP_EXECUTE, PAGE_NOACCESS },
        { SECTION_MAP_EXECUTE | FILE_MAP_READ, PAGE_READONLY },
    };
    HANDLE m = make(ALL, PAGE, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *v = map(m, cases[i][0]);
        assert_int_equal(query(v).Protect, cases[i][1]);
        assert_int_equal(query(v).AllocationProtect, cases[i][1]);
        unmap(v);
    }
    CloseHandle(m);
}

/* FILE_MAP_COPY is SECTION_QUERY's bit: with another right of sections it asks for no copy, and no
 * right to execute is needed. */
static void s7_copy_with_another_right_is_no_copy(void **state)
{
    (void)state;
    const DWORD cases[] = { FILE_MAP_COPY | SECTION_MAP_EXECUTE,
                            FILE_MAP_COPY | SECTION_MAP_EXECUTE | FILE_MAP_EXECUTE };
    HANDLE m = make(PAGE_READWRITE, PAGE, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *v = map(m, cases[i]);
        assert_int_equal(query(v).Protect, PAGE_NOACCESS);
        unmap(v);
    }
    CloseHandle(m);
}

static void s4_access_needed_on_the_mapping(void **state)
{
    (void)state;
    const struct {
        DWORD protect, access;
        int fits;
    } cases[] = {
        { PAGE_READONLY, FILE_MAP_READ, 1 },
        { PAGE_READONLY, FILE_MAP_COPY, 1 },
        { PAGE_READONLY, FILE_MAP_WRITE, 0 },
        { PAGE_READONLY, FILE_MAP_READ | FILE_MAP_EXECUTE, 0 },
        { PAGE_WRITECOPY, FILE_MAP_COPY, 1 },
        { PAGE_WRITECOPY, FILE_MAP_READ, 1 },
        { PAGE_WRITECOPY, FILE_MAP_WRITE, 0 },
        { PAGE_READWRITE, FILE_MAP_WRITE, 1 },
        { PAGE_READWRITE, FILE_MAP_COPY, 1 },
        { PAGE_READWRITE, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0 },
        { PAGE_EXECUTE_READ, FILE_MAP_READ | FILE_MAP_EXECUTE, 1 },
        { PAGE_EXECUTE_READ, FILE_MAP_WRITE, 0 },
        { PAGE_EXECUTE_READWRITE, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        HANDLE m = make(cases[i].protect, PAGE, NULL);
        SetLastError(0);
        void *v = MapViewOfFile(m, cases[i].access, 0, 0, 0);
        assert_int_equal(v != NULL, cases[i].fits);
        if (v == NULL)
            assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
        else
            unmap(v);
        CloseHandle(m);
    }
}

static void s4_offset_must_be_a_multiple_of_64k(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * GRANULE, NULL);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 4096, 0), NULL, ERROR_MAPPED_ALIGNMENT);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 1, 0), NULL, ERROR_MAPPED_ALIGNMENT);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 2 * GRANULE, 0);
    assert_non_null(v);
    assert_int_equal(query(v).RegionSize, 2 * GRANULE);
    char *w = map(m, FILE_MAP_READ);
    v[3] = 7;
    assert_int_equal(w[2 * GRANULE + 3], 7);
    unmap(v);
    unmap(w);
    CloseHandle(m);
}

static void s4_extent_of_views(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 2 * GRANULE, NULL);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 2 * GRANULE, 0), NULL, ERROR_INVALID_PARAMETER);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 0, 2 * GRANULE + 1), NULL, ERROR_ACCESS_DENIED);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, GRANULE, GRANULE + 1), NULL,
                 ERROR_ACCESS_DENIED);
    char *v = MapViewOfFile(m, FILE_MAP_READ, 0, GRANULE, 100);
    assert_non_null(v);
    assert_int_equal(query(v).RegionSize, PAGE);
    unmap(v);
    CloseHandle(m);
}

static void s4_address_of_ex(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, GRANULE, NULL);
    char *room = alloc_pages(2 * GRANULE / PAGE, MEM_RESERVE, PAGE_READWRITE);
    assert_error(MapViewOfFileEx(m, FILE_MAP_READ, 0, 0, 0, room), NULL, ERROR_INVALID_ADDRESS);
    release(room);
    assert_error(MapViewOfFileEx(m, FILE_MAP_READ, 0, 0, 0, room + GRANULE / 2), NULL,
                 ERROR_MAPPED_ALIGNMENT);
    assert_ptr_equal(MapViewOfFileEx(m, FILE_MAP_READ, 0, 0, 0, room), room);
    assert_error(VirtualAlloc(room, PAGE, MEM_RESERVE, PAGE_READWRITE), NULL,
                 ERROR_INVALID_ADDRESS);
    unmap(room);
    char *v = MapViewOfFileEx(m, FILE_MAP_READ, 0, 0, 0, NULL);
    assert_non_null(v);
    unmap(v);
    CloseHandle(m);
}

static void s4_view_in_virtual_query(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, (DWORD)(3 * PAGE + 0x452), NULL);
    char *v = map(m, FILE_MAP_READ);
    assert_int_equal((uintptr_t)v % GRANULE, 0);
    MEMORY_BASIC_INFORMATION info = query(v + PAGE + 1);
    assert_ptr_equal(info.AllocationBase, v);
    assert_ptr_equal(info.BaseAddress, v + PAGE);
    assert_int_equal(info.RegionSize, 3 * PAGE);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Type, MEM_MAPPED);
    assert_int_equal(info.AllocationProtect, PAGE_READONLY);
    assert_int_equal(info.Protect, PAGE_READONLY);
    unmap(v);
    assert_int_equal(query(v).State, MEM_FREE);
    CloseHandle(m);
}

static void s4_views_are_coherent_also_through_several_mappings(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("coherent"));
    HANDLE f = CreateFileA(name, READ_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    assert_true(WriteFile(f, "0123456789", 10, &n, NULL));
    HANDLE m1 = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    HANDLE m2 = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *a = map(m1, FILE_MAP_WRITE), *b = map(m2, FILE_MAP_WRITE), *c = map(m1, FILE_MAP_READ);
    a[3] = 'x';
    assert_true(b[3] == 'x' && c[3] == 'x');
    b[4] = 'y';
    assert_true(a[4] == 'y' && c[4] == 'y');
    CloseHandle(m1);
    CloseHandle(f);
    unmap(a);
    assert_int_equal(c[4], 'y'); /* views keep the mapping and the file */
    CloseHandle(m2);
    unmap(b);
    unmap(c);
    f = CreateFileA(name, GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    char text[10];
    assert_true(ReadFile(f, text, 10, &n, NULL));
    assert_memory_equal(text, "012xy56789", 10);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_copy_on_write_stays_private(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * PAGE, NULL);
    char *shared = map(m, FILE_MAP_WRITE), *copy = map(m, FILE_MAP_COPY);
    shared[0] = 1;
    shared[PAGE] = 1;
    assert_int_equal(copy[0], 1);
    copy[0] = 2;
    assert_int_equal(shared[0], 1);
    shared[0] = 3;
    assert_int_equal(copy[0], 2);
    shared[PAGE] = 4; /* an unwritten page goes on showing the others' writes */
    assert_int_equal(copy[PAGE], 4);
    assert_int_equal(query(copy).Type, MEM_MAPPED);
    unmap(shared);
    unmap(copy);
    CloseHandle(m);
}

static void s4_written_copy_on_write_page_becomes_read_write(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * PAGE, NULL);
    char *copy = map(m, FILE_MAP_COPY);
    assert_region(copy, MEM_COMMIT, PAGE_WRITECOPY, 4);
    copy[PAGE] = 2;
    assert_region(copy, MEM_COMMIT, PAGE_WRITECOPY, 1);
    assert_region(copy + PAGE, MEM_COMMIT, PAGE_READWRITE, 1);
    assert_region(copy + 2 * PAGE, MEM_COMMIT, PAGE_WRITECOPY, 2);
    assert_int_equal(query(copy + PAGE).Type, MEM_MAPPED);
    unmap(copy);
    CloseHandle(m);
}

static void s4_write_copy_by_protect(void **state)
{
    (void)state;
    DWORD old;
    HANDLE m = make(PAGE_READWRITE, 2 * PAGE, NULL);
    char *a = map(m, FILE_MAP_WRITE), *b = map(m, FILE_MAP_WRITE);
    a[0] = 1;
    assert_true(VirtualProtect(a, PAGE, PAGE_WRITECOPY, &old));
    a[0] = 2;
    assert_int_equal(b[0], 1);
    assert_int_equal(a[0], 2);
    a[PAGE] = 5;
    assert_int_equal(b[PAGE], 5);
    unmap(a);
    unmap(b);
    CloseHandle(m);
}

static void s4_reserve_commits_for_every_view(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE | SEC_RESERVE, 8 * PAGE, NULL);
    char *a = map(m, FILE_MAP_WRITE), *b = map(m, FILE_MAP_READ);
    MEMORY_BASIC_INFORMATION info = query(a);
    assert_int_equal(info.State, MEM_RESERVE);
    assert_int_equal(info.Protect, 0);
    assert_int_equal(info.AllocationProtect, PAGE_READWRITE);
    assert_int_equal(info.RegionSize, 8 * PAGE);
    assert_int_equal(info.Type, MEM_MAPPED);
    assert_ptr_equal(VirtualAlloc(a + 2 * PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE),
                     a + 2 * PAGE);
    assert_region(a, MEM_RESERVE, 0, 2);
    assert_region(a + 2 * PAGE, MEM_COMMIT, PAGE_READWRITE, 2);
    assert_region(a + 4 * PAGE, MEM_RESERVE, 0, 4);
    assert_region(b + 2 * PAGE, MEM_COMMIT, PAGE_READONLY, 2); /* with its own protection */
    a[2 * PAGE] = 9;
    assert_int_equal(b[2 * PAGE], 9);
    char *c = map(m, FILE_MAP_WRITE); /* mapped later */
    assert_region(c + 2 * PAGE, MEM_COMMIT, PAGE_READWRITE, 2);
    assert_int_equal(c[2 * PAGE], 9);
    assert_error(VirtualFree(a + 2 * PAGE, PAGE, MEM_DECOMMIT), FALSE, ERROR_INVALID_PARAMETER);
    unmap(a);
    unmap(b);
    unmap(c);
    CloseHandle(m);
}

static void s4_reserved_view_faults(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE | SEC_RESERVE, 8 * PAGE, NULL);
    char *a = map(m, FILE_MAP_WRITE), *b = map(m, FILE_MAP_READ);
    assert_int_equal(fault_of_read(a), STATUS_ACCESS_VIOLATION);
    assert_non_null(VirtualAlloc(a + 2 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE));
    assert_int_equal(fault_of_write(a + 2 * PAGE), 0);
    assert_int_equal(fault_of_write(b + 2 * PAGE), STATUS_ACCESS_VIOLATION);
    assert_int_equal(fault_of_read(b + 3 * PAGE), STATUS_ACCESS_VIOLATION);
    unmap(a);
    unmap(b);
    CloseHandle(m);
}

static void s4_committed_views_cannot_be_decommitted(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 2 * PAGE, NULL);
    char *v = map(m, FILE_MAP_WRITE);
    assert_error(VirtualFree(v, PAGE, MEM_DECOMMIT), FALSE, ERROR_INVALID_PARAMETER);
    unmap(v);
    CloseHandle(m);
}

static void s4_commit_on_views(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("commit"));
    HANDLE f = CreateFileA(name, READ_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    assert_true(WriteFile(f, "0123456789", 10, &n, NULL));
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *v = map(m, FILE_MAP_WRITE);
    assert_error(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_READWRITE), NULL, ERROR_ACCESS_DENIED);
    unmap(v);
    CloseHandle(m);
    CloseHandle(f);
    DeleteFileA(name);
    m = make(PAGE_READWRITE, 2 * PAGE, NULL);
    v = map(m, FILE_MAP_WRITE);
    assert_ptr_equal(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_READONLY), v);
    assert_region(v, MEM_COMMIT, PAGE_READONLY, 1);
    assert_error(VirtualAlloc(v, PAGE, MEM_COMMIT, PAGE_EXECUTE_READ), NULL,
                 ERROR_INVALID_PARAMETER);
    unmap(v);
    CloseHandle(m);
}

static void s3_reset_of_file_views_fails(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("reset"));
    HANDLE f = CreateFileA(name, READ_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    assert_true(WriteFile(f, "0123456789", 10, &n, NULL));
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *v = map(m, FILE_MAP_WRITE);
    assert_null(VirtualAlloc(v, PAGE, MEM_RESET, PAGE_READWRITE));
    assert_int_equal(v[1], '1');
    assert_true(FlushViewOfFile(v, 0));
    assert_true(FlushViewOfFile(v + 5, 3));
    unmap(v);
    CloseHandle(m);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_unmap_by_any_address_in_the_view(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * PAGE, NULL);
    char *v = map(m, FILE_MAP_WRITE);
    assert_true(UnmapViewOfFile(v + 2 * PAGE + 5));
    assert_error(UnmapViewOfFile(v), FALSE, ERROR_INVALID_ADDRESS);
    CloseHandle(m);
}

static void s4_unmap_of_what_is_no_view_is_487(void **state)
{
    (void)state;
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE);
    assert_error(UnmapViewOfFile(p), FALSE, ERROR_INVALID_ADDRESS);
    release(p);
    assert_error(UnmapViewOfFile(p), FALSE, ERROR_INVALID_ADDRESS);
    assert_error(UnmapViewOfFile((void *)(uintptr_t)0xDEAD0000), FALSE, ERROR_INVALID_ADDRESS);
}

static void s4_flush(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * PAGE, NULL);
    char *v = map(m, FILE_MAP_WRITE), *c = map(m, FILE_MAP_COPY);
    v[0] = 1;
    assert_true(FlushViewOfFile(v, 0));
    assert_true(FlushViewOfFile(v + PAGE, 100));
    assert_true(FlushViewOfFile(c, 0));
    unmap(v);
    unmap(c);
    CloseHandle(m);
}

static void s4_flush_of_what_is_no_view_fails(void **state)
{
    (void)state;
    HANDLE m = make(PAGE_READWRITE, 4 * PAGE, NULL);
    char *v = map(m, FILE_MAP_WRITE);
    assert_error(FlushViewOfFile(v, 100 * GRANULE), FALSE, ERROR_INVALID_ADDRESS);
    unmap(v);
    assert_error(FlushViewOfFile(v, 0), FALSE, ERROR_INVALID_ADDRESS);
    CloseHandle(m);
    char *p = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE);
    assert_error(FlushViewOfFile(p, 0), FALSE, ERROR_INVALID_ADDRESS);
    release(p);
}

/* The other process: opens what the first one made and tells through it what it found. */
struct meeting {
    volatile LONG ready, done;
    volatile LONG counter;
    volatile LONG value;
};

static struct meeting *meet(const char *name, HANDLE *handle)
{
    *handle = OpenFileMappingA(FILE_MAP_WRITE, FALSE, object_name(name));
    struct meeting *m = *handle != NULL ? MapViewOfFile(*handle, FILE_MAP_WRITE, 0, 0, 0) : NULL;
    return m;
}

static int role(const char *name)
{
    HANDLE h;
    struct meeting *m = meet(name, &h);
    if (m == NULL)
        return (int)GetLastError();
    if (strcmp(name, "counting") == 0) {
        for (int i = 0; i < 100000; i++)
            __sync_fetch_and_add(&m->counter, 1);
        return 0;
    }
    if (strcmp(name, "committing") == 0) {
        char *area = (char *)m;
        if (query(area + 4 * PAGE).State != MEM_RESERVE)
            return 201;
        if (VirtualAlloc(area + 4 * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE) == NULL)
            return 202;
        strcpy(area + 4 * PAGE, "from the other process");
        return 0;
    }
    m->ready = 1; /* holding: until it is killed */
    for (;;)
        Sleep(1000);
}

static void s4_two_processes_count_together(void **state)
{
    (void)state;
    HANDLE h = make(PAGE_READWRITE, PAGE, object_name("counting"));
    struct meeting *m = (struct meeting *)map(h, FILE_MAP_WRITE);
    child_t a = child_start("counting"), b = child_start("counting");
    assert_int_equal(child_wait(a), 0);
    assert_int_equal(child_wait(b), 0);
    assert_int_equal(m->counter, 200000);
    unmap(m);
    CloseHandle(h);
}

static void s4_commit_is_seen_by_other_processes(void **state)
{
    (void)state;
    HANDLE h = make(PAGE_READWRITE | SEC_RESERVE, 8 * PAGE, object_name("committing"));
    char *v = map(h, FILE_MAP_WRITE), *r = map(h, FILE_MAP_READ);
    child_t child = child_start("committing");
    assert_int_equal(child_wait(child), 0);
    assert_string_equal(v + 4 * PAGE, "from the other process");
    assert_string_equal(r + 4 * PAGE, "from the other process");
    assert_region(v + 4 * PAGE, MEM_COMMIT, PAGE_READWRITE, 1);
    assert_int_equal(fault_of_write(r + 4 * PAGE), STATUS_ACCESS_VIOLATION);
    unmap(v);
    unmap(r);
    CloseHandle(h);
}

static void s4_name_goes_when_a_process_is_killed(void **state)
{
    (void)state;
    char name[128];
    strcpy(name, object_name("holding"));
    HANDLE h = make(PAGE_READWRITE, PAGE, name);
    struct meeting *m = (struct meeting *)map(h, FILE_MAP_WRITE);
    child_t child = child_start("holding");
    assert_true(wait_until_nonzero(&m->ready));
    CloseHandle(h);
    h = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    assert_non_null(h); /* the child holds it */
    CloseHandle(h);
    m->value = 42;
    child_kill(child);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, name), NULL, ERROR_FILE_NOT_FOUND);
    assert_int_equal(m->value, 42); /* the view outlives the name */
    unmap(m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s4_protection_follows_from_access),
        not_on_wine(s7_copy_with_another_right_is_no_copy),
        cmocka_unit_test(s4_access_needed_on_the_mapping),
        cmocka_unit_test(s4_offset_must_be_a_multiple_of_64k),
        cmocka_unit_test(s4_extent_of_views),
        cmocka_unit_test(s4_address_of_ex),
        cmocka_unit_test(s4_view_in_virtual_query),
        cmocka_unit_test(s4_views_are_coherent_also_through_several_mappings),
        cmocka_unit_test(s4_copy_on_write_stays_private),
        not_on_wine_nor_emulated(s4_written_copy_on_write_page_becomes_read_write),
        not_on_wine(s4_write_copy_by_protect),
        cmocka_unit_test(s4_reserve_commits_for_every_view),
        not_on_wine(s4_reserved_view_faults),
        cmocka_unit_test(s4_committed_views_cannot_be_decommitted),
        cmocka_unit_test(s4_commit_on_views),
        not_on_wine(s3_reset_of_file_views_fails),
        cmocka_unit_test(s4_unmap_by_any_address_in_the_view),
        cmocka_unit_test(s4_unmap_of_what_is_no_view_is_487),
        cmocka_unit_test(s4_flush),
        not_on_wine(s4_flush_of_what_is_no_view_fails),
        cmocka_unit_test(s4_two_processes_count_together),
        cmocka_unit_test(s4_commit_is_seen_by_other_processes),
        cmocka_unit_test(s4_name_goes_when_a_process_is_killed),
    };
    tests_set_up(argc, argv, role);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
