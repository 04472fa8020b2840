/* SPDX-License-Identifier: MIT */
/* linux_files.c: files as Linux has them under the Win32 face: links, renamed files, several
 * processes at once, and processes that end without closing. */
#include "linux_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#if __has_include(<linux/filter.h>) /* musl-gcc comes without the kernel's headers */
#include <linux/filter.h>
#include <linux/seccomp.h>
#define HAS_FILTERS 1
#else
#define HAS_FILTERS 0
#endif

#define ALL_SHARE  (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define READ_WRITE (GENERIC_READ | GENERIC_WRITE)

/* Each test has a folder of its own and is in it. */
static char folder[4096];
static int start;

static int enter_folder(void **state)
{
    (void)state;
    start = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(folder, sizeof(folder), "%s", scratch_name("folder-XXXXXX"));
    return start >= 0 && mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    char command[5000];
    int back = fchdir(start);
    close(start);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return back != 0 ? back : system(command);
}

static HANDLE temporary(const char *name)
{
    HANDLE f = CreateFileA(name, READ_WRITE, ALL_SHARE, NULL, CREATE_ALWAYS,
                           FILE_FLAG_DELETE_ON_CLOSE, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    return f;
}

static HANDLE open_as(const char *name, DWORD access, DWORD disposition)
{
    return CreateFileA(name, access, ALL_SHARE, NULL, disposition, 0, NULL);
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static int is_there(const char *name)
{
    struct stat s;
    return lstat(name, &s) == 0;
}

static void delete_on_close_follows_the_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir("other", 0700), 0);
    put("other/a.tmp", "not this one");
    HANDLE f = temporary("a.tmp");
    assert_int_equal(chdir("other"), 0);
    assert_true(CloseHandle(f));
    assert_true(is_there("a.tmp"));
    assert_false(is_there("../a.tmp"));
    assert_int_equal(chdir(".."), 0);

    f = temporary("b.tmp");
    assert_int_equal(rename("b.tmp", "moved.tmp"), 0);
    put("b.tmp", "a new one");
    assert_true(CloseHandle(f));
    assert_true(is_there("b.tmp"));
    assert_false(is_there("moved.tmp"));

    f = temporary("c.tmp");
    assert_int_equal(unlink("c.tmp"), 0);
    put("c.tmp", "a new one");
    put("c.tmp (deleted)", "a file of that name");
    assert_true(CloseHandle(f));
    assert_true(is_there("c.tmp"));
    assert_true(is_there("c.tmp (deleted)"));
}

static void delete_on_close_through_a_link(void **state)
{
    (void)state;
    put("target", "x");
    assert_int_equal(symlink("target", "link"), 0);
    assert_true(CloseHandle(temporary("link")));
    assert_false(is_there("target"));
    assert_true(is_there("link"));
}

static void close_while_traced(void)
{
    HANDLE f = CreateFileA("mine", READ_WRITE, ALL_SHARE, NULL, CREATE_ALWAYS,
                           FILE_FLAG_DELETE_ON_CLOSE, NULL);
    child_check(f != INVALID_HANDLE_VALUE && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    child_check(CloseHandle(f));
    _exit(0);
}

/* Another program puts its file in the place of the one to be deleted, before or after the system call
 * of that number within CloseHandle. False: there are not so many. */
static bool replace_at_stop(int number)
{
    int status, stop = 0;
    put("theirs", "not to be lost");
    pid_t child = fork();
    if (child == 0)
        close_while_traced();
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (stop++ == number)
            assert_int_equal(rename("theirs", "mine"), 0);
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return stop > number;
}

static int files_left(void)
{
    int count = 0;
    DIR *all = opendir(".");
    for (struct dirent *entry; (entry = readdir(all)) != NULL;)
        count += entry->d_name[0] != '.' || entry->d_name[1] == 'b';
    closedir(all);
    return count;
}

static void delete_on_close_spares_what_takes_the_files_place(void **state)
{
    int stops = 0;
    (void)state;
    for (; replace_at_stop(stops); stops++) {
        if (!is_there("mine"))
            fail_msg("gone when it came at stop %d", stops);
        assert_int_equal(unlink("mine"), 0);
        assert_int_equal(files_left(), 0);
    }
    assert_true(stops > 6);
}

static void exit_without_closing(void)
{
    HANDLE f = CreateFileA("exit.tmp", READ_WRITE, 0, NULL, CREATE_ALWAYS,
                           FILE_FLAG_DELETE_ON_CLOSE, NULL);
    child_check(f != INVALID_HANDLE_VALUE && is_there("exit.tmp"));
    exit(0);
}

static void delete_on_close_at_the_end_of_the_process(void **state)
{
    (void)state;
    in_child(exit_without_closing, 0);
    assert_false(is_there("exit.tmp"));
}

static void exit_at_once(void)
{
    exit(0);
}

static void delete_on_close_is_not_the_childs(void **state)
{
    (void)state;
    HANDLE f = temporary("parent.tmp");
    in_child(exit_at_once, 0);
    assert_true(is_there("parent.tmp"));
    assert_true(CloseHandle(f));
    assert_false(is_there("parent.tmp"));
}

static void open_through_links(void)
{
    const DWORD both[] = { OPEN_ALWAYS, CREATE_ALWAYS };
    child_check(symlink("nowhere", "link") == 0 && symlink("link", "second") == 0);
    child_check(symlink("loop", "loop") == 0 && symlink("no/folder", "lost") == 0);
    for (int i = 0; i < 2; i++) {
        HANDLE f = open_as("second", READ_WRITE, both[i]);
        child_check(f != INVALID_HANDLE_VALUE && GetLastError() == 0);
        child_check(CloseHandle(f) && is_there("nowhere") && unlink("nowhere") == 0);
        child_check(open_as("loop", READ_WRITE, both[i]) == INVALID_HANDLE_VALUE);
        child_check(open_as("lost", READ_WRITE, both[i]) == INVALID_HANDLE_VALUE);
        child_check(GetLastError() == ERROR_PATH_NOT_FOUND);
    }
    child_check(open_as("link", READ_WRITE, CREATE_NEW) == INVALID_HANDLE_VALUE);
    child_check(GetLastError() == ERROR_FILE_EXISTS);
    child_check(open_as("link", READ_WRITE, OPEN_EXISTING) == INVALID_HANDLE_VALUE);
    child_check(GetLastError() == ERROR_FILE_NOT_FOUND);
    child_check(DeleteFileA("link") && !is_there("link"));
}

static void links_that_lead_nowhere(void **state)
{
    (void)state;
    in_child(open_through_links, 0);
}

static void delete_what_is_no_file(void)
{
    child_check(mkfifo("fifo", 0600) == 0 && mkdir("dir", 0700) == 0);
    child_check(DeleteFileA("fifo") && !is_there("fifo"));
    child_check(!DeleteFileA("dir") && GetLastError() == ERROR_ACCESS_DENIED);
    put("kept", "x");
    child_check(symlink("kept", "to") == 0 && DeleteFileA("to"));
    child_check(is_there("kept") && !is_there("to"));
}

static void delete_does_not_wait_for_a_fifo(void **state)
{
    (void)state;
    in_child(delete_what_is_no_file, 0);
}

/* --- several processes ----------------------------------------------------------------------- */

enum { LINES = 5000 };

static void append_lines(const char *line)
{
    DWORD n;
    HANDLE f = open_as("log", FILE_APPEND_DATA, OPEN_ALWAYS);
    child_check(f != INVALID_HANDLE_VALUE);
    for (int i = 0; i < LINES; i++)
        child_check(WriteFile(f, line, 16, &n, NULL) && n == 16);
    _exit(0);
}

/* With a handle that may write anywhere, and offsets that say: at the end. */
static void write_lines_at_the_end(const char *line)
{
    DWORD n;
    HANDLE f = open_as("log", READ_WRITE, OPEN_ALWAYS);
    child_check(f != INVALID_HANDLE_VALUE);
    for (int i = 0; i < LINES; i++) {
        OVERLAPPED end;
        memset(&end, 0, sizeof(end));
        end.Offset = end.OffsetHigh = 0xFFFFFFFF;
        child_check(WriteFile(f, line, 16, &n, &end) && n == 16);
    }
    _exit(0);
}

static void processes_append_side_by_side(void **state)
{
    (void)state;
    struct stat s;
    pid_t children[3];
    void (*const how[])(const char *) = { append_lines, append_lines, write_lines_at_the_end };
    for (int i = 0; i < 3; i++)
        if ((children[i] = fork()) == 0)
            how[i]("fifteen letters\n");
    for (int i = 0; i < 3; i++)
        assert_int_equal(wait_for(children[i]), 0);
    assert_int_equal(stat("log", &s), 0);
    assert_int_equal(s.st_size, 3 * LINES * 16);
}

static HANDLE open_shared(void)
{
    return open_as("grown", READ_WRITE, OPEN_EXISTING);
}

/* The child waits until the parent is about to grow the file too. */
static void grow_together(int spin)
{
    int gate[2];
    struct stat s;
    put("grown", "");
    assert_int_equal(pipe(gate), 0);
    HANDLE f = open_shared();
    pid_t child = fork();
    if (child == 0) {
        char byte;
        HANDLE mine = open_shared();
        close(gate[1]);
        child_check(read(gate[0], &byte, 1) == 0);
        child_check(CreateFileMappingA(mine, NULL, RW, 0, PAGE, NULL) != NULL);
        _exit(0);
    }
    close(gate[0]);
    close(gate[1]);
    for (volatile int i = 0; i < spin; i++)
        continue;
    HANDLE m = CreateFileMappingA(f, NULL, RW, 0, 1 << 20, NULL);
    assert_non_null(m);
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(stat("grown", &s), 0);
    assert_int_equal(s.st_size, 1 << 20);
    CloseHandle(m);
    CloseHandle(f);
}

static void growing_never_cuts(void **state)
{
    (void)state;
    for (int i = 0; i < 1500; i++)
        grow_together(i % 150 * 800);
}

/* One process maps the file while others cut it: by SetEndOfFile, and by opening it anew. A file that
 * was mapped at 1 MiB has that size as long as the mapping lives. */
static volatile int *stop_cutting;

static void cut_by_set_end(void)
{
    HANDLE f = open_shared();
    while (!*stop_cutting)
        SetEndOfFile(f);
    _exit(0);
}

static void cut_by_opening(void)
{
    while (!*stop_cutting)
        CloseHandle(open_as("grown", READ_WRITE, CREATE_ALWAYS));
    _exit(0);
}

static void a_mapped_file_is_not_cut_by_others(void **state)
{
    (void)state;
    pid_t children[2];
    HANDLE flag = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
    stop_cutting = MapViewOfFile(flag, FILE_MAP_WRITE, 0, 0, 0);
    put("grown", "");
    void (*const how[])(void) = { cut_by_set_end, cut_by_opening };
    for (int i = 0; i < 2; i++)
        if ((children[i] = fork()) == 0)
            how[i]();
    int cut = 0;
    HANDLE f = open_shared();
    for (int i = 0; i < 3000; i++) {
        HANDLE m = CreateFileMappingA(f, NULL, RW, 0, 1 << 20, NULL);
        assert_non_null(m);
        cut += GetFileSize(f, NULL) != 1 << 20;
        CloseHandle(m);
    }
    *stop_cutting = 1;
    for (int i = 0; i < 2; i++)
        assert_int_equal(wait_for(children[i]), 0);
    assert_int_equal(cut, 0);
    UnmapViewOfFile((LPCVOID)stop_cutting);
    CloseHandle(f);
    CloseHandle(flag);
}

/* --- creation that fails --------------------------------------------------------------------- */

static volatile int stop_moving;

/* Puts a file of its own in the place of what the other thread has created. */
static void *move_into_place(void *lost)
{
    for (int i = 0; i < 20000 && !stop_moving; i++) {
        struct stat mine, there;
        put("mine", "precious");
        if (stat("mine", &mine) != 0 || rename("mine", "contested") != 0)
            break;
        for (int look = 0; look < 20; look++)
            if (stat("contested", &there) != 0 || there.st_ino != mine.st_ino)
                ++*(int *)lost;
        unlink("contested");
    }
    return NULL;
}

static void fill_the_table(HANDLE any)
{
    HANDLE self = GetCurrentProcess(), copy;
    while (DuplicateHandle(self, any, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
        continue;
    child_check(GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
}

static void fail_to_create(void)
{
    pthread_t mover;
    int lost = 0;
    fill_the_table(CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL));
    child_check(open_as("plain", READ_WRITE, CREATE_NEW) == INVALID_HANDLE_VALUE);
    child_check(GetLastError() == ERROR_NOT_ENOUGH_MEMORY && !is_there("plain"));
    child_check(pthread_create(&mover, NULL, move_into_place, &lost) == 0);
    for (int i = 0; i < 20000; i++)
        child_check(open_as("contested", READ_WRITE, CREATE_NEW) == INVALID_HANDLE_VALUE);
    stop_moving = 1;
    pthread_join(mover, NULL);
    child_check(lost == 0);
}

static void a_failed_creation_removes_its_own_file_only(void **state)
{
    (void)state;
    in_child(fail_to_create, 0);
}

/* --- waiting for a disk ---------------------------------------------------------------------- */

#if HAS_FILTERS

/* The call that may wait for a disk is held up by a signal handler. Another thread's calls must go on
 * meanwhile. */
static volatile sig_atomic_t held_up;
static volatile int other_went_on;

static void hold_up(int number)
{
    (void)number;
    held_up = 1;
    for (int i = 0; i < 5000 && !other_went_on; i++)
        usleep(1000);
}

static void *use_memory(void *unused)
{
    MEMORY_BASIC_INFORMATION info;
    (void)unused;
    while (!held_up)
        usleep(100);
    VirtualQuery(&info, &info, sizeof(info));
    other_went_on = 1;
    return NULL;
}

static void trap_the_call(unsigned number)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(steps) / sizeof(steps[0]), steps };
    signal(SIGSYS, hold_up);
    child_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    child_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

static void flush_slowly(void)
{
    pthread_t other;
    put("flushed", "some text");
    HANDLE f = open_as("flushed", READ_WRITE, OPEN_EXISTING);
    HANDLE m = CreateFileMappingA(f, NULL, RW, 0, 0, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    child_check(v != NULL && pthread_create(&other, NULL, use_memory, NULL) == 0);
    v[0] = 'S';
    trap_the_call(SYS_sync_file_range);
    FlushViewOfFile(v, 0);
    child_check(held_up && other_went_on);
    pthread_join(other, NULL);
}

static void flushing_holds_nobody_up(void **state)
{
    (void)state;
    in_child(flush_slowly, 0);
}
#endif

/* ---- locked ranges against a list ----------------------------------------------------------------*/

enum { RANGES = 40, BYTES = 24 };

static struct {
    unsigned offset, size;
    bool exclusive;
} locked[RANGES];
static int locked_count;
static HANDLE locked_file;

static bool lock_conflicts(unsigned offset, unsigned size)
{
    for (int i = 0; i < locked_count; i++)
        if (locked[i].offset < offset + size && offset < locked[i].offset + locked[i].size)
            return true;
    return false;
}

static void lock_at_random(unsigned offset, unsigned size, bool exclusive)
{
    OVERLAPPED where = { .Offset = offset };
    DWORD flags = LOCKFILE_FAIL_IMMEDIATELY | (exclusive ? LOCKFILE_EXCLUSIVE_LOCK : 0);
    BOOL possible = !exclusive || !lock_conflicts(offset, size);
    if (locked_count == RANGES)
        return;
    assert_int_equal(LockFileEx(locked_file, flags, 0, size, 0, &where), possible);
    if (!possible)
        return;
    locked[locked_count].offset = offset;
    locked[locked_count].size = size;
    locked[locked_count++].exclusive = exclusive;
}

/* The exclusive range of the place, else a shared one, else -1. */
static int find_locked(unsigned offset, unsigned size)
{
    int found = -1;
    for (int i = 0; i < locked_count; i++)
        if (locked[i].offset == offset && locked[i].size == size &&
            (found < 0 || locked[i].exclusive))
            found = i;
    return found;
}

static void unlock_at_random(unsigned offset, unsigned size)
{
    int i = find_locked(offset, size);
    assert_int_equal(UnlockFile(locked_file, offset, 0, size, 0), i >= 0);
    if (i >= 0)
        locked[i] = locked[--locked_count];
}

static int expected_lock(unsigned byte)
{
    int kind = F_UNLCK;
    for (int i = 0; i < locked_count; i++)
        if (locked[i].offset <= byte && byte < locked[i].offset + locked[i].size && kind != F_WRLCK)
            kind = locked[i].exclusive ? F_WRLCK : F_RDLCK;
    return kind;
}

static void check_kernels_locks(int fd)
{
    for (unsigned byte = 0; byte < BYTES; byte++) {
        struct flock probe = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
        };
        assert_int_equal(fcntl(fd, F_OFD_GETLK, &probe), 0);
        assert_int_equal(probe.l_type, expected_lock(byte));
    }
}

static void the_kernel_has_the_strongest_lock_of_each_byte(void **state)
{
    (void)state;
    put("locks", "some text");
    locked_file = open_as("locks", READ_WRITE, OPEN_EXISTING);
    int fd = open("locks", O_RDWR | O_CLOEXEC);
    srand(5);
    for (int round = 0; round < 5000; round++) {
        unsigned offset = (unsigned)rand() % BYTES, size = (unsigned)rand() % 7;
        int known = locked_count > 0 ? rand() % locked_count : 0;
        if (rand() % 2 == 0)
            lock_at_random(offset, size, rand() % 2 == 0);
        else if (rand() % 2 == 0 && locked_count > 0)
            unlock_at_random(locked[known].offset, locked[known].size);
        else
            unlock_at_random(offset, size);
        check_kernels_locks(fd);
    }
    close(fd);
    assert_true(CloseHandle(locked_file));
}

int main(int argc, char **argv)
{
#define in_folder(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        in_folder(delete_on_close_follows_the_file),
        in_folder(delete_on_close_through_a_link),
        in_folder(delete_on_close_spares_what_takes_the_files_place),
        in_folder(delete_on_close_at_the_end_of_the_process),
        in_folder(delete_on_close_is_not_the_childs),
        in_folder(links_that_lead_nowhere),
        in_folder(delete_does_not_wait_for_a_fifo),
        in_folder(processes_append_side_by_side),
        in_folder(growing_never_cuts),
        in_folder(a_mapped_file_is_not_cut_by_others),
        in_folder(a_failed_creation_removes_its_own_file_only),
        in_folder(the_kernel_has_the_strongest_lock_of_each_byte),
#if HAS_FILTERS
        in_folder(flushing_holds_nobody_up),
#endif
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
