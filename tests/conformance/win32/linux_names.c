/* SPDX-License-Identifier: MIT */
/* linux_names.c: names of mappings: what is left of them when processes end, and what other users or
 * a small /dev/shm can do to them. Most tests have a /dev/shm of their own, which takes a mount. */
#include "linux_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define OTHER_USER 12345
#define NO_MOUNT   250

static const char *shm_options;

/* Runs act in a child with an empty /dev/shm. */
static void in_new_shm(const char *options, void (*act)(void))
{
    pid_t child = fork();
    shm_options = options;
    if (child == 0) {
        alarm(120);
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("tmpfs", "/dev/shm", "tmpfs", 0, options) != 0)
            _exit(NO_MOUNT);
        act();
        _exit(0);
    }
    int code = wait_for(child);
    if (code == NO_MOUNT)
        print_message("no mount allowed: no /dev/shm of one's own\n");
    else
        assert_int_equal(code, 0);
}

/* The files in the folders of names. */
static int count_names(void)
{
    int count = 0;
    DIR *top = opendir("/dev/shm");
    for (struct dirent *e = readdir(top); e != NULL; e = readdir(top)) {
        char path[300];
        snprintf(path, sizeof(path), "/dev/shm/%s", e->d_name);
        DIR *d = strncmp(e->d_name, "barrow-", 7) == 0 ? opendir(path) : NULL;
        for (struct dirent *f = d != NULL ? readdir(d) : NULL; f != NULL; f = readdir(d))
            count += f->d_name[0] != '.';
        if (d != NULL)
            closedir(d);
    }
    closedir(top);
    return count;
}

static HANDLE named(const char *name, DWORD size)
{
    return CreateFileMappingA(MEMORY, NULL, RW, 0, size, name);
}

static HANDLE opened(const char *name)
{
    return OpenFileMappingA(FILE_MAP_READ, FALSE, name);
}

/* In a child, which ends by the given signal, or by exit when it is 0. */
static void end_with_names(int number)
{
    pid_t child = fork();
    if (child == 0) {
        child_check(named("Local\\one", 1 << 20) != NULL && named("Global\\two", 1 << 20) != NULL);
        char *v = MapViewOfFile(named("three", 1 << 20), FILE_MAP_WRITE, 0, 0, 0);
        memset(v, 1, 1 << 20);
        if (number != 0)
            raise(number);
        exit(0);
    }
    child_check(wait_for(child) == (number != 0 ? 128 + number : 0));
}

static void leave_by_every_way(void)
{
    end_with_names(0);
    child_check(count_names() == 0);
    end_with_names(SIGKILL);
    child_check(count_names() == 3);
    HANDLE h = named("another", PAGE); /* of the user's folder */
    child_check(count_names() == 2);
    HANDLE g = named("Global\\another", PAGE);
    child_check(count_names() == 2);
    end_with_names(SIGKILL);
    child_check(count_names() == 5);
    child_check(opened("no such name") == NULL && opened("Global\\no such name") == NULL);
    child_check(count_names() == 2);
    child_check(opened("another") != NULL && opened("Global\\another") != NULL);
    child_check(CloseHandle(h) && CloseHandle(g) && count_names() == 2);
}

static void names_go_with_their_last_process(void **state)
{
    (void)state;
    in_new_shm("mode=1777", leave_by_every_way);
}

/* However many names are in use, dead ones are found after some openings. */
static void leave_among_many(void)
{
    enum { MANY = 1000 };
    struct rlimit limit = { 4096, 4096 };
    child_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many-%d", i);
        child_check(named(name, 1) != NULL);
    }
    end_with_names(SIGKILL);
    child_check(count_names() == MANY + 3);
    for (int i = 0; i < MANY / 16 + 1; i++)
        child_check(opened("many-7") != NULL);
    child_check(count_names() == MANY + 1); /* but for the global one */
}

static void names_of_the_dead_are_found_among_many(void **state)
{
    (void)state;
    in_new_shm("mode=1777", leave_among_many);
}

/* --- ends in the wrong place ------------------------------------------------------------------ */

static void end_children(void)
{
    HANDLE h = named("parent's", PAGE);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    child_check(wait_for(child) == 0);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); /* as fork, but unseen */
    if (child == 0)
        exit(0);
    child_check(wait_for(child) == 0 && opened("parent's") != NULL);
    struct rlimit none, before;
    child_check(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    child_check(setrlimit(RLIMIT_NOFILE, &none) == 0);
    child = fork(); /* no descriptor for a lock of the child's own */
    if (child == 0)
        exit(CloseHandle(h) ? 0 : 1);
    child_check(setrlimit(RLIMIT_NOFILE, &before) == 0);
    child_check(wait_for(child) == 0 && opened("parent's") != NULL);
}

static void ends_of_children_leave_the_parents_name(void **state)
{
    (void)state;
    in_new_shm("mode=1777", end_children);
}

/* Processes that come, share a name for a while, and are killed, among others that sweep. Who has the
 * name open finds it, and all that have it see one memory. */
static void share_and_sweep(int seed)
{
    srand((unsigned)seed);
    for (int n = 0; n < 400; n++) {
        char name[16];
        snprintf(name, sizeof(name), "s%d", rand() % 3);
        HANDLE h = named(name, PAGE);
        child_check(h != NULL);
        volatile LONG *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
        HANDLE o = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
        child_check(v != NULL && o != NULL);
        volatile LONG *w = MapViewOfFile(o, FILE_MAP_WRITE, 0, 0, 0);
        LONG mine = __sync_add_and_fetch(&v[seed % 512], 1);
        child_check(w != NULL && w[seed % 512] == mine);
        if (rand() % 50 == 0)
            raise(SIGKILL);
        child_check(CloseHandle(h) && CloseHandle(o));
        child_check(UnmapViewOfFile((LPCVOID)v) && UnmapViewOfFile((LPCVOID)w));
    }
    _exit(0);
}

static void many_share_and_sweep(void)
{
    enum { AT_ONCE = 4, ALL = 60 };
    for (int i = 0; i < ALL + AT_ONCE; i++) {
        int status = 0;
        if (i >= AT_ONCE) {
            child_check(wait(&status) > 0);
            child_check(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        }
        if (i < ALL && fork() == 0)
            share_and_sweep(i + 1);
    }
    child_check(opened("nothing") == NULL && count_names() == 0);
}

static void sweeping_takes_nobodys_name(void **state)
{
    (void)state;
    in_new_shm("mode=1777", many_share_and_sweep);
}

/* --- other users ------------------------------------------------------------------------------ */

static void become(uid_t user)
{
    child_check(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0);
}

static void make_folder(const char *path, uid_t owner, mode_t mode)
{
    child_check(mkdir(path, 0700) == 0 && chown(path, owner, owner) == 0 && chmod(path, mode) == 0);
}

/* Runs act as another user; answers its exit code. */
static int as_other_user(int (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        become(OTHER_USER);
        _exit(act());
    }
    return wait_for(child);
}

static int open_contested(void)
{
    return opened("Global\\contested") != NULL ? 0 : (int)GetLastError();
}

static int remove_contested(void)
{
    const char *folders[] = { "global", "global.1", "global.2", "global.3" };
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof(path), "/dev/shm/barrow-%s/contested", folders[i]);
        if (unlink(path) == 0)
            return 1;
    }
    return 0;
}

static void use_global_names_beside_others(void)
{
    make_folder("/dev/shm/barrow-global", OTHER_USER, 01777); /* who owns it may remove anything */
    make_folder("/dev/shm/barrow-global.1", 0, 0777);         /* anybody may remove anything */
    child_check(symlink("/tmp", "/dev/shm/barrow-global.2") == 0);
    HANDLE h = named("Global\\contested", PAGE);
    child_check(h != NULL && GetLastError() == 0);
    child_check(as_other_user(remove_contested) == 0);
    child_check(as_other_user(open_contested) == 0); /* root's folder comes before his own */
    HANDLE o = opened("Global\\contested");
    child_check(o != NULL && CloseHandle(o) && CloseHandle(h));
}

static void global_names_are_in_a_folder_of_roots_or_ones_own(void **state)
{
    (void)state;
    in_new_shm("mode=1777", use_global_names_beside_others);
}

static int make_and_open(void)
{
    HANDLE h = named("Global\\own", PAGE);
    return h != NULL && GetLastError() == 0 && opened("Global\\own") != NULL ? 0 : 1;
}

static void user_without_root(void)
{
    child_check(as_other_user(make_and_open) == 0);
    struct stat s;
    child_check(stat("/dev/shm/barrow-global", &s) == 0 && s.st_uid == OTHER_USER);
}

static void a_user_makes_a_folder_where_root_has_none(void **state)
{
    (void)state;
    in_new_shm("mode=1777", user_without_root);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is no object of ours lies under the name, in the folder for all users and in the user's own.
 */
static void put_things(const char *folder)
{
    char path[200];
    const char *things[] = { "fifo", "dir", "link", "self", "closed", "socket" };
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, things[i]);
        switch (i) {
        case 0:
            child_check(mkfifo(path, 0666) == 0);
            break;
        case 1:
            child_check(mkdir(path, 0777) == 0);
            break;
        case 2:
            child_check(symlink("/etc/passwd", path) == 0);
            break;
        case 3:
            child_check(symlink("self", path) == 0);
            break;
        case 4:
            child_check(close(open(path, O_CREAT | O_WRONLY, 0)) == 0);
            break;
        default:
            child_check(mknod(path, S_IFSOCK | 0666, 0) == 0);
            break;
        }
    }
}

static int use_things(void)
{
    const char *things[] = { "fifo", "dir", "link", "self", "closed", "socket" };
    const char *prefixes[] = { "Global\\", "Local\\" };
    for (int i = 0; i < 12; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%s", prefixes[i / 6], things[i % 6]);
        double before = seconds();
        if (opened(name) != NULL || GetLastError() != ERROR_FILE_NOT_FOUND)
            return 10 + i;
        HANDLE h = named(name, PAGE), o = opened(name);
        if (h == NULL || o == NULL || GetLastError() == ERROR_ALREADY_EXISTS)
            return 30 + i;
        if (seconds() - before > 1)
            return 50 + i;
        CloseHandle(h);
        CloseHandle(o);
    }
    return 0;
}

static void names_that_lead_to_other_things(void)
{
    make_folder("/dev/shm/barrow-global", 0, 01777);
    make_folder("/dev/shm/barrow-0", 0, 0700);
    put_things("/dev/shm/barrow-global");
    put_things("/dev/shm/barrow-0");
    int code = use_things();
    if (code != 0)
        _exit(code);
    child_check(as_other_user(use_things) == 0);
}

static void what_is_no_object_is_passed_over_at_once(void **state)
{
    (void)state;
    in_new_shm("mode=1777", names_that_lead_to_other_things);
}

/* Another user has a file of his under the name, and keeps it locked for himself. */
static void hold_a_file(int held)
{
    become(OTHER_USER);
    alarm(60);
    int fd = open("/dev/shm/barrow-global/held", O_RDWR | O_CREAT, 0666);
    child_check(fchmod(fd, 0666) == 0 && flock(fd, LOCK_EX) == 0);
    close(held);
    pause();
}

static void use_a_held_name(void)
{
    become(OTHER_USER + 1);
    double before = seconds();
    HANDLE h = named("Global\\held", PAGE);
    child_check(h != NULL && GetLastError() == 0 && seconds() - before < 1);
    child_check(opened("Global\\held") != NULL);
    _exit(0);
}

static void use_a_name_that_is_held(void)
{
    int gate[2];
    char byte;
    make_folder("/dev/shm/barrow-global", 0, 01777);
    child_check(pipe(gate) == 0);
    pid_t holder = fork();
    if (holder == 0)
        hold_a_file(gate[1]);
    close(gate[1]);
    child_check(read(gate[0], &byte, 1) == 0);
    pid_t user = fork();
    if (user == 0)
        use_a_held_name();
    int code = wait_for(user);
    kill(holder, SIGKILL);
    _exit(code);
}

static void a_file_that_another_user_holds_is_passed_over(void **state)
{
    (void)state;
    in_new_shm("mode=1777", use_a_name_that_is_held);
}

/* --- a small /dev/shm ------------------------------------------------------------------------- */

/* Every page of what could be made can be written. */
static int fill_named(const char *name, DWORD size)
{
    HANDLE h = named(name, size);
    char *v = h != NULL ? MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0) : NULL;
    if (v == NULL)
        return 0;
    memset(v, 1, size);
    return 1;
}

static void fill_the_room(void)
{
    HANDLE first = named("first", 3 << 20); /* its memory is its own from now on */
    child_check(first != NULL);
    int made = 0;
    for (; made < 10; made++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", made);
        if (!fill_named(name, 1 << 20))
            break;
    }
    child_check(made > 1 && made < 6 && GetLastError() == ERROR_COMMITMENT_LIMIT);
    char *v = MapViewOfFile(first, FILE_MAP_WRITE, 0, 0, 0);
    child_check(v != NULL);
    memset(v, 1, 3 << 20);
    child_check(named("too large", 64 << 20) == NULL);
    child_check(GetLastError() == ERROR_COMMITMENT_LIMIT);
    child_check(named("much too large", 0x7FFF0000) == NULL);
    child_check(GetLastError() == ERROR_COMMITMENT_LIMIT);
}

static void a_small_shm_is_an_error_and_no_signal(void **state)
{
    (void)state;
    in_new_shm("mode=1777,size=8m", fill_the_room);
}

static void commit_in_a_small_shm(void)
{
    HANDLE h = CreateFileMappingA(MEMORY, NULL, RW | SEC_RESERVE, 0, 64 << 20, "reserved");
    char *v = MapViewOfFile(h, FILE_MAP_WRITE, 0, 0, 0);
    child_check(v != NULL && VirtualAlloc(v, 2 << 20, MEM_COMMIT, RW) == v);
    memset(v, 1, 2 << 20);
    child_check(VirtualAlloc(v + (4 << 20), 32 << 20, MEM_COMMIT, RW) == NULL);
    child_check(GetLastError() == ERROR_COMMITMENT_LIMIT);
    MEMORY_BASIC_INFORMATION info;
    child_check(VirtualQuery(v + (4 << 20), &info, sizeof(info)) && info.State == MEM_RESERVE);
    child_check(VirtualAlloc(v + (4 << 20), 1 << 20, MEM_COMMIT, RW) != NULL);
    memset(v + (4 << 20), 1, 1 << 20);
}

static void commit_of_what_is_not_there_is_1455(void **state)
{
    (void)state;
    in_new_shm("mode=1777,size=4m", commit_in_a_small_shm);
}

/* A file on a full file system: /dev/shm as well, for there is one to mount. */
static void map_files_on_a_full_disk(void)
{
    HANDLE f = CreateFileA("/dev/shm/a", GENERIC_READ | GENERIC_WRITE, 3, NULL, CREATE_NEW, 0, 0);
    HANDLE g = CreateFileA("/dev/shm/b", GENERIC_READ | GENERIC_WRITE, 3, NULL, CREATE_NEW, 0, 0);
    HANDLE m = CreateFileMappingA(f, NULL, RW, 0, 3 << 20, NULL);
    child_check(m != NULL);
    child_check(CreateFileMappingA(g, NULL, RW, 0, 3 << 20, NULL) == NULL);
    child_check(GetLastError() == ERROR_DISK_FULL);
    SetFilePointer(g, 3 << 20, NULL, FILE_BEGIN);
    child_check(!SetEndOfFile(g) && GetLastError() == ERROR_DISK_FULL);
    char *v = MapViewOfFile(m, FILE_MAP_WRITE, 0, 0, 0);
    child_check(v != NULL);
    memset(v, 1, 3 << 20);
}

static void a_full_disk_is_112_and_no_signal(void **state)
{
    (void)state;
    in_new_shm("mode=1777,size=4m", map_files_on_a_full_disk);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_with_their_last_process),
        cmocka_unit_test(names_of_the_dead_are_found_among_many),
        cmocka_unit_test(ends_of_children_leave_the_parents_name),
        cmocka_unit_test(sweeping_takes_nobodys_name),
        cmocka_unit_test(global_names_are_in_a_folder_of_roots_or_ones_own),
        cmocka_unit_test(a_user_makes_a_folder_where_root_has_none),
        cmocka_unit_test(what_is_no_object_is_passed_over_at_once),
        cmocka_unit_test(a_file_that_another_user_holds_is_passed_over),
        cmocka_unit_test(a_small_shm_is_an_error_and_no_signal),
        cmocka_unit_test(commit_of_what_is_not_there_is_1455),
        cmocka_unit_test(a_full_disk_is_112_and_no_signal),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
