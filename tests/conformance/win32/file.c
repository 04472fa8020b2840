/* SPDX-License-Identifier: MIT */
/* file.c: section 4: CreateFile and what goes with it; CloseHandle, DuplicateHandle. */
#include "win32_test.h"

#define ALL_SHARE  (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define READ_WRITE (GENERIC_READ | GENERIC_WRITE)

static HANDLE open_as(const char *name, DWORD access, DWORD share, DWORD disposition)
{
    return CreateFileA(name, access, share, NULL, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
}

static HANDLE make(const char *name, DWORD size)
{
    DWORD n;
    char bytes[4096];
    memset(bytes, 'x', sizeof(bytes));
    HANDLE f = open_as(name, READ_WRITE, ALL_SHARE, CREATE_ALWAYS);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    for (; size > 0; size -= n)
        assert_true(WriteFile(f, bytes, size < 4096 ? size : 4096, &n, NULL));
    return f;
}

static LONGLONG size_of(HANDLE f)
{
    LARGE_INTEGER size;
    assert_true(GetFileSizeEx(f, &size));
    return size.QuadPart;
}

static void s4_create_new_on_existing_is_80(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("new"));
    HANDLE f = open_as(name, READ_WRITE, ALL_SHARE, CREATE_NEW);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    assert_error(open_as(name, READ_WRITE, ALL_SHARE, CREATE_NEW), INVALID_HANDLE_VALUE,
                 ERROR_FILE_EXISTS);
    assert_true(DeleteFileA(name));
}

static void s4_create_always_and_open_always_set_183_or_0(void **state)
{
    (void)state;
    char name[4096];
    const DWORD both[] = { CREATE_ALWAYS, OPEN_ALWAYS };
    strcpy(name, scratch_name("always"));
    for (int i = 0; i < 2; i++) {
        SetLastError(0xDEADBEEF);
        HANDLE f = open_as(name, READ_WRITE, ALL_SHARE, both[i]);
        assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
        assert_int_equal(GetLastError(), 0);
        DWORD n;
        assert_true(WriteFile(f, "abc", 3, &n, NULL));
        CloseHandle(f);
        SetLastError(0xDEADBEEF);
        f = open_as(name, READ_WRITE, ALL_SHARE, both[i]);
        assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
        assert_int_equal(GetLastError(), ERROR_ALREADY_EXISTS);
        assert_int_equal(size_of(f), both[i] == CREATE_ALWAYS ? 0 : 3);
        CloseHandle(f);
        assert_true(DeleteFileA(name));
    }
}

static void s4_missing_file_2_missing_folder_3(void **state)
{
    (void)state;
    char name[4096], below[4200];
    strcpy(name, scratch_name("missing"));
    snprintf(below, sizeof(below), "%s/file", name);
    assert_error(open_as(name, GENERIC_READ, 0, OPEN_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_FILE_NOT_FOUND);
    assert_error(open_as(name, READ_WRITE, 0, TRUNCATE_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_FILE_NOT_FOUND);
    assert_error(open_as(below, GENERIC_READ, 0, OPEN_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_PATH_NOT_FOUND);
    assert_error(open_as(below, READ_WRITE, 0, CREATE_ALWAYS), INVALID_HANDLE_VALUE,
                 ERROR_PATH_NOT_FOUND);
    assert_error(DeleteFileA(name), FALSE, ERROR_FILE_NOT_FOUND);
    assert_error(DeleteFileA(below), FALSE, ERROR_PATH_NOT_FOUND);
}

static void s4_truncate_existing(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("truncate"));
    CloseHandle(make(name, 100));
    HANDLE f = open_as(name, READ_WRITE, ALL_SHARE, TRUNCATE_EXISTING);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    assert_int_equal(size_of(f), 0);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_truncate_existing_needs_generic_write(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("truncate"));
    HANDLE f = make(name, 100);
    assert_error(open_as(name, GENERIC_READ, ALL_SHARE, TRUNCATE_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_INVALID_PARAMETER);
    assert_int_equal(size_of(f), 100);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_sharing_conflict_is_32(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("share"));
    CloseHandle(make(name, 1));
    const struct {
        DWORD access1, share1, access2, share2;
        int fits;
    } cases[] = {
        { GENERIC_READ, 0, GENERIC_READ, ALL_SHARE, 0 },
        { GENERIC_READ, FILE_SHARE_READ, GENERIC_READ, FILE_SHARE_READ, 1 },
        { GENERIC_READ, FILE_SHARE_READ, GENERIC_WRITE, ALL_SHARE, 0 },
        { GENERIC_WRITE, FILE_SHARE_READ, GENERIC_READ, FILE_SHARE_READ, 0 },
        { GENERIC_WRITE, FILE_SHARE_READ, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, 1 },
        { READ_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, READ_WRITE,
          FILE_SHARE_READ | FILE_SHARE_WRITE, 1 },
        { READ_WRITE, ALL_SHARE, READ_WRITE, 0, 0 },
        { 0, 0, GENERIC_READ, 0, 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        HANDLE a = open_as(name, cases[i].access1, cases[i].share1, OPEN_EXISTING);
        assert_ptr_not_equal(a, INVALID_HANDLE_VALUE);
        SetLastError(0);
        HANDLE b = open_as(name, cases[i].access2, cases[i].share2, OPEN_EXISTING);
        assert_int_equal(b != INVALID_HANDLE_VALUE, cases[i].fits);
        if (!cases[i].fits)
            assert_int_equal(GetLastError(), ERROR_SHARING_VIOLATION);
        else
            CloseHandle(b);
        CloseHandle(a);
    }
    HANDLE f = open_as(name, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
    assert_error(DeleteFileA(name), FALSE, ERROR_SHARING_VIOLATION);
    CloseHandle(f);
    assert_true(DeleteFileA(name));
}

static void s4_directory_is_5(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("x"));
    char *end = strrchr(name, '/');
    if (end == NULL)
        end = strrchr(name, '\\');
    *end = '\0';
    assert_error(open_as(name, GENERIC_READ, ALL_SHARE, OPEN_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_ACCESS_DENIED);
}

static void s4_access_rights_hold(void **state)
{
    (void)state;
    char name[4096], byte;
    DWORD n;
    strcpy(name, scratch_name("rights"));
    CloseHandle(make(name, 10));
    HANDLE f = open_as(name, GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
    assert_true(ReadFile(f, &byte, 1, &n, NULL));
    assert_int_equal(byte, 'x');
    assert_error(WriteFile(f, "y", 1, &n, NULL), FALSE, ERROR_ACCESS_DENIED);
    HANDLE self = GetCurrentProcess(), copy = NULL;
    assert_true(DuplicateHandle(self, f, self, &copy, GENERIC_READ, FALSE, 0));
    assert_true(ReadFile(copy, &byte, 1, &n, NULL));
    CloseHandle(copy);
    CloseHandle(f);
    f = open_as(name, GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING);
    assert_error(ReadFile(f, &byte, 1, &n, NULL), FALSE, ERROR_ACCESS_DENIED);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_set_end_needs_generic_write(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("end"));
    CloseHandle(make(name, 10));
    HANDLE f = open_as(name, GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
    assert_error(SetEndOfFile(f), FALSE, ERROR_ACCESS_DENIED);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_read_write_and_positions(void **state)
{
    (void)state;
    char name[4096], text[32];
    DWORD n;
    LARGE_INTEGER zero, at;
    zero.QuadPart = 0;
    strcpy(name, scratch_name("io"));
    HANDLE f = make(name, 0);
    assert_true(WriteFile(f, "hello world", 11, &n, NULL));
    assert_int_equal(n, 11);
    assert_true(SetFilePointerEx(f, zero, &at, FILE_CURRENT));
    assert_int_equal(at.QuadPart, 11);
    at.QuadPart = 6;
    assert_true(SetFilePointerEx(f, at, NULL, FILE_BEGIN));
    assert_true(ReadFile(f, text, sizeof(text), &n, NULL));
    assert_int_equal(n, 5);
    assert_memory_equal(text, "world", 5);
    assert_true(ReadFile(f, text, sizeof(text), &n, NULL)); /* at the end: no error */
    assert_int_equal(n, 0);
    at.QuadPart = -1;
    assert_error(SetFilePointerEx(f, at, NULL, FILE_BEGIN), FALSE, ERROR_NEGATIVE_SEEK);
    at.QuadPart = -3;
    assert_true(SetFilePointerEx(f, at, &at, FILE_END));
    assert_int_equal(at.QuadPart, 8);
    assert_true(SetEndOfFile(f));
    assert_int_equal(size_of(f), 8);
    assert_int_equal(SetFilePointer(f, 100000, NULL, FILE_BEGIN), 100000);
    assert_true(SetEndOfFile(f));
    assert_int_equal(size_of(f), 100000);
    assert_int_equal(GetFileSize(f, NULL), 100000);
    assert_true(FlushFileBuffers(f));
    OVERLAPPED where;
    memset(&where, 0, sizeof(where));
    where.Offset = 2;
    assert_true(ReadFile(f, text, 3, &n, &where));
    assert_memory_equal(text, "llo", 3);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_read_into_uncommitted_memory_is_998(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("noaccess"));
    HANDLE f = make(name, 10);
    char *p = alloc_pages(1, MEM_RESERVE, PAGE_READWRITE);
    SetFilePointer(f, 0, NULL, FILE_BEGIN);
    assert_error(ReadFile(f, p, 10, &n, NULL), FALSE, ERROR_NOACCESS);
    release(p);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_wide_names(void **state)
{
    (void)state;
    char name[4096];
    WCHAR wide[4096];
    strcpy(name, scratch_name("wide"));
    size_t n = 0;
    for (; name[n] != '\0'; n++)
        wide[n] = (WCHAR)name[n];
    wide[n] = 0;
    HANDLE f =
        CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    f = open_as(name, GENERIC_READ, 0, OPEN_EXISTING);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    wide[n] = 0x00E9;     /* e with an acute accent */
    wide[n + 1] = 0xD83D; /* a pair of surrogates */
    wide[n + 2] = 0xDE00;
    wide[n + 3] = 0;
    f = CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    assert_true(DeleteFileW(wide));
    assert_true(DeleteFileA(name));
}

static void s4_mapped_file_cannot_be_cut_1224(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("mapped"));
    HANDLE f = make(name, 10000);
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    assert_non_null(v);
    CloseHandle(m);
    SetFilePointer(f, 10, NULL, FILE_BEGIN);
    assert_error(SetEndOfFile(f), FALSE, ERROR_USER_MAPPED_FILE);
    assert_error(open_as(name, READ_WRITE, ALL_SHARE, CREATE_ALWAYS), INVALID_HANDLE_VALUE,
                 ERROR_USER_MAPPED_FILE);
    assert_int_equal(v[9999], 'x');
    assert_true(UnmapViewOfFile(v));
    assert_true(SetEndOfFile(f));
    assert_int_equal(size_of(f), 10);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_delete_of_mapped_file_is_5(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("mapped2"));
    HANDLE f = make(name, 10000);
    HANDLE m = CreateFileMappingA(f, NULL, PAGE_READONLY, 0, 0, NULL);
    CloseHandle(f);
    char *v = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
    assert_error(DeleteFileA(name), FALSE, ERROR_ACCESS_DENIED);
    UnmapViewOfFile(v);
    CloseHandle(m);
    assert_true(DeleteFileA(name));
}

static void s4_delete_on_close(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("temporary"));
    HANDLE f =
        CreateFileA(name, READ_WRITE, ALL_SHARE, NULL, CREATE_NEW, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    assert_error(open_as(name, GENERIC_READ, 0, OPEN_EXISTING), INVALID_HANDLE_VALUE,
                 ERROR_FILE_NOT_FOUND);
}

static void s4_close_handle(void **state)
{
    (void)state;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
    assert_true(CloseHandle(m));
    assert_error(CloseHandle(m), FALSE, ERROR_INVALID_HANDLE);
    assert_error(CloseHandle(NULL), FALSE, ERROR_INVALID_HANDLE);
    assert_error(CloseHandle((HANDLE)(uintptr_t)0xDEADBEE4), FALSE, ERROR_INVALID_HANDLE);
}

static void s4_handles_of_the_wrong_kind_are_6(void **state)
{
    (void)state;
    char name[4096], byte;
    DWORD n;
    strcpy(name, scratch_name("kind"));
    HANDLE f = make(name, 10);
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
    assert_error(MapViewOfFile(f, FILE_MAP_READ, 0, 0, 0), NULL, ERROR_INVALID_HANDLE);
    assert_error(MapViewOfFile(NULL, FILE_MAP_READ, 0, 0, 0), NULL, ERROR_INVALID_HANDLE);
    assert_error(CreateFileMappingA(m, NULL, PAGE_READWRITE, 0, 0, NULL), NULL,
                 ERROR_INVALID_HANDLE);
    CloseHandle(f);
    CloseHandle(m);
    assert_error(MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0), NULL, ERROR_INVALID_HANDLE);
    assert_error(ReadFile(f, &byte, 1, &n, NULL), FALSE, ERROR_INVALID_HANDLE);
    DeleteFileA(name);
}

static void s4_file_calls_on_a_mapping_are_6(void **state)
{
    (void)state;
    char byte;
    DWORD n;
    LARGE_INTEGER size;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
    assert_error(ReadFile(m, &byte, 1, &n, NULL), FALSE, ERROR_INVALID_HANDLE);
    assert_error(GetFileSizeEx(m, &size), FALSE, ERROR_INVALID_HANDLE);
    CloseHandle(m);
}

static void s4_duplicate_handle(void **state)
{
    (void)state;
    HANDLE self = GetCurrentProcess(), copy = NULL, narrow = NULL, moved = NULL;
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
    assert_true(DuplicateHandle(self, m, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    assert_ptr_not_equal(copy, m);
    assert_true(CloseHandle(m));
    int *v = MapViewOfFile(copy, FILE_MAP_WRITE, 0, 0, 0);
    assert_non_null(v);
    *v = 5;
    assert_true(DuplicateHandle(self, copy, self, &narrow, FILE_MAP_READ, FALSE, 0));
    assert_error(MapViewOfFile(narrow, FILE_MAP_WRITE, 0, 0, 0), NULL, ERROR_ACCESS_DENIED);
    int *w = MapViewOfFile(narrow, FILE_MAP_READ, 0, 0, 0);
    assert_int_equal(*w, 5);
    assert_true(DuplicateHandle(self, copy, self, &moved, 0, FALSE,
                                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    if (moved != copy) /* Windows may use the value again at once */
        assert_error(DuplicateHandle(self, copy, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS),
                     FALSE, ERROR_INVALID_HANDLE);
    assert_true(CloseHandle(moved));
    assert_true(CloseHandle(narrow));
    UnmapViewOfFile(v);
    UnmapViewOfFile(w);
}

/* Reads at an offset; answers the text read. */
static const char *read_at(HANDLE f, DWORD high, DWORD low, DWORD bytes)
{
    static char text[32];
    DWORD n = 0;
    OVERLAPPED where;
    memset(&where, 0, sizeof(where));
    memset(text, 0, sizeof(text));
    where.Offset = low;
    where.OffsetHigh = high;
    return ReadFile(f, text, bytes, &n, &where) ? text : NULL;
}

static BOOL write_at(HANDLE f, DWORD high, DWORD low, const char *text)
{
    DWORD n = 0;
    OVERLAPPED where;
    memset(&where, 0, sizeof(where));
    where.Offset = low;
    where.OffsetHigh = high;
    return WriteFile(f, text, (DWORD)strlen(text), &n, &where) && n == strlen(text);
}

static DWORD position_of(HANDLE f)
{
    return SetFilePointer(f, 0, NULL, FILE_CURRENT);
}

static void s4_overlapped_moves_the_position(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("moves"));
    HANDLE f = make(name, 0);
    assert_true(WriteFile(f, "0123456789", 10, &n, NULL));
    SetFilePointer(f, 1, NULL, FILE_BEGIN);
    assert_string_equal(read_at(f, 0, 4, 2), "45");
    assert_int_equal(position_of(f), 6);
    assert_true(write_at(f, 0, 2, "ab"));
    assert_int_equal(position_of(f), 4);
    SetLastError(0);
    assert_null(read_at(f, 0, 50, 2)); /* behind the end */
    assert_int_equal(GetLastError(), ERROR_HANDLE_EOF);
    assert_int_equal(position_of(f), 4);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_overlapped_minus_1_writes_at_the_end(void **state)
{
    (void)state;
    char name[4096];
    DWORD n;
    strcpy(name, scratch_name("minus"));
    HANDLE f = make(name, 0);
    assert_true(WriteFile(f, "0123456789", 10, &n, NULL));
    SetFilePointer(f, 3, NULL, FILE_BEGIN);
    assert_true(write_at(f, 0xFFFFFFFF, 0xFFFFFFFF, "END"));
    assert_int_equal(position_of(f), 13);
    assert_int_equal(size_of(f), 13);
    assert_string_equal(read_at(f, 0, 9, 10), "9END");
    SetFilePointer(f, 1, NULL, FILE_BEGIN);
    assert_true(write_at(f, 0xFFFFFFFF, 0xFFFFFFFE, "x")); /* -2: at the position */
    assert_string_equal(read_at(f, 0, 0, 3), "0x2");
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_overlapped_from_2_63_on_is_87(void **state)
{
    (void)state;
    char name[4096];
    const DWORD high[] = { 0x80000000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF };
    const DWORD low[] = { 0, 17, 0, 0xFFFFFFFD };
    strcpy(name, scratch_name("beyond"));
    HANDLE f = make(name, 10);
    SetFilePointer(f, 4, NULL, FILE_BEGIN);
    for (int i = 0; i < 4; i++) {
        assert_error(read_at(f, high[i], low[i], 2), NULL, ERROR_INVALID_PARAMETER);
        assert_error(write_at(f, high[i], low[i], "y"), FALSE, ERROR_INVALID_PARAMETER);
    }
    assert_error(read_at(f, 0xFFFFFFFF, 0xFFFFFFFF, 2), NULL, ERROR_INVALID_PARAMETER);
    assert_int_equal(position_of(f), 4);
    assert_int_equal(size_of(f), 10);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_overlapped_handle_needs_an_offset(void **state)
{
    (void)state;
    char name[4096], text[4];
    DWORD n;
    strcpy(name, scratch_name("async"));
    CloseHandle(make(name, 10));
    HANDLE f =
        CreateFileA(name, READ_WRITE, ALL_SHARE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    assert_error(ReadFile(f, text, 2, &n, NULL), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(WriteFile(f, text, 2, &n, NULL), FALSE, ERROR_INVALID_PARAMETER);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_position_that_needs_a_high_part_is_87_without(void **state)
{
    (void)state;
    char name[4096];
    LONG high = 1;
    strcpy(name, scratch_name("high"));
    HANDLE f = make(name, 10);
    assert_int_equal(SetFilePointer(f, 0x7FFFFFF0, NULL, FILE_BEGIN), 0x7FFFFFF0);
    assert_int_equal(SetFilePointer(f, 0x7FFFFFF0, NULL, FILE_CURRENT), 0xFFFFFFE0);
    assert_error(SetFilePointer(f, 0x100, NULL, FILE_CURRENT), INVALID_SET_FILE_POINTER,
                 ERROR_INVALID_PARAMETER);
    assert_int_equal(position_of(f), 0xFFFFFFE0); /* where it was */
    assert_int_equal(SetFilePointer(f, 5, &high, FILE_BEGIN), 5);
    assert_int_equal(high, 1);
    assert_error(position_of(f), INVALID_SET_FILE_POINTER, ERROR_INVALID_PARAMETER);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_low_part_of_all_ones_is_no_failure(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("ones"));
    HANDLE f = make(name, 10);
    SetFilePointer(f, 0x7FFFFFFF, NULL, FILE_BEGIN);
    SetFilePointer(f, 0x7FFFFFFF, NULL, FILE_CURRENT);
    SetLastError(0xDEADBEEF);
    assert_int_equal(SetFilePointer(f, 1, NULL, FILE_CURRENT), 0xFFFFFFFF);
    assert_int_equal(GetLastError(), NO_ERROR);
    assert_error(SetFilePointer(f, -5, NULL, FILE_BEGIN), INVALID_SET_FILE_POINTER,
                 ERROR_NEGATIVE_SEEK);
    CloseHandle(f);
    DeleteFileA(name);
}

/* Two that append take turns; each goes on where the other ended. */
static void append_in_turns(HANDLE a, HANDLE b, HANDLE reader)
{
    DWORD n;
    assert_true(WriteFile(a, "one ", 4, &n, NULL));
    assert_true(WriteFile(b, "two ", 4, &n, NULL));
    assert_true(write_at(a, 0, 0, "three"));
    assert_int_equal(size_of(reader), 13);
    assert_string_equal(read_at(reader, 0, 0, 20), "one two three");
}

static void s4_append_data_writes_at_the_end(void **state)
{
    (void)state;
    char name[4096];
    strcpy(name, scratch_name("append"));
    HANDLE f = make(name, 0);
    HANDLE a = open_as(name, FILE_APPEND_DATA, ALL_SHARE, OPEN_EXISTING);
    HANDLE b = open_as(name, FILE_APPEND_DATA | SYNCHRONIZE, ALL_SHARE, OPEN_EXISTING);
    append_in_turns(a, b, f);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_copy_that_may_only_append_does(void **state)
{
    (void)state;
    char name[4096];
    HANDLE self = GetCurrentProcess(), a = NULL;
    strcpy(name, scratch_name("copy"));
    HANDLE f = make(name, 0), b = make(name, 0);
    assert_true(DuplicateHandle(self, f, self, &a, FILE_APPEND_DATA, FALSE, 0));
    append_in_turns(a, a, b);
    CloseHandle(a);
    CloseHandle(b);
    CloseHandle(f);
    DeleteFileA(name);
}

static void s4_handles_fit_in_a_long(void **state)
{
    (void)state;
    enum { HELD = 2000 };
    static HANDLE held[HELD];
    for (int i = 0; i < 20000; i++) {
        HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
        assert_true((intptr_t)m > 0);
        assert_ptr_equal(m, (HANDLE)(intptr_t)(LONG)(intptr_t)m);
        if (i % 10 != 0 || i < 5000) { /* one value after the other, then with many open */
            assert_true(CloseHandle(m));
            continue;
        }
        if (held[i / 10 * 7 % HELD] != NULL)
            assert_true(CloseHandle(held[i / 10 * 7 % HELD]));
        held[i / 10 * 7 % HELD] = m;
    }
    for (int i = 0; i < HELD; i++)
        if (held[i] != NULL)
            assert_true(CloseHandle(held[i]));
}

static void s4_close_source_closes_even_when_refused(void **state)
{
    (void)state;
    char name[4096];
    HANDLE self = GetCurrentProcess(), copy = NULL;
    strcpy(name, scratch_name("refused"));
    CloseHandle(make(name, 1));
    HANDLE f = open_as(name, GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
    assert_error(
        DuplicateHandle(self, f, self, &copy, GENERIC_WRITE, FALSE, DUPLICATE_CLOSE_SOURCE), FALSE,
        ERROR_ACCESS_DENIED);
    assert_error(CloseHandle(f), FALSE, ERROR_INVALID_HANDLE);
    assert_true(DeleteFileA(name));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s4_create_new_on_existing_is_80),
        cmocka_unit_test(s4_create_always_and_open_always_set_183_or_0),
        cmocka_unit_test(s4_missing_file_2_missing_folder_3),
        cmocka_unit_test(s4_truncate_existing),
        not_on_wine(s4_truncate_existing_needs_generic_write),
        cmocka_unit_test(s4_sharing_conflict_is_32),
        cmocka_unit_test(s4_directory_is_5),
        cmocka_unit_test(s4_access_rights_hold),
        not_on_wine(s4_set_end_needs_generic_write),
        cmocka_unit_test(s4_read_write_and_positions),
        cmocka_unit_test(s4_read_into_uncommitted_memory_is_998),
        cmocka_unit_test(s4_wide_names),
        cmocka_unit_test(s4_mapped_file_cannot_be_cut_1224),
        not_on_wine(s4_delete_of_mapped_file_is_5),
        cmocka_unit_test(s4_delete_on_close),
        cmocka_unit_test(s4_close_handle),
        cmocka_unit_test(s4_handles_of_the_wrong_kind_are_6),
        not_on_wine(s4_file_calls_on_a_mapping_are_6),
        cmocka_unit_test(s4_duplicate_handle),
        not_on_wine(s4_overlapped_moves_the_position),
        cmocka_unit_test(s4_overlapped_minus_1_writes_at_the_end),
        cmocka_unit_test(s4_overlapped_from_2_63_on_is_87),
        cmocka_unit_test(s4_overlapped_handle_needs_an_offset),
        not_on_wine(s4_position_that_needs_a_high_part_is_87_without),
        cmocka_unit_test(s4_low_part_of_all_ones_is_no_failure),
        cmocka_unit_test(s4_append_data_writes_at_the_end),
        cmocka_unit_test(s4_copy_that_may_only_append_does),
        cmocka_unit_test(s4_handles_fit_in_a_long),
        not_on_wine(s4_close_source_closes_even_when_refused),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
