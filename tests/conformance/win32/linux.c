/* SPDX-License-Identifier: MIT */
/* linux.c: what the Win32 face must do on Linux beyond Windows' own rules: fork, memory that others
 * mapped, other users, and the warning for a mistake. */
#include "linux_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void child_of_fork_has_the_same_state(void **state)
{
    (void)state;
    char *p = alloc_pages(8, MEM_RESERVE, RW);
    VirtualAlloc(p + PAGE, PAGE, MEM_COMMIT, RW);
    p[PAGE] = 5;
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
    int *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE, 100);
    pid_t child = fork();
    if (child == 0) {
        MEMORY_BASIC_INFORMATION info;
        child_check(VirtualQuery(p + PAGE, &info, sizeof(info)) && info.State == MEM_COMMIT);
        child_check(info.RegionSize == PAGE && p[PAGE] == 5);
        child_check(VirtualAlloc(p, PAGE, MEM_COMMIT, RW) == p);
        p[0] = 1;
        child_check(GlobalLock(g) != NULL);
        HANDLE own = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
        int *w = MapViewOfFile(own, FILE_MAP_WRITE, 0, 0, 0);
        child_check(w != NULL && *w == 0);
        *w = 9;
        *v = 7; /* views are shared with the parent */
        int *again = MapViewOfFile(m, FILE_MAP_READ, 0, 0, 0);
        child_check(again != NULL && *again == 7);
        child_check(CloseHandle(m) && CloseHandle(own) && VirtualFree(p, 0, MEM_RELEASE));
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(*v, 7);
    assert_int_equal(query(p).State, MEM_RESERVE);
    HANDLE other = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
    int *w = MapViewOfFile(other, FILE_MAP_WRITE, 0, 0, 0);
    assert_int_equal(*w, 0); /* not the child's */
    UnmapViewOfFile(w);
    CloseHandle(other);
    UnmapViewOfFile(v);
    CloseHandle(m);
    GlobalFree(g);
    release(p);
}

static void name_lives_while_parent_or_child_has_a_handle(void **state)
{
    (void)state;
    char name[128];
    int gate[2];
    strcpy(name, object_name("forked"));
    assert_int_equal(pipe(gate), 0);
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, name);
    pid_t child = fork();
    if (child == 0) { /* holds its copy of the handle until the gate opens */
        char byte;
        close(gate[1]);
        ssize_t ignored = read(gate[0], &byte, 1);
        (void)ignored;
        child_check(CloseHandle(m));
        _exit(0);
    }
    close(gate[0]);
    assert_true(CloseHandle(m));
    HANDLE o = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    assert_non_null(o);
    CloseHandle(o);
    close(gate[1]);
    assert_int_equal(wait_for(child), 0);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, name), NULL, ERROR_FILE_NOT_FOUND);
}

static volatile int stop_threads;

static void *make_and_free(void *unused)
{
    (void)unused;
    while (!stop_threads) {
        char *p = VirtualAlloc(NULL, 3 * PAGE, MEM_COMMIT, RW);
        HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
        char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
        HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE, 50);
        if (p == NULL || v == NULL || g == NULL)
            abort();
        p[0] = v[0] = 1;
        VirtualFree(p, 0, MEM_RELEASE);
        UnmapViewOfFile(v);
        CloseHandle(m);
        GlobalFree(g);
    }
    return NULL;
}

static void forks_amid_threads(void **state)
{
    (void)state;
    pthread_t threads[3];
    stop_threads = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, NULL), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            char *p = VirtualAlloc(NULL, PAGE, MEM_COMMIT, RW);
            HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, NULL);
            child_check(p != NULL && m != NULL && VirtualFree(p, 0, MEM_RELEASE));
            child_check(CloseHandle(m));
            _exit(0);
        }
        assert_int_equal(wait_for(child), 0);
    }
    stop_threads = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void query_sees_the_programs_own_mappings(void **state)
{
    (void)state;
    char *p = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + 2 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(mprotect(p + 8 * PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
    MEMORY_BASIC_INFORMATION info = query(p + 3 * PAGE + 1);
    assert_int_equal(info.State, MEM_COMMIT);
    assert_int_equal(info.Protect, RW);
    assert_int_equal(info.Type, MEM_PRIVATE);
    assert_int_equal(info.RegionSize, 2 * PAGE);
    info = query(p + 8 * PAGE);
    assert_int_equal(info.Protect, PAGE_EXECUTE_READ);
    assert_int_equal(info.RegionSize, PAGE);
    assert_region(p + 5 * PAGE, MEM_RESERVE, 0, 3);
    assert_int_equal(munmap(p + 12 * PAGE, PAGE), 0);
    assert_region(p + 12 * PAGE, MEM_FREE, PAGE_NOACCESS, 1);
    munmap(p, 16 * PAGE);
    int fd = open("/proc/self/exe", O_RDONLY);
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    info = query(file);
    assert_int_equal(info.Type, MEM_MAPPED);
    assert_int_equal(info.Protect, PAGE_READONLY);
    munmap(file, PAGE);
}

static void foreign_memory_can_be_protected_and_locked(void **state)
{
    (void)state;
    DWORD old = 0;
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
    assert_int_equal(old, RW);
    assert_int_equal(fault_of_write(p), STATUS_ACCESS_VIOLATION);
    assert_true(VirtualLock(p + PAGE, PAGE));
    assert_true(VirtualUnlock(p + PAGE, PAGE));
    assert_error(VirtualFree(p, 0, MEM_RELEASE), FALSE, ERROR_INVALID_ADDRESS);
    assert_error(VirtualAlloc(p, PAGE, MEM_COMMIT, RW), NULL, ERROR_INVALID_ADDRESS);
    assert_error(UnmapViewOfFile(p), FALSE, ERROR_INVALID_ADDRESS);
    munmap(p, 4 * PAGE);
}

static void lack_of_address_space_is_8_of_memory_1455(void **state)
{
    (void)state;
    char mode = '1';
    int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
    assert_int_equal(read(fd, &mode, 1), 1);
    close(fd);
    assert_error(VirtualAlloc(NULL, (SIZE_T)127 << 40, MEM_RESERVE, RW), NULL,
                 ERROR_NOT_ENOUGH_MEMORY);
    if (mode == '1') /* the kernel promises any amount */
        return;
    assert_error(VirtualAlloc(NULL, (SIZE_T)20 << 40, MEM_COMMIT, RW), NULL,
                 ERROR_COMMITMENT_LIMIT);
    char *p = VirtualAlloc(NULL, (SIZE_T)20 << 40, MEM_RESERVE, RW);
    assert_non_null(p);
    assert_error(VirtualAlloc(p, (SIZE_T)20 << 40, MEM_COMMIT, RW), NULL, ERROR_COMMITMENT_LIMIT);
    assert_region(p, MEM_RESERVE, 0, ((SIZE_T)20 << 40) / PAGE);
    assert_ptr_equal(VirtualAlloc(p, GRANULE, MEM_COMMIT, RW), p);
    release(p);
    assert_error(CreateFileMappingA(MEMORY, NULL, RW, 20 << 8, 0, NULL), NULL,
                 ERROR_COMMITMENT_LIMIT);
}

static void a_bad_buffer_faults_and_does_not_hang(void **state)
{
    (void)state;
    char *bad = alloc_pages(1, MEM_COMMIT, PAGE_READONLY);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        signal(SIGSEGV, SIG_DFL);                             /* not cmocka's */
        release(alloc_pages(1, MEM_COMMIT, RW | PAGE_GUARD)); /* the library's handler is there */
        QueryWorkingSetEx(GetCurrentProcess(), bad, sizeof(PSAPI_WORKING_SET_EX_INFORMATION));
        _exit(0);
    }
    int code = wait_for(child);
    assert_int_not_equal(code, 128 + SIGALRM);
    assert_int_not_equal(code, 0);
    release(bad);
}

static void find_folder(char *path, size_t room)
{
    for (int n = 0; n < 64; n++) {
        struct stat s;
        snprintf(path, room, n == 0 ? "/dev/shm/barrow-%u" : "/dev/shm/barrow-%u.%d",
                 (unsigned)geteuid(), n);
        if (lstat(path, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid())
            return;
    }
    fail_msg("no folder");
}

static int count_files(const char *folder, const char *part, mode_t *mode)
{
    int count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat s;
        if (strstr(e->d_name, part) == NULL)
            continue;
        assert_int_equal(fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW), 0);
        *mode = s.st_mode & 07777;
        count++;
    }
    closedir(d);
    return count;
}

static void names_are_files_of_the_user_alone_or_of_all(void **state)
{
    (void)state;
    char name[128], global[160], folder[64];
    struct stat s;
    mode_t mode = 0;
    strcpy(name, object_name("modes"));
    snprintf(global, sizeof(global), "Global\\%s", name);
    mode_t mask = umask(0077);
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, name);
    HANDLE g = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, global);
    umask(mask);
    assert_non_null(m);
    assert_non_null(g);
    find_folder(folder, sizeof(folder));
    assert_int_equal(stat(folder, &s), 0);
    assert_int_equal(s.st_mode & 07777, 0700);
    assert_int_equal(count_files(folder, name, &mode), 1);
    assert_int_equal(mode, 0600);
    assert_int_equal(stat("/dev/shm/barrow-global", &s), 0);
    assert_int_equal(s.st_mode & 07777, 01777);
    assert_int_equal(count_files("/dev/shm/barrow-global", name, &mode), 1);
    assert_int_equal(mode, 0666);
    CloseHandle(m);
    CloseHandle(g);
    assert_int_equal(count_files(folder, name, &mode), 0); /* nothing is left behind */
    assert_int_equal(count_files("/dev/shm/barrow-global", name, &mode), 0);
}

/* Who takes a dead file away holds it for himself, and may be stopped meanwhile. */
static void a_file_that_is_held_for_a_while_is_waited_for(void **state)
{
    (void)state;
    char name[128], path[256], folder[64];
    strcpy(name, object_name("held"));
    CloseHandle(CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, name)); /* makes the folder */
    find_folder(folder, sizeof(folder));
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(flock(file, LOCK_EX), 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(300 * 1000);
        _exit(0); /* the last that has it open */
    }
    close(file);
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, name);
    assert_non_null(m);
    assert_int_equal(GetLastError(), ERROR_SUCCESS);
    CloseHandle(m);
    assert_int_equal(wait_for(child), 0);
}

/* Where no such file has been yet: the folder of all users' is made by who comes first, and must
 * not be met half made by the rest. In a /dev/shm of its own, which takes a mount. */
static void make_global_name(int start)
{
    char byte;
    umask(0077);
    child_check(read(start, &byte, 1) == 0); /* all at once: at the end of the pipe */
    HANDLE g = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, "Global\\first");
    child_check(g != NULL && CloseHandle(g));
    _exit(0);
}

static int race_for_the_first_global_name(void)
{
    enum { RACERS = 8 };
    int gate[2], failures = 0;
    pid_t racers[RACERS];
    if (pipe(gate) != 0)
        return 1;
    for (int i = 0; i < RACERS; i++) {
        if ((racers[i] = fork()) == 0) {
            close(gate[1]);
            make_global_name(gate[0]);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < RACERS; i++)
        failures += wait_for(racers[i]) != 0;
    return failures;
}

static int in_a_new_shm(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") != 0)
        return 250;
    for (int i = 0; i < 300; i++)
        if (race_for_the_first_global_name() != 0 || rmdir("/dev/shm/barrow-global") != 0)
            return 1;
    return 0;
}

static void the_first_global_names_find_a_whole_folder(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(in_a_new_shm());
    int code = wait_for(child);
    if (code == 250)
        print_message("no mount allowed: no /dev/shm of one's own\n");
    else
        assert_int_equal(code, 0);
}

/* As another user; the tests must run as root for that, as CI does. */
static void as_user(uid_t user, void (*act)(void), int expected)
{
    pid_t child = fork();
    if (child == 0) {
        if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)
            _exit(250);
        act();
        _exit(0);
    }
    assert_int_equal(wait_for(child), expected);
}

static char shared_name[160];

static void open_for_reading(void)
{
    HANDLE h = OpenFileMappingA(FILE_MAP_READ, FALSE, shared_name);
    char *v = h != NULL ? MapViewOfFile(h, FILE_MAP_READ, 0, 0, 0) : NULL;
    if (v == NULL)
        _exit((int)GetLastError());
    _exit(strcmp(v, "secret") == 0 ? 0 : 200);
}

static void other_users_reach_global_names_only(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not root: no second user to be\n");
        return;
    }
    const char *prefixes[] = { "", "Global\\" };
    for (int i = 0; i < 2; i++) {
        snprintf(shared_name, sizeof(shared_name), "%s%s", prefixes[i], object_name("users"));
        HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, shared_name);
        char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
        strcpy(v, "secret");
        as_user(12345, open_for_reading, i == 0 ? (int)ERROR_FILE_NOT_FOUND : 0);
        UnmapViewOfFile(v);
        CloseHandle(h);
    }
}

/* A user's folder is made by someone else, and then as a link. */
static void create_and_open(void)
{
    child_check(CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, "squatted") != NULL);
    HANDLE o = OpenFileMappingA(FILE_MAP_READ, FALSE, "squatted");
    child_check(o != NULL);
}

static void a_squatted_folder_is_passed_over(void **state)
{
    (void)state;
    char folder[64], second[80], third[80], file[96];
    uid_t user = 1000000 + (uid_t)getpid(); /* no other run's */
    if (geteuid() != 0) {
        print_message("not root: no second user to be\n");
        return;
    }
    snprintf(folder, sizeof(folder), "/dev/shm/barrow-%u", (unsigned)user);
    snprintf(second, sizeof(second), "%s.1", folder);
    snprintf(third, sizeof(third), "%s.2", folder);
    snprintf(file, sizeof(file), "%s/squatted", third);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(symlink("/tmp", second), 0);
    as_user(user, create_and_open, 0);
    assert_int_equal(rmdir(folder), 0); /* still empty */
    assert_int_equal(unlink(second), 0);
    struct stat s;
    assert_int_equal(lstat(third, &s), 0);
    assert_int_equal(s.st_uid, user);
    assert_int_equal(unlink(file), 0); /* its maker ended without closing */
    assert_int_equal(rmdir(third), 0);
}

static void dead_names_are_taken_over(void **state)
{
    (void)state;
    strcpy(shared_name, object_name("dead"));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, shared_name);
            child_check(h != NULL && GetLastError() == 0);
            char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
            strcpy(v, "old");
            raise(SIGKILL);
        }
        assert_int_equal(wait_for(child), 128 + SIGKILL);
    }
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, shared_name);
    assert_int_equal(GetLastError(), 0);
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    assert_int_equal(v[0], 0);
    UnmapViewOfFile(v);
    CloseHandle(h);
}

/* Many processes create, open and close the same name; each view must be of one consistent object.
 */
static void races_for_one_name(void **state)
{
    (void)state;
    pid_t children[4];
    strcpy(shared_name, object_name("races"));
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        for (int n = 0; n < 500; n++) {
            HANDLE h = CreateFileMappingA(MEMORY, NULL, RW, 0, PAGE, shared_name);
            child_check(h != NULL);
            volatile LONG *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
            child_check(v != NULL);
            HANDLE o = OpenFileMappingA(FILE_MAP_WRITE, FALSE, shared_name);
            child_check(o != NULL); /* we hold it, so it is there */
            volatile LONG *w = MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0);
            __sync_fetch_and_add(&v[i], 1);
            child_check(w != NULL && w[i] == v[i]);
            child_check(CloseHandle(n % 2 ? h : o) && CloseHandle(n % 2 ? o : h));
            child_check(UnmapViewOfFile((LPCVOID)v) && UnmapViewOfFile((LPCVOID)w));
        }
        _exit(0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(wait_for(children[i]), 0);
    assert_error(OpenFileMappingA(FILE_MAP_READ, FALSE, shared_name), NULL, ERROR_FILE_NOT_FOUND);
}

static void mapping_of_a_file_by_name_from_another_process(void **state)
{
    (void)state;
    char path[4096];
    DWORD n;
    strcpy(shared_name, object_name("filed"));
    strcpy(path, scratch_name("filed"));
    HANDLE f = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
    assert_true(WriteFile(f, "secret\0", 8, &n, NULL));
    HANDLE h = CreateFileMappingA(f, NULL, RW, 0, 0, shared_name);
    for (int renamed = 0; renamed < 2; renamed++) {
        pid_t child = fork();
        if (child == 0)
            open_for_reading();
        assert_int_equal(wait_for(child), 0);
        if (!renamed)
            assert_int_equal(unlink(path), 0); /* then it is reached through who has it open */
    }
    CloseHandle(f);
    CloseHandle(h);
}

static void sharing_modes_hold_between_processes(void **state)
{
    (void)state;
    char path[4096];
    strcpy(path, scratch_name("modes"));
    HANDLE f = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    pid_t child = fork();
    if (child == 0) {
        child_check(CreateFileA(path, GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL) ==
                    INVALID_HANDLE_VALUE);
        child_check(GetLastError() == ERROR_SHARING_VIOLATION);
        child_check(CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0,
                                NULL) != INVALID_HANDLE_VALUE);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    CloseHandle(f);
    f = CreateFileA(path, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    assert_ptr_not_equal(f, INVALID_HANDLE_VALUE);
    CloseHandle(f);
    DeleteFileA(path);
}

static void the_failed_create_file_is_warned_of(void **state)
{
    (void)state;
    char text[512];
    int output[2];
    assert_int_equal(pipe(output), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(output[1], 2);
        setenv("BARROW_VERBOSE", "1", 1);
        execl("/proc/self/exe", "linux", "trap", (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    size_t n = 0;
    ssize_t got;
    while (n < sizeof(text) - 1 && (got = read(output[0], text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(output[0]);
    assert_int_equal(wait_for(child), 0);
    assert_non_null(strstr(text, "INVALID_HANDLE_VALUE"));
}

static int role(const char *name)
{
    (void)name;
    HANDLE f = CreateFileA("/nowhere/at/all", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    return CreateFileMappingA(f, NULL, RW, 0, 4096, NULL) != NULL ? 0 : 1;
}

static void a_copy_on_write_view_survives_a_fork(void **state)
{
    (void)state;
    HANDLE m = CreateFileMappingA(MEMORY, NULL, RW, 0, 2 * PAGE, NULL);
    char *v = MapViewOfFile(m, FILE_MAP_COPY, 0, 0, 0);
    v[0] = 1;
    pid_t child = fork();
    if (child == 0) {
        MEMORY_BASIC_INFORMATION info;
        v[PAGE] = 2;
        child_check(VirtualQuery(v, &info, sizeof(info)) && info.RegionSize == 2 * PAGE);
        child_check(info.Protect == RW && v[0] == 1);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_region(v, MEM_COMMIT, RW, 1);
    assert_int_equal(v[PAGE], 0);
    UnmapViewOfFile(v);
    CloseHandle(m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_of_fork_has_the_same_state),
        cmocka_unit_test(name_lives_while_parent_or_child_has_a_handle),
        cmocka_unit_test(forks_amid_threads),
        cmocka_unit_test(query_sees_the_programs_own_mappings),
        cmocka_unit_test(foreign_memory_can_be_protected_and_locked),
        cmocka_unit_test(lack_of_address_space_is_8_of_memory_1455),
        cmocka_unit_test(a_bad_buffer_faults_and_does_not_hang),
        cmocka_unit_test(names_are_files_of_the_user_alone_or_of_all),
        cmocka_unit_test(a_file_that_is_held_for_a_while_is_waited_for),
        cmocka_unit_test(the_first_global_names_find_a_whole_folder),
        cmocka_unit_test(other_users_reach_global_names_only),
        cmocka_unit_test(a_squatted_folder_is_passed_over),
        cmocka_unit_test(dead_names_are_taken_over),
        cmocka_unit_test(races_for_one_name),
        cmocka_unit_test(mapping_of_a_file_by_name_from_another_process),
        cmocka_unit_test(sharing_modes_hold_between_processes),
        cmocka_unit_test(the_failed_create_file_is_warned_of),
        cmocka_unit_test(a_copy_on_write_view_survives_a_fork),
    };
    tests_set_up(argc, argv, role);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
