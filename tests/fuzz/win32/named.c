/* SPDX-License-Identifier: MIT */
/* named.c: another user tampers with global names, and this process, root's, uses them. That user
 * makes objects of every kind by the library, changes bytes of their heads, their lengths and the
 * entries of the folder; whatever it finds, the library answers with an error or with what can be
 * used. It must not crash, wait, or reach a file that is not that user's.
 *
 *     fuzz_win32_named [ROUNDS [SEED]]
 *
 * In a /dev/shm of its own, which takes root and a mount. */
#include <windows.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_USER 12345
#define FOLDER     "/dev/shm/barrow-global"
#define OBJECT     FOLDER "/target"
#define NAME       "Global\\target"
#define MEMORY     INVALID_HANDLE_VALUE
#define SECRET     "/dev/shm/secret"

enum { HEAD = 5688, PATH = 1592, SECONDS_A_ROUND = 5 };

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void require(int condition, const char *what, unsigned round)
{
    if (condition)
        return;
    fprintf(stderr, "round %u: %s\n", round, what);
    _exit(1);
}

/* --- the other user --------------------------------------------------------------------------- */

static HANDLE make_object(void)
{
    static HANDLE file;
    if (file == NULL)
        file = CreateFileA("/dev/shm/theirs", GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS,
                           0, NULL);
    switch (draw(3)) {
    case 0:
        return CreateFileMappingA(MEMORY, NULL, PAGE_READWRITE, 0, 200000, NAME);
    case 1:
        return CreateFileMappingA(MEMORY, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 1 << 24, NAME);
    default:
        return CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 100000, NAME);
    }
}

static uint64_t interesting(void)
{
    const uint64_t values[] = { 0,       1,          7,        4095,       4096,
                                65536,   1u << 31,   1u << 24, UINT32_MAX, UINT64_C(1) << 46,
                                1 << 20, UINT64_MAX, 1000000,  INT64_MAX,  UINT64_C(1) << 60 };
    return draw(3) == 0 ? draw(UINT64_MAX) : values[draw(sizeof(values) / sizeof(values[0]))];
}

static void put_path(int fd)
{
    static const char *const paths[] = {
        "/etc/passwd", "/dev/zero",       "/dev/tty", SECRET,           "/dev/shm/fifo", "/", "",
        "relative",    "/proc/self/fd/0", OBJECT,     "/dev/shm/theirs"
    };
    struct stat s;
    const char *path = paths[draw(sizeof(paths) / sizeof(paths[0]))];
    ssize_t ignored = pwrite(fd, path, strlen(path) + 1, PATH);
    if (stat(path, &s) == 0 && draw(4) != 0) { /* and what it leads to */
        uint64_t described[2] = { s.st_dev, s.st_ino };
        ignored += pwrite(fd, described, sizeof(described), 40);
    }
    (void)ignored;
}

static void damage_head(int fd)
{
    for (uint64_t i = draw(4); i > 0; i--) {
        uint64_t value = interesting();
        off_t at = draw(2) ? 4 * (off_t)draw(14) : (off_t)draw(HEAD);
        size_t size = draw(2) ? 4 : 8;
        ssize_t ignored = pwrite(fd, &value, draw(4) == 0 ? 1 : size, at);
        (void)ignored;
    }
    if (draw(3) == 0)
        put_path(fd);
    if (draw(4) == 0)
        (void)!ftruncate(fd, (off_t)(draw(2) ? draw(1 << 18) : interesting() >> 8));
}

static void put_entry(void)
{
    char path[64];
    snprintf(path, sizeof(path), draw(2) ? OBJECT : OBJECT "~%u", (unsigned)draw(8));
    switch (draw(6)) {
    case 0:
        (void)!mkfifo(path, 0666);
        break;
    case 1:
        (void)!mkdir(path, 0777);
        break;
    case 2:
        (void)!symlink(SECRET, path);
        break;
    case 3:
        (void)!mknod(path, S_IFSOCK | 0666, 0);
        break;
    case 4:
        close(open(path, O_CREAT | O_WRONLY | O_NONBLOCK, draw(2) ? 0666 : 0));
        break;
    default:
        (void)!symlink(path, path);
        break;
    }
}

static void remove_entries(void)
{
    char path[64];
    for (unsigned n = 0; n < 8; n++) {
        snprintf(path, sizeof(path), n == 0 ? OBJECT : OBJECT "~%u", n);
        if (unlink(path) != 0)
            rmdir(path);
    }
}

static HANDLE prepare(void)
{
    remove_entries();
    if (draw(4) == 0)
        put_entry();
    HANDLE h = draw(8) != 0 ? make_object() : NULL;
    int fd = open(OBJECT, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd >= 0 && draw(8) != 0)
        damage_head(fd);
    close(fd);
    if (draw(4) == 0)
        put_entry();
    return h;
}

static void tamper(int orders, int answers)
{
    uint64_t seed;
    if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) != 0 ||
        setresuid(OTHER_USER, OTHER_USER, OTHER_USER) != 0)
        _exit(2);
    umask(0);
    (void)!mkfifo("/dev/shm/fifo", 0666);
    while (read(orders, &seed, sizeof(seed)) == sizeof(seed)) {
        state = seed;
        HANDLE h = prepare();
        (void)!write(answers, &seed, sizeof(seed));
        if (read(orders, &seed, sizeof(seed)) != sizeof(seed))
            break;
        CloseHandle(h);
        (void)!write(answers, &seed, sizeof(seed));
    }
    _exit(0);
}

/* --- this user -------------------------------------------------------------------------------- */

static void use_view(volatile char *v)
{
    MEMORY_BASIC_INFORMATION info;
    DWORD old;
    for (volatile char *at = v;
         VirtualQuery((LPCVOID)at, &info, sizeof(info)) != 0 && info.AllocationBase == (PVOID)v;
         at += info.RegionSize) {
        if (info.State != MEM_COMMIT)
            VirtualAlloc((LPVOID)at, 4096, MEM_COMMIT, PAGE_READWRITE);
        else if (info.Protect == PAGE_READWRITE)
            at[0] = at[info.RegionSize - 1] = 1;
        else if (info.Protect != PAGE_NOACCESS)
            (void)at[info.RegionSize - 1];
    }
    VirtualProtect((LPVOID)v, 4096, PAGE_READONLY, &old);
    FlushViewOfFile((LPCVOID)v, 0);
    UnmapViewOfFile((LPCVOID)v);
}

static void use_handle(HANDLE h)
{
    const DWORD accesses[] = { FILE_MAP_READ, FILE_MAP_WRITE, FILE_MAP_COPY, FILE_MAP_ALL_ACCESS };
    for (int i = 0; i < 4 && h != NULL; i++) {
        char *v = MapViewOfFile(h, accesses[i], 0, 0, draw(2) ? 0 : 4096);
        if (v != NULL)
            use_view(v);
    }
    CloseHandle(h);
}

static void use_names(void)
{
    alarm(SECONDS_A_ROUND);
    use_handle(OpenFileMappingA(draw(2) ? FILE_MAP_ALL_ACCESS : GENERIC_READ, FALSE, NAME));
    use_handle(CreateFileMappingA(MEMORY, NULL, PAGE_READWRITE, 0, 4096, NAME));
    alarm(0);
}

static int secret_is_whole(void)
{
    char text[16] = { 0 };
    int fd = open(SECRET, O_RDONLY | O_CLOEXEC);
    int whole = read(fd, text, sizeof(text)) == 6 && strcmp(text, "secret") == 0;
    close(fd);
    return whole;
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void play(unsigned rounds, uint64_t seed, int orders, int answers)
{
    uint64_t answer;
    unsigned before = 0;
    state = seed * 0x9E3779B97F4A7C15u + 1;
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t order = draw(UINT64_MAX) | 1;
        for (int step = 0; step < 2; step++) {
            require(write(orders, &order, sizeof(order)) == sizeof(order) &&
                        read(answers, &answer, sizeof(answer)) == sizeof(answer),
                    "the other user has ended", i);
            if (step == 0)
                use_names();
        }
        require(secret_is_whole(), "a file of this user's was written to", i);
        if (i == 20)
            before = descriptors();
    }
    require(rounds <= 20 || descriptors() <= before, "descriptors are left open", rounds);
}

static void set_up(void)
{
    int fd = open(SECRET, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, "secret", 6) == 6, "no secret", 0);
    close(fd);
    require(mkdir(FOLDER, 0700) == 0 && chmod(FOLDER, 01777) == 0, "no folder", 0);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 4000;
    int orders[2], answers[2];
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777,size=512m") != 0) {
        puts("not root, or no mount allowed: there is no other user to be");
        return 77;
    }
    set_up();
    require(pipe(orders) == 0 && pipe(answers) == 0, "no pipe", 0);
    pid_t other = fork();
    if (other == 0) {
        close(orders[1]);
        tamper(orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    play(rounds, argc > 2 ? strtoull(argv[2], NULL, 10) : 1, orders[1], answers[0]);
    close(orders[1]);
    waitpid(other, NULL, 0);
    printf("%u rounds\n", rounds);
    return 0;
}
