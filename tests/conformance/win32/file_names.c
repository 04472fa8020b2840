/* SPDX-License-Identifier: MIT */
/* file_names.c: what programs ask about files by name, and what they do with names and with ranges of
 * files: attributes, full paths, temporary files, moves, locks, space, folders. */
#include "win32_test.h"

#define ALL_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static char names[4][4096];

static char *name_of(int number, const char *name)
{
    return strcpy(names[number], scratch_name(name));
}

static HANDLE open_file(const char *name, DWORD access, DWORD share)
{
    return CreateFileA(name, access, share, NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
}

static void make_file(const char *name, const char *contents)
{
    DWORD n;
    HANDLE f = CreateFileA(name, GENERIC_WRITE, ALL_SHARE, NULL, CREATE_ALWAYS, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    assert_true(WriteFile(f, contents, (DWORD)strlen(contents), &n, NULL));
    assert_true(CloseHandle(f));
}

static void assert_contents(const char *name, const char *contents)
{
    char text[64] = "";
    DWORD n;
    HANDLE f = CreateFileA(name, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    assert_true(ReadFile(f, text, sizeof(text) - 1, &n, NULL));
    assert_true(CloseHandle(f));
    assert_string_equal(text, contents);
}

static WCHAR *wide(const char *text)
{
    static WCHAR buffer[4096];
    size_t n = strlen(text);
    for (size_t i = 0; i <= n; i++)
        buffer[i] = (WCHAR)(unsigned char)text[i];
    return buffer;
}

/* --- attributes ------------------------------------------------------------------------------ */

static void attributes_by_name(void **state)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    char *name = name_of(0, "attributes"), *below = name_of(1, "no-folder/x");
    (void)state;
    make_file(name, "0123456789");
    SetLastError(0xDEADBEEF);
    assert_int_equal(GetFileAttributesA(name), FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(GetFileAttributesW(wide(name)), FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    assert_int_equal(GetFileAttributesA("."), FILE_ATTRIBUTE_DIRECTORY);
    assert_kept(GetFileAttributesExA(name, GetFileExInfoStandard, &data));
    assert_int_equal(data.dwFileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(data.nFileSizeLow, 10);
    assert_int_equal(data.nFileSizeHigh, 0);
    assert_true(data.ftLastWriteTime.dwHighDateTime > 0x01D00000); /* after 2014 */
    assert_true(GetFileAttributesExW(wide(name), GetFileExInfoStandard, &data));
    assert_error(GetFileAttributesExA(name, GetFileExMaxInfoLevel, &data), FALSE,
                 ERROR_INVALID_PARAMETER);
    assert_error(GetFileAttributesA(below), INVALID_FILE_ATTRIBUTES, ERROR_PATH_NOT_FOUND);
    assert_error(GetFileAttributesA(""), INVALID_FILE_ATTRIBUTES, ERROR_PATH_NOT_FOUND);
    assert_true(DeleteFileA(name));
    assert_error(GetFileAttributesA(name), INVALID_FILE_ATTRIBUTES, ERROR_FILE_NOT_FOUND);
    assert_error(GetFileAttributesExA(name, GetFileExInfoStandard, &data), FALSE,
                 ERROR_FILE_NOT_FOUND);
}

static void read_only_is_set_and_taken_back(void **state)
{
    char *name = name_of(0, "read-only");
    (void)state;
    make_file(name, "x");
    assert_kept(SetFileAttributesA(name, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE));
    assert_int_equal(GetFileAttributesA(name), FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE);
    assert_kept(SetFileAttributesA(name, FILE_ATTRIBUTE_ARCHIVE));
    assert_int_equal(GetFileAttributesA(name), FILE_ATTRIBUTE_ARCHIVE);
    assert_true(DeleteFileA(name));
    assert_error(SetFileAttributesA(name, FILE_ATTRIBUTE_ARCHIVE), FALSE, ERROR_FILE_NOT_FOUND);
}

static void information_of_an_open_file(void **state)
{
    BY_HANDLE_FILE_INFORMATION a, b;
    FILETIME written;
    char *name = name_of(0, "information"), *other = name_of(1, "information2");
    (void)state;
    make_file(name, "0123456789");
    make_file(other, "");
    HANDLE f = open_file(name, GENERIC_READ, ALL_SHARE);
    HANDLE again = open_file(name, 0, ALL_SHARE);
    assert_kept(GetFileInformationByHandle(f, &a));
    assert_int_equal(a.dwFileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(a.nFileSizeLow, 10);
    assert_int_equal(a.nNumberOfLinks, 1);
    assert_true(GetFileInformationByHandle(again, &b));
    assert_true(a.nFileIndexLow == b.nFileIndexLow && a.nFileIndexHigh == b.nFileIndexHigh);
    assert_int_equal(a.dwVolumeSerialNumber, b.dwVolumeSerialNumber);
    CloseHandle(again);
    again = open_file(other, GENERIC_READ, ALL_SHARE);
    assert_true(GetFileInformationByHandle(again, &b));
    assert_true(a.nFileIndexLow != b.nFileIndexLow || a.nFileIndexHigh != b.nFileIndexHigh);
    assert_kept(GetFileTime(f, NULL, NULL, &written));
    assert_int_equal(CompareFileTime(&written, &a.ftLastWriteTime), 0);
    SetLastError(0xDEADBEEF);
    assert_int_equal(GetFileType(f), FILE_TYPE_DISK);
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    CloseHandle(f);
    CloseHandle(again);
    assert_error(GetFileInformationByHandle(f, &a), FALSE, ERROR_INVALID_HANDLE);
    assert_error(GetFileType(f), FILE_TYPE_UNKNOWN, ERROR_INVALID_HANDLE);
    DeleteFileA(name);
    DeleteFileA(other);
}

/* --- paths ----------------------------------------------------------------------------------- */

static int is_slash(int c)
{
    return c == '/' || c == '\\';
}

static void full_path_joins_the_current_folder(void **state)
{
    char folder[4096], full[4096], *part;
    WCHAR wide_full[4096], *wide_part;
    (void)state;
    DWORD length = GetCurrentDirectoryA(sizeof(folder), folder);
    assert_int_equal(length, strlen(folder));
    SetLastError(0xDEADBEEF);
    DWORD n = GetFullPathNameA("a/../b/./c.txt", sizeof(full), full, &part);
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    assert_int_equal(n, strlen(full));
    assert_int_equal(n, length + strlen("/b/c.txt"));
    assert_memory_equal(full, folder, length);
    assert_string_equal(part, "c.txt");
    assert_int_equal(GetFullPathNameW(wide("b/c.txt"), 4096, wide_full, &wide_part), n);
    assert_int_equal(wide_part - wide_full, part - full);
    assert_int_equal(GetFullPathNameA("b/c.txt", 3, full, NULL), n + 1);
    assert_int_equal(GetFullPathNameA("b/c.txt", n, full, NULL), n + 1);
    assert_int_equal(GetFullPathNameA("b/c.txt", n + 1, full, NULL), n);
    assert_int_equal(GetFullPathNameA("b/c.txt", 0, NULL, NULL), n + 1);
    part = full;
    n = GetFullPathNameA("b/", sizeof(full), full, &part);
    assert_true(is_slash(full[n - 1]));
    assert_null(part);
    n = GetFullPathNameA("../../../../../../../../../../../../../../../../x", sizeof(full), full,
                         &part);
    assert_string_equal(part, "x");
    assert_true(n <= 4); /* nothing lies above the root */
    assert_int_equal(GetFullPathNameA("", sizeof(full), full, NULL), 0);
    assert_int_equal(GetCurrentDirectoryA(2, full), length + 1);
}

static void temporary_folder_ends_with_a_slash(void **state)
{
    char folder[4096];
    WCHAR wide_folder[4096];
    (void)state;
    DWORD n = GetTempPathA(sizeof(folder), folder);
    assert_int_equal(n, strlen(folder));
    assert_true(n > 1 && is_slash(folder[n - 1]));
    assert_true(GetFileAttributesA(folder) == FILE_ATTRIBUTE_DIRECTORY);
    assert_int_equal(GetTempPathA(2, folder), n + 1);
    assert_int_equal(GetTempPathA(0, NULL), n + 1);
    assert_int_equal(GetTempPathW(4096, wide_folder), n);
}

static void temporary_file_is_made(void **state)
{
    char folder[MAX_PATH], first[MAX_PATH], second[MAX_PATH];
    (void)state;
    GetTempPathA(sizeof(folder), folder);
    UINT a = GetTempFileNameA(folder, "abcdef", 0, first);
    UINT b = GetTempFileNameA(folder, "abcdef", 0, second);
    assert_true(a != 0 && b != 0 && a <= 0xFFFF && strcmp(first, second) != 0);
    assert_int_equal(GetFileAttributesA(first), FILE_ATTRIBUTE_ARCHIVE);
    assert_int_equal(GetFileAttributesA(second), FILE_ATTRIBUTE_ARCHIVE);
    assert_memory_equal(first + strlen(folder), "abc", 3);
    assert_true(DeleteFileA(first));
    assert_true(DeleteFileA(second));
}

static void temporary_name_of_a_number(void **state)
{
    char folder[MAX_PATH], name[MAX_PATH], longer[MAX_PATH + 20], *file = name_of(0, "no-folder");
    WCHAR wide_name[MAX_PATH];
    static const WCHAR prefix[] = { 'a', 'b', 'c', 'd', 0 };
    (void)state;
    GetTempPathA(sizeof(folder), folder);
    assert_int_equal(GetTempFileNameA(folder, "abcdef", 0x12345, name), 0x2345);
    assert_string_equal(name + strlen(folder), "abc2345.tmp");
    assert_error(GetFileAttributesA(name), INVALID_FILE_ATTRIBUTES, ERROR_FILE_NOT_FOUND);
    assert_int_equal(GetTempFileNameA(folder, NULL, 1, name), 1);
    assert_string_equal(name + strlen(folder), "1.tmp");
    assert_int_equal(GetTempFileNameW(wide(folder), prefix, 0x12345, wide_name), 0x2345);
    assert_int_equal(wide_name[strlen(folder) + 3], '2');
    assert_error(GetTempFileNameA(file, "abc", 0, name), 0, ERROR_DIRECTORY);
    make_file(file, "");
    assert_error(GetTempFileNameA(file, "abc", 0, name), 0, ERROR_DIRECTORY);
    assert_error(GetTempFileNameA("", "abc", 0, name), 0, ERROR_DIRECTORY);
    DeleteFileA(file);
    memset(longer, 'a', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(GetTempFileNameA(longer, "abc", 1, name), 0);
}

static void space_of_a_file_system(void **state)
{
    ULARGE_INTEGER available, total, unused;
    char *missing = name_of(0, "missing");
    (void)state;
    assert_kept(GetDiskFreeSpaceExA(NULL, &available, &total, &unused));
    assert_true(available.QuadPart <= unused.QuadPart && unused.QuadPart <= total.QuadPart);
    assert_true(total.QuadPart > 0);
    assert_kept(GetDiskFreeSpaceExA(".", NULL, NULL, NULL));
    assert_kept(GetDiskFreeSpaceExW(wide("."), NULL, NULL, &unused));
    assert_error(GetDiskFreeSpaceExA(missing, &available, NULL, NULL), FALSE, ERROR_FILE_NOT_FOUND);
}

static void folders_are_made_and_removed(void **state)
{
    char *folder = name_of(0, "folder"), *inner = name_of(1, "folder/inner"),
         *below = name_of(2, "missing/inner");
    (void)state;
    assert_kept(CreateDirectoryA(folder, NULL));
    assert_int_equal(GetFileAttributesA(folder), FILE_ATTRIBUTE_DIRECTORY);
    assert_error(CreateDirectoryA(folder, NULL), FALSE, ERROR_ALREADY_EXISTS);
    assert_error(CreateDirectoryA(below, NULL), FALSE, ERROR_PATH_NOT_FOUND);
    assert_true(CreateDirectoryW(wide(inner), NULL));
    assert_error(RemoveDirectoryA(folder), FALSE, ERROR_DIR_NOT_EMPTY);
    assert_true(RemoveDirectoryW(wide(inner)));
    assert_kept(RemoveDirectoryA(folder));
    assert_error(RemoveDirectoryA(folder), FALSE, ERROR_FILE_NOT_FOUND);
    make_file(folder, "");
    assert_error(RemoveDirectoryA(folder), FALSE, ERROR_DIRECTORY);
    assert_true(DeleteFileA(folder));
}

/* --- moves ----------------------------------------------------------------------------------- */

static void a_move_replaces_only_if_asked(void **state)
{
    char *a = name_of(0, "move-a"), *b = name_of(1, "move-b"), *below = name_of(2, "missing/x");
    (void)state;
    make_file(a, "a");
    make_file(b, "b");
    assert_error(MoveFileExA(a, b, 0), FALSE, ERROR_ALREADY_EXISTS);
    assert_error(MoveFileA(a, b), FALSE, ERROR_ALREADY_EXISTS);
    assert_error(MoveFileExA(a, below, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_PATH_NOT_FOUND);
    assert_contents(b, "b");
    assert_kept(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING));
    assert_contents(b, "a");
    assert_error(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_FILE_NOT_FOUND);
    assert_kept(MoveFileExA(b, a, MOVEFILE_WRITE_THROUGH));
    assert_contents(a, "a");
    assert_kept(MoveFileA(a, a));
    assert_contents(a, "a");
    WCHAR wide_b[4096];
    memcpy(wide_b, wide(b), (strlen(b) + 1) * sizeof(WCHAR));
    assert_kept(MoveFileW(wide(a), wide_b));
    assert_contents(b, "a");
    DeleteFileA(b);
}

static void a_move_and_folders(void **state)
{
    char *file = name_of(0, "move-file"), *folder = name_of(1, "move-folder"),
         *to = name_of(2, "move-to");
    (void)state;
    make_file(file, "x");
    assert_true(CreateDirectoryA(folder, NULL));
    assert_error(MoveFileExA(file, folder, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_ACCESS_DENIED);
    assert_kept(MoveFileExA(folder, to, 0));
    assert_int_equal(GetFileAttributesA(to), FILE_ATTRIBUTE_DIRECTORY);
    assert_true(RemoveDirectoryA(to));
    DeleteFileA(file);
}

static void a_folder_does_not_replace_a_file(void **state)
{
    char *file = name_of(0, "move-file"), *folder = name_of(1, "move-folder");
    (void)state;
    make_file(file, "x");
    assert_true(CreateDirectoryA(folder, NULL));
    assert_error(MoveFileExA(folder, file, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_ACCESS_DENIED);
    assert_contents(file, "x");
    RemoveDirectoryA(folder);
    DeleteFileA(file);
}

static void a_move_asks_the_sharing_modes(void **state)
{
    char *a = name_of(0, "move-a"), *b = name_of(1, "move-b");
    (void)state;
    make_file(a, "a");
    make_file(b, "b");
    HANDLE f = open_file(a, GENERIC_READ, FILE_SHARE_READ);
    assert_error(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_SHARING_VIOLATION);
    assert_error(MoveFileExA(b, a, MOVEFILE_REPLACE_EXISTING), FALSE, ERROR_ACCESS_DENIED);
    CloseHandle(f);
    f = open_file(a, GENERIC_READ, ALL_SHARE);
    assert_true(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING));
    CloseHandle(f);
    DeleteFileA(b);
}

static void bad_moves_are_87(void **state)
{
    char *a = name_of(0, "move-a");
    (void)state;
    make_file(a, "a");
    assert_error(MoveFileExA(a, NULL, 0), FALSE, ERROR_INVALID_PARAMETER);
    assert_error(MoveFileExA(a, "x", 0x4000), FALSE, ERROR_INVALID_PARAMETER);
    DeleteFileA(a);
}

/* --- locks ----------------------------------------------------------------------------------- */

static BOOL lock_at(HANDLE f, DWORD flags, ULONGLONG offset, ULONGLONG size)
{
    OVERLAPPED where;
    memset(&where, 0, sizeof(where));
    where.Offset = (DWORD)offset;
    where.OffsetHigh = (DWORD)(offset >> 32);
    return LockFileEx(f, flags, 0, (DWORD)size, (DWORD)(size >> 32), &where);
}

static BOOL unlock_at(HANDLE f, ULONGLONG offset, ULONGLONG size)
{
    OVERLAPPED where;
    memset(&where, 0, sizeof(where));
    where.Offset = (DWORD)offset;
    where.OffsetHigh = (DWORD)(offset >> 32);
    return UnlockFileEx(f, 0, (DWORD)size, (DWORD)(size >> 32), &where);
}

#define SHARED    LOCKFILE_FAIL_IMMEDIATELY
#define EXCLUSIVE (LOCKFILE_FAIL_IMMEDIATELY | LOCKFILE_EXCLUSIVE_LOCK)

static HANDLE first, second;
static char lock_name[4096];

static void locks_set_up(void)
{
    strcpy(lock_name, scratch_name("locks"));
    make_file(lock_name, "0123456789");
    first = open_file(lock_name, GENERIC_READ | GENERIC_WRITE, ALL_SHARE);
    second = open_file(lock_name, GENERIC_READ | GENERIC_WRITE, ALL_SHARE);
}

static void locks_tear_down(void)
{
    CloseHandle(first);
    CloseHandle(second);
    DeleteFileA(lock_name);
}

static void exclusive_locks_exclude(void **state)
{
    (void)state;
    locks_set_up();
    assert_kept(lock_at(first, EXCLUSIVE, 0, 10));
    assert_error(lock_at(second, EXCLUSIVE, 5, 10), FALSE, ERROR_LOCK_VIOLATION);
    assert_error(lock_at(second, SHARED, 9, 1), FALSE, ERROR_LOCK_VIOLATION);
    assert_error(lock_at(first, EXCLUSIVE, 5, 1), FALSE, ERROR_LOCK_VIOLATION);
    assert_kept(lock_at(second, EXCLUSIVE, 10, 10)); /* beside it, and behind the file's end */
    assert_kept(unlock_at(first, 0, 10));
    assert_kept(lock_at(second, EXCLUSIVE, 0, 10));
    assert_error(LockFile(first, 0, 0, 1, 0), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(second, 0, 10));
    assert_kept(LockFile(first, 0, 0, 1, 0));
    assert_kept(UnlockFile(first, 0, 0, 1, 0));
    locks_tear_down();
}

static void shared_locks_share(void **state)
{
    (void)state;
    locks_set_up();
    assert_true(lock_at(first, SHARED, 0, 10));
    assert_true(lock_at(second, SHARED, 0, 10));
    assert_true(lock_at(second, SHARED, 5, 10));
    assert_error(lock_at(first, EXCLUSIVE, 0, 10), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(second, 0, 10));
    assert_error(lock_at(first, EXCLUSIVE, 12, 1), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(second, 5, 10));
    assert_true(unlock_at(first, 0, 10));
    assert_true(lock_at(second, EXCLUSIVE, 0, 10));
    locks_tear_down();
}

static void a_shared_lock_may_follow_the_same_handles_exclusive_one(void **state)
{
    (void)state;
    locks_set_up();
    assert_true(lock_at(first, EXCLUSIVE, 0, 10));
    assert_true(lock_at(first, SHARED, 0, 10));
    assert_error(lock_at(second, SHARED, 0, 10), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(first, 0, 10)); /* the exclusive one */
    assert_true(lock_at(second, SHARED, 0, 10));
    assert_error(lock_at(second, EXCLUSIVE, 0, 10), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(second, 0, 10));
    assert_true(unlock_at(first, 0, 10));
    assert_true(lock_at(second, EXCLUSIVE, 0, 10));
    locks_tear_down();
}

static void unlock_takes_exactly_the_range(void **state)
{
    (void)state;
    locks_set_up();
    assert_true(lock_at(first, EXCLUSIVE, 0, 10));
    assert_error(unlock_at(first, 0, 5), FALSE, ERROR_NOT_LOCKED);
    assert_error(unlock_at(second, 0, 10), FALSE, ERROR_NOT_LOCKED);
    assert_true(unlock_at(first, 0, 10));
    assert_error(unlock_at(first, 0, 10), FALSE, ERROR_NOT_LOCKED);
    locks_tear_down();
}

static void locks_of_the_whole_file_and_far_away(void **state)
{
    const ULONGLONG far_away = (ULONGLONG)0xFFFFFFFFu << 32;
    (void)state;
    locks_set_up();
    assert_true(lock_at(first, EXCLUSIVE, 0, ~(ULONGLONG)0));
    assert_error(lock_at(second, SHARED, 3, 1), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(unlock_at(first, 0, ~(ULONGLONG)0));
    assert_true(lock_at(first, EXCLUSIVE, far_away, 1));
    assert_error(lock_at(second, EXCLUSIVE, far_away, 1), FALSE, ERROR_LOCK_VIOLATION);
    assert_true(lock_at(second, EXCLUSIVE, 0, 1));
    assert_true(unlock_at(first, far_away, 1));
    assert_true(lock_at(second, EXCLUSIVE, far_away, 1));
    assert_true(lock_at(first, EXCLUSIVE, 100, 0)); /* an empty range excludes nobody */
    assert_true(lock_at(second, EXCLUSIVE, 100, 1));
    locks_tear_down();
}

static void closing_the_handle_unlocks(void **state)
{
    (void)state;
    locks_set_up();
    assert_true(lock_at(first, EXCLUSIVE, 0, 10));
    assert_true(CloseHandle(first));
    assert_true(lock_at(second, EXCLUSIVE, 0, 10));
    first = INVALID_HANDLE_VALUE;
    locks_tear_down();
}

static void bad_locks(void **state)
{
    OVERLAPPED where;
    (void)state;
    locks_set_up();
    memset(&where, 0, sizeof(where));
    assert_error(LockFileEx(first, EXCLUSIVE, 1, 1, 0, &where), FALSE, ERROR_INVALID_PARAMETER);
    CloseHandle(first);
    assert_error(LockFileEx(first, EXCLUSIVE, 0, 1, 0, &where), FALSE, ERROR_INVALID_HANDLE);
    first = open_file(lock_name, 0, ALL_SHARE);
    assert_error(lock_at(first, SHARED, 0, 1), FALSE, ERROR_ACCESS_DENIED);
    locks_tear_down();
}

static LONG volatile has_lock;

static void wait_for_lock(void *argument)
{
    if (lock_at(argument, LOCKFILE_EXCLUSIVE_LOCK, 0, 10))
        __atomic_store_n(&has_lock, 1, __ATOMIC_RELEASE);
}

static void a_lock_is_waited_for(void **state)
{
    HANDLE waiters[2];
    int cases = 2;
    (void)state;
#ifdef _WIN32
    cases = 1; /* there, calls on one handle that is not overlapped wait for each other */
#endif
    for (int same_handle = 0; same_handle < cases; same_handle++) {
        locks_set_up();
        waiters[0] = second;
        waiters[1] = first;
        has_lock = 0;
        assert_true(lock_at(first, EXCLUSIVE, 5, 10));
        thread_t waiter = thread_start(wait_for_lock, waiters[same_handle]);
        Sleep(50);
        assert_int_equal(has_lock, 0);
        assert_true(unlock_at(first, 5, 10));
        assert_true(wait_until_nonzero(&has_lock));
        thread_join(waiter);
        locks_tear_down();
    }
}

static int lock_in_child(const char *role)
{
    HANDLE f = open_file(getenv("BARROW_TEST_LOCKED"), GENERIC_READ | GENERIC_WRITE, ALL_SHARE);
    (void)role;
    return lock_at(f, EXCLUSIVE, 0, 1) ? 1 : GetLastError() == (DWORD)ERROR_LOCK_VIOLATION ? 0 : 2;
}

static void locks_hold_in_other_processes(void **state)
{
    (void)state;
    locks_set_up();
#ifdef _WIN32
    _putenv_s("BARROW_TEST_LOCKED", lock_name);
    SetEnvironmentVariableA("BARROW_TEST_LOCKED", lock_name);
#else
    setenv("BARROW_TEST_LOCKED", lock_name, 1);
#endif
    assert_true(lock_at(first, EXCLUSIVE, 0, 10));
    assert_int_equal(child_wait(child_start("lock")), 0);
    assert_true(unlock_at(first, 0, 10));
    assert_int_equal(child_wait(child_start("lock")), 1);
    locks_tear_down();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_by_name),
        cmocka_unit_test(read_only_is_set_and_taken_back),
        cmocka_unit_test(information_of_an_open_file),
        cmocka_unit_test(full_path_joins_the_current_folder),
        cmocka_unit_test(temporary_folder_ends_with_a_slash),
        cmocka_unit_test(temporary_file_is_made),
        cmocka_unit_test(temporary_name_of_a_number),
        cmocka_unit_test(space_of_a_file_system),
        cmocka_unit_test(folders_are_made_and_removed),
        cmocka_unit_test(a_move_replaces_only_if_asked),
        cmocka_unit_test(a_move_and_folders),
        not_on_wine(a_folder_does_not_replace_a_file),
        not_on_wine(a_move_asks_the_sharing_modes),
        not_on_wine(bad_moves_are_87),
        cmocka_unit_test(exclusive_locks_exclude),
        cmocka_unit_test(shared_locks_share),
        cmocka_unit_test(a_shared_lock_may_follow_the_same_handles_exclusive_one),
        not_on_wine(unlock_takes_exactly_the_range),
        cmocka_unit_test(locks_of_the_whole_file_and_far_away),
        cmocka_unit_test(closing_the_handle_unlocks),
        not_on_wine(bad_locks),
        cmocka_unit_test(a_lock_is_waited_for),
        cmocka_unit_test(locks_hold_in_other_processes),
    };
    tests_set_up(argc, argv, lock_in_child);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
