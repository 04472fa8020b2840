/* SPDX-License-Identifier: MIT */
/* mapping.c: section 4: CreateFileMapping, OpenFileMapping. */
#include "win32_test.h"

#define READ_WRITE (GENERIC_READ | GENERIC_WRITE)
#define MEMORY     INVALID_HANDLE_VALUE

static char file_name[4096];

static HANDLE make_file(const char *name, DWORD size, DWORD access)
{
    DWORD n;
    char *bytes = calloc(1, size + 1);
    for (DWORD i = 0; i < size; i++)
        bytes[i] = (char)('a' + i % 26);
    strcpy(file_name, scratch_name(name));
    HANDLE f = CreateFileA(file_name, READ_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    assert_true(size == 0 || WriteFile(f, bytes, size, &n, NULL));
    CloseHandle(f);
    free(bytes);
    f = CreateFileA(file_name, access, 7, NULL, OPEN_EXISTING, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    return f;
}

static void drop_file(HANDLE f)
{
    CloseHandle(f);
    assert_true(DeleteFileA(file_name));
}

static HANDLE make(HANDLE file, DWORD protect, DWORD size)
{
    return CreateFileMappingA(file, NULL, protect, 0, size, NULL);
}

static SIZE_T view_size(HANDLE mapping)
{
    void *v = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    assert_non_null(v);
    SIZE_T size = query(v).RegionSize;
    assert_true(UnmapViewOfFile(v));
    return size;
}

static void s4_memory_is_zero_and_needs_a_size(void **state)
{
    (void)state;
    assert_error(make(MEMORY, PAGE_READWRITE, 0), NULL, ERROR_INVALID_PARAMETER);
    HANDLE m = make(MEMORY, PAGE_READWRITE, 0x3000);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    for (int i = 0; i < 0x3000; i++)
        assert_int_equal(v[i], 0);
    UnmapViewOfFile(v);
    CloseHandle(m);
}

static DWORD whole_pages(SIZE_T bytes)
{
    return (DWORD)((bytes + PAGE - 1) / PAGE * PAGE);
}

static void s4_memory_size_is_rounded_up_to_a_page(void **state)
{
    (void)state;
    const DWORD sizes[][2] = { { 1, whole_pages(1) },
                               { 4090, whole_pages(4090) },
                               { 0x3452, whole_pages(0x3452) } };
    for (int i = 0; i < 3; i++) {
        HANDLE m = make(MEMORY, PAGE_READWRITE, sizes[i][0]);
        assert_int_equal(view_size(m), sizes[i][1]);
        void *v = MapViewOfFile(m, FILE_MAP_READ, 0, 0, sizes[i][1]);
        assert_non_null(v);
        UnmapViewOfFile(v);
        CloseHandle(m);
    }
}

static void s4_invalid_handle_is_6(void **state)
{
    (void)state;
    assert_error(make((HANDLE)(uintptr_t)0xDEADBEE4, PAGE_READWRITE, 4096), NULL,
                 ERROR_INVALID_HANDLE);
    HANDLE f = make_file("closed", 100, READ_WRITE);
    drop_file(f);
    assert_error(make(f, PAGE_READWRITE, 4096), NULL, ERROR_INVALID_HANDLE);
}

static void s4_file_size_0_is_the_exact_size_of_the_file(void **state)
{
    (void)state;
    HANDLE f = make_file("exact", 0x3456, READ_WRITE);
    HANDLE m = make(f, PAGE_READWRITE, 0);
    assert_int_equal(view_size(m), whole_pages(0x3456));
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0x3457), NULL, ERROR_ACCESS_DENIED);
    char *v = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0x3456);
    assert_non_null(v);
    assert_int_equal(v[0x3455], 'a' + 0x3455 % 26);
    assert_int_equal(v[0x3456], 0);
    UnmapViewOfFile(v);
    CloseHandle(m);
    assert_int_equal(GetFileSize(f, NULL), 0x3456);
    drop_file(f);
}

static void s4_empty_file_is_1006(void **state)
{
    (void)state;
    HANDLE f = make_file("empty", 0, READ_WRITE);
    assert_error(make(f, PAGE_READWRITE, 0), NULL, ERROR_FILE_INVALID);
    assert_error(make(f, PAGE_READONLY, 0), NULL, ERROR_FILE_INVALID);
    drop_file(f);
}

static void s4_writable_mapping_extends_the_file(void **state)
{
    (void)state;
    HANDLE f = make_file("extend", 10, READ_WRITE);
    HANDLE m = make(f, PAGE_READWRITE, 0x5001);
    assert_non_null(m);
    assert_int_equal(GetFileSize(f, NULL), 0x5001);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    assert_true(v[9] == 'j' && v[10] == 0 && v[0x5000] == 0);
    UnmapViewOfFile(v);
    CloseHandle(m);
    drop_file(f);
}

static void s4_read_only_mapping_above_the_file_is_8(void **state)
{
    (void)state;
    HANDLE f = make_file("above", 10, READ_WRITE);
    assert_error(make(f, PAGE_READONLY, 0x5000), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_error(make(f, PAGE_WRITECOPY, 0x5000), NULL, ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(GetFileSize(f, NULL), 10);
    drop_file(f);
}

static void s4_mapping_smaller_than_the_file_is_exact(void **state)
{
    (void)state;
    HANDLE f = make_file("smaller", 10000, READ_WRITE);
    HANDLE m = make(f, PAGE_READWRITE, 36);
    assert_int_equal(view_size(m), whole_pages(36));
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 0, 37), NULL, ERROR_ACCESS_DENIED);
    CloseHandle(m);
    assert_int_equal(GetFileSize(f, NULL), 10000);
    drop_file(f);
}

static void s4_disk_full_is_112(void **state)
{
    (void)state;
    HANDLE f = make_file("full", 10, READ_WRITE);
    assert_error(CreateFileMappingA(f, NULL, PAGE_READWRITE, 0x4000, 0, NULL), NULL,
                 ERROR_DISK_FULL);
    drop_file(f);
}

static void can_be_made(DWORD protect)
{
    HANDLE m = make(MEMORY, protect, 4096);
    assert_non_null(m);
    CloseHandle(m);
}

static void s4_protections(void **state)
{
    (void)state;
    const DWORD good[] = { PAGE_READONLY,     PAGE_READWRITE,         PAGE_WRITECOPY,
                           PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY };
    const DWORD bad[] = { 0, PAGE_NOACCESS, PAGE_EXECUTE, PAGE_READONLY | PAGE_READWRITE, 0xFF };
    for (size_t i = 0; i < 6; i++)
        can_be_made(good[i]);
    for (size_t i = 0; i < 5; i++)
        assert_error(make(MEMORY, bad[i], 4096), NULL, ERROR_INVALID_PARAMETER);
}

struct rights_case {
    DWORD access, protect;
    int fits;
};

static void check_rights(const struct rights_case *c)
{
    HANDLE f = make_file("needed", 100, c->access);
    SetLastError(0);
    HANDLE m = make(f, c->protect, 0);
    assert_int_equal(m != NULL, c->fits);
    if (m == NULL)
        assert_true(GetLastError() == ERROR_ACCESS_DENIED ||
                    GetLastError() == ERROR_INVALID_PARAMETER);
    else
        CloseHandle(m);
    drop_file(f);
}

static void s4_file_rights_needed(void **state)
{
    (void)state;
    const struct rights_case cases[] = {
        { GENERIC_READ, PAGE_READONLY, 1 },
        { GENERIC_READ, PAGE_WRITECOPY, 1 },
        { GENERIC_READ, PAGE_READWRITE, 0 },
        { GENERIC_WRITE, PAGE_READWRITE, 0 },
        { READ_WRITE, PAGE_READWRITE, 1 },
        { READ_WRITE, PAGE_READONLY, 1 },
        { GENERIC_READ | GENERIC_EXECUTE, PAGE_EXECUTE_READ, 1 },
        { READ_WRITE | GENERIC_EXECUTE, PAGE_EXECUTE_READWRITE, 1 },
        { 0, PAGE_READONLY, 0 },
        { 0, PAGE_READWRITE, 0 },
        { 0, PAGE_WRITECOPY, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_rights(&cases[i]);
}

static void s4_file_rights_needed_to_execute(void **state)
{
    (void)state;
    const struct rights_case cases[] = {
        { READ_WRITE, PAGE_EXECUTE_READWRITE, 0 },
        { GENERIC_READ, PAGE_EXECUTE_READ, 0 },
        { GENERIC_READ, PAGE_EXECUTE_WRITECOPY, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_rights(&cases[i]);
}

static void s4_section_flags_that_are_87(void **state)
{
    (void)state;
    const DWORD bad[] = { SEC_RESERVE | SEC_COMMIT,
                          SEC_IMAGE | SEC_COMMIT,
                          SEC_IMAGE | SEC_RESERVE,
                          SEC_FILE,
                          SEC_FILE | SEC_COMMIT,
                          SEC_NOCACHE,
                          SEC_WRITECOMBINE,
                          SEC_LARGE_PAGES,
                          SEC_RESERVE | SEC_LARGE_PAGES };
    HANDLE f = make_file("flags", 100, READ_WRITE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_error(make(MEMORY, PAGE_READWRITE | bad[i], 4096), NULL, ERROR_INVALID_PARAMETER);
        assert_error(make(f, PAGE_READWRITE | bad[i], 0), NULL, ERROR_INVALID_PARAMETER);
    }
    drop_file(f);
}

static void s4_section_flags_that_are_fine(void **state)
{
    (void)state;
    const DWORD good[] = { SEC_COMMIT, SEC_RESERVE, SEC_COMMIT | SEC_NOCACHE,
                           SEC_RESERVE | SEC_NOCACHE };
    for (size_t i = 0; i < 4; i++)
        can_be_made(PAGE_READWRITE | good[i]);
}

static void s4_image_of_no_image_is_193(void **state)
{
    (void)state;
    HANDLE f = make_file("image", 5000, GENERIC_READ);
    assert_error(make(MEMORY, PAGE_READONLY | SEC_IMAGE, 4096), NULL, ERROR_BAD_EXE_FORMAT);
    assert_error(make(f, PAGE_READONLY | SEC_IMAGE, 0), NULL, ERROR_BAD_EXE_FORMAT);
    drop_file(f);
}

static void s4_reserve_on_a_file_has_no_effect(void **state)
{
    (void)state;
    HANDLE f = make_file("reserve", 5000, READ_WRITE);
    HANDLE m = make(f, PAGE_READWRITE | SEC_RESERVE, 0);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    assert_region(v, MEM_COMMIT, PAGE_READWRITE, whole_pages(5000) / PAGE);
    assert_int_equal(v[1], 'b');
    UnmapViewOfFile(v);
    CloseHandle(m);
    drop_file(f);
}

static HANDLE named(DWORD protect, DWORD size, const char *name)
{
    return CreateFileMappingA(MEMORY, NULL, protect, 0, size, name);
}

static void s4_existing_name_gives_its_mapping_with_183(void **state)
{
    (void)state;
    char name[128];
    strcpy(name, object_name("existing"));
    SetLastError(0xDEADBEEF);
    HANDLE a = named(PAGE_READWRITE, 0x3000, name);
    assert_non_null(a);
    assert_int_equal(GetLastError(), 0);
    HANDLE b = named(PAGE_READWRITE, 0x9000, name);
    assert_non_null(b);
    assert_int_equal(GetLastError(), ERROR_ALREADY_EXISTS);
    assert_ptr_not_equal(a, b);
    assert_int_equal(view_size(b), whole_pages(0x3000)); /* its own size, not the one asked for */
    char *v = MapViewOfFile(a, FILE_MAP_WRITE, 0, 0, 0),
         *w = MapViewOfFile(b, FILE_MAP_WRITE, 0, 0, 0);
    v[5] = 'q';
    assert_int_equal(w[5], 'q');
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
    CloseHandle(a);
    CloseHandle(b);
}

static void s4_names_are_case_sensitive(void **state)
{
    (void)state;
    char name[128], upper[128];
    strcpy(name, object_name("case"));
    strcpy(upper, name);
    upper[strlen(upper) - 1] = 'E';
    HANDLE m = named(PAGE_READWRITE, 4096, name);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, upper), NULL, ERROR_FILE_NOT_FOUND);
    CloseHandle(m);
}

static void s4_local_and_global_prefixes(void **state)
{
    (void)state;
    char plain[128], full[160];
    strcpy(plain, object_name("prefix"));
    snprintf(full, sizeof(full), "Local\\%s", plain);
    HANDLE m = named(PAGE_READWRITE, 4096, full);
    assert_non_null(m);
    HANDLE o = OpenFileMappingA(FILE_MAP_READ, FALSE, plain);
    assert_non_null(o); /* Local\ is the same as none */
    CloseHandle(o);
    CloseHandle(m);
    snprintf(full, sizeof(full), "Global\\%s", plain);
    m = named(PAGE_READWRITE, 4096, full);
    assert_non_null(m);
    o = OpenFileMappingA(FILE_MAP_READ, FALSE, full);
    assert_non_null(o);
    CloseHandle(o);
    CloseHandle(m);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, full), NULL, ERROR_FILE_NOT_FOUND);
}

static void s4_other_backslashes_in_names_fail(void **state)
{
    (void)state;
    char full[160];
    snprintf(full, sizeof(full), "Nowhere\\%s", object_name("backslash"));
    assert_null(named(PAGE_READWRITE, 4096, full));
}

static void s4_name_goes_with_the_last_handle_views_stay(void **state)
{
    (void)state;
    char name[128];
    strcpy(name, object_name("goes"));
    HANDLE a = named(PAGE_READWRITE, 4096, name);
    HANDLE b = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    assert_non_null(b);
    char *v = MapViewOfFile(a, FILE_MAP_WRITE, 0, 0, 0);
    v[0] = 'v';
    CloseHandle(a);
    HANDLE c = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    assert_non_null(c); /* b keeps the name */
    CloseHandle(c);
    CloseHandle(b);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, name), NULL, ERROR_FILE_NOT_FOUND);
    SetLastError(0xDEADBEEF);
    HANDLE d = named(PAGE_READWRITE, 4096, name);
    assert_non_null(d);
    assert_int_equal(GetLastError(), 0); /* a new object */
    char *w = MapViewOfFile(d, FILE_MAP_WRITE, 0, 0, 0);
    assert_int_equal(w[0], 0);
    assert_int_equal(v[0], 'v');
    w[0] = 'w';
    assert_int_equal(v[0], 'v');
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
    CloseHandle(d);
}

static void s4_open_missing_is_2_and_name_null_is_87(void **state)
{
    (void)state;
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, object_name("nothing")), NULL,
                 ERROR_FILE_NOT_FOUND);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, NULL), NULL, ERROR_INVALID_PARAMETER);
}

static void s4_opened_handle_carries_only_its_access(void **state)
{
    (void)state;
    char name[128];
    strcpy(name, object_name("access"));
    HANDLE m = named(PAGE_READWRITE, 4096, name);
    HANDLE r = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    HANDLE w = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    HANDLE all = OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, name);
    assert_error(MapViewOfFile(w, FILE_MAP_READ, 0, 0, 0), NULL, ERROR_ACCESS_DENIED);
    assert_error(MapViewOfFile(r, FILE_MAP_WRITE, 0, 0, 0), NULL, ERROR_ACCESS_DENIED);
    void *v = MapViewOfFile(w, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(v);
    UnmapViewOfFile(v);
    v = MapViewOfFile(r, FILE_MAP_READ, 0, 0, 0);
    assert_non_null(v);
    UnmapViewOfFile(v);
    v = MapViewOfFile(all, FILE_MAP_ALL_ACCESS, 0, 0, 0);
    assert_non_null(v);
    assert_int_equal(query(v).Protect, PAGE_READWRITE);
    UnmapViewOfFile(v);
    CloseHandle(m);
    CloseHandle(r);
    CloseHandle(w);
    CloseHandle(all);
}

static void s4_wide_names(void **state)
{
    (void)state;
    char name[128];
    WCHAR wide[128];
    strcpy(name, object_name("wide"));
    for (size_t i = 0; i <= strlen(name); i++)
        wide[i] = (WCHAR)name[i];
    HANDLE a = CreateFileMappingW(MEMORY, NULL, PAGE_READWRITE, 0, 4096, wide);
    assert_non_null(a);
    HANDLE b = OpenFileMappingW(FILE_MAP_READ, FALSE, wide),
           c = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    assert_non_null(b);
    assert_non_null(c);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(c);
}

static void s4_named_mapping_of_a_file(void **state)
{
    (void)state;
    char name[128];
    strcpy(name, object_name("file"));
    HANDLE f = make_file("named", 10000, READ_WRITE);
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READWRITE, 0, 0, name);
    assert_non_null(m);
    CloseHandle(f);
    HANDLE o = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    assert_non_null(o);
    char *v = MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0),
         *w = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    assert_int_equal(w[1], 'b');
    v[1] = '!';
    assert_int_equal(w[1], '!');
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
    CloseHandle(m);
    CloseHandle(o);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, name), NULL, ERROR_FILE_NOT_FOUND);
    assert_true(DeleteFileA(file_name));
}

static void s4_failed_create_file_passed_on_makes_memory(void **state)
{
    (void)state;
    HANDLE f = CreateFileA(scratch_name("not-there"), READ_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    assert_ptr_equal(f, INVALID_HANDLE_VALUE);
    HANDLE m = make(f, PAGE_READWRITE, 4096); /* a trap, and so it is on Windows */
    assert_non_null(m);
    CloseHandle(m);
}

static void s7_generic_rights_of_an_opened_mapping(void **state)
{
    (void)state;
    char name[128];
    const struct {
        DWORD access;
        int reads, writes, executes;
    } cases[] = {
        { GENERIC_READ, 1, 0, 0 },
        { GENERIC_WRITE, 0, 1, 0 },
        { GENERIC_READ | GENERIC_WRITE, 1, 1, 0 },
        { GENERIC_ALL, 1, 1, 1 },
        { MAXIMUM_ALLOWED, 1, 1, 1 },
        { FILE_MAP_COPY | FILE_MAP_READ, 1, 0, 0 },
    };
    strcpy(name, object_name("generic"));
    HANDLE m = named(PAGE_EXECUTE_READWRITE, 4096, name);
    assert_non_null(m);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        HANDLE o = OpenFileMappingA(cases[i].access, FALSE, name);
        assert_non_null(o);
        void *r = MapViewOfFile(o, FILE_MAP_READ, 0, 0, 0);
        void *w = MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0);
        void *x = MapViewOfFile(o, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0);
        assert_int_equal(r != NULL, cases[i].reads);
        assert_int_equal(w != NULL, cases[i].writes);
        assert_int_equal(x != NULL, cases[i].executes);
        UnmapViewOfFile(r);
        UnmapViewOfFile(w);
        UnmapViewOfFile(x);
        CloseHandle(o);
    }
    CloseHandle(m);
}

static void s7_copy_with_generic_rights_can_be_mapped(void **state)
{
    (void)state;
    HANDLE self = GetCurrentProcess(), copy = NULL;
    HANDLE m = make(MEMORY, PAGE_READWRITE, 4096);
    assert_true(DuplicateHandle(self, m, self, &copy, GENERIC_READ, FALSE, 0));
    void *v = MapViewOfFile(copy, FILE_MAP_READ, 0, 0, 0);
    assert_non_null(v);
    assert_error(MapViewOfFile(copy, FILE_MAP_WRITE, 0, 0, 0), NULL, ERROR_ACCESS_DENIED);
    UnmapViewOfFile(v);
    CloseHandle(copy);
    CloseHandle(m);
}

static void s7_large_pages_of_a_file_are_87(void **state)
{
    (void)state;
    HANDLE f = make_file("large", 5000, READ_WRITE);
    assert_error(make(f, PAGE_READWRITE | SEC_COMMIT | SEC_LARGE_PAGES, 0), NULL,
                 ERROR_INVALID_PARAMETER);
    drop_file(f);
}

static void s4_mapping_never_cuts_the_file(void **state)
{
    (void)state;
    HANDLE f = make_file("cuts", 20000, READ_WRITE);
    HANDLE a = make(f, PAGE_READWRITE, 50000), b = make(f, PAGE_READWRITE, 100),
           c = make(f, PAGE_READONLY, 30000);
    assert_true(a != NULL && b != NULL && c != NULL);
    assert_int_equal(GetFileSize(f, NULL), 50000);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(c);
    drop_file(f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s4_memory_is_zero_and_needs_a_size),
        cmocka_unit_test(s4_memory_size_is_rounded_up_to_a_page),
        cmocka_unit_test(s4_invalid_handle_is_6),
        cmocka_unit_test(s4_file_size_0_is_the_exact_size_of_the_file),
        cmocka_unit_test(s4_empty_file_is_1006),
        cmocka_unit_test(s4_writable_mapping_extends_the_file),
        cmocka_unit_test(s4_read_only_mapping_above_the_file_is_8),
        cmocka_unit_test(s4_mapping_smaller_than_the_file_is_exact),
        not_on_wine(s4_disk_full_is_112),
        cmocka_unit_test(s4_protections),
        cmocka_unit_test(s4_file_rights_needed),
        not_on_wine(s4_file_rights_needed_to_execute),
        cmocka_unit_test(s4_section_flags_that_are_87),
        cmocka_unit_test(s4_section_flags_that_are_fine),
        cmocka_unit_test(s4_image_of_no_image_is_193),
        cmocka_unit_test(s4_reserve_on_a_file_has_no_effect),
        cmocka_unit_test(s4_existing_name_gives_its_mapping_with_183),
        cmocka_unit_test(s4_names_are_case_sensitive),
        cmocka_unit_test(s4_local_and_global_prefixes),
        cmocka_unit_test(s4_other_backslashes_in_names_fail),
        cmocka_unit_test(s4_name_goes_with_the_last_handle_views_stay),
        cmocka_unit_test(s4_open_missing_is_2_and_name_null_is_87),
        cmocka_unit_test(s4_opened_handle_carries_only_its_access),
        cmocka_unit_test(s4_wide_names),
        cmocka_unit_test(s4_named_mapping_of_a_file),
        cmocka_unit_test(s4_failed_create_file_passed_on_makes_memory),
        cmocka_unit_test(s7_generic_rights_of_an_opened_mapping),
        cmocka_unit_test(s7_copy_with_generic_rights_can_be_mapped),
        not_on_wine(s7_large_pages_of_a_file_are_87),
        cmocka_unit_test(s4_mapping_never_cuts_the_file),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
