/* SPDX-License-Identifier: MIT */
/* What a program that confines itself expects of malloc: no thread but its own, no system calls but the
 * few that the README lists, and no harm where one of them is refused. */
#include "support/child.h"
#include "support/pattern.h"
#include "support/suite.h"

#include <dirent.h>
#include <errno.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum { BLOCKS = 1500 };

/* ---- work --------------------------------------------------------------------------------------- */

/* A block, or NULL where there is no memory: what it holds is checked when it is freed. */
struct piece {
    unsigned char *block;
    size_t size;
};

static bool drop(struct piece *piece, size_t seed)
{
    bool holds = piece->block == NULL || pattern_holds(piece->block, 64, 64, seed);
    free(piece->block);
    piece->block = NULL;
    return holds;
}

/* Blocks of all sizes come and go; no block's contents may change. */
static bool churn(struct piece *pieces)
{
    bool holds = true;
    for (size_t i = 0; i < BLOCKS; i++) {
        pieces[i].size = 64 + i * 7919 % 150000;
        pieces[i].block = malloc(pieces[i].size);
        if (pieces[i].block != NULL)
            pattern_fill(pieces[i].block, 64, i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        holds = drop(&pieces[i], i) && holds;
    return holds;
}

/* A block that grows to 60 MiB moves, and keeps its contents. */
static bool grow(void)
{
    struct piece grown = { NULL, 0 };
    for (grown.size = 1000; grown.size < 60 * MIB; grown.size += grown.size / 3) {
        unsigned char *block = realloc(grown.block, grown.size);
        if (block == NULL)
            break;
        if (grown.block == NULL)
            pattern_fill(block, 64, 1);
        grown.block = block;
    }
    return drop(&grown, 1);
}

static bool work(void)
{
    static _Thread_local struct piece pieces[BLOCKS];
    bool holds = true;
    for (int round = 0; round < 5; round++)
        holds = churn(pieces) && grow() && holds;
    malloc_trim(0);
    return holds;
}

/* ---- one thread ----------------------------------------------------------------------------------- */

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    if (tasks != NULL)
        closedir(tasks);
    return count;
}

/* The kernel too takes it for a process of one thread: only such a one may do this. */
static int stays_alone(const char *argument)
{
    (void)argument;
    for (int i = 0; i < 5; i++) {
        if (!work() || threads() != 1 || unshare(CLONE_VM) != 0)
            return 1;
        usleep(20000);
    }
    return 0;
}

/* Nobody else keeps the old table of descriptors: the pipe's reader sees its end. */
static int closes_for_all(const char *argument)
{
    (void)argument;
    int ends[2];
    if (pipe(ends) != 0 || !work())
        return 1;
    if (syscall(SYS_close_range, ends[1], ends[1], CLOSE_RANGE_UNSHARE) != 0)
        return errno == ENOSYS ? 0 : 2;
    struct pollfd reader = { ends[0], POLLIN, 0 };
    return poll(&reader, 1, 0) == 1 ? 0 : 3;
}

static void passes(const char *name, const char *argument)
{
    struct child_result result;
    child_run_case(name, argument, &result);
    if (!child_exited(&result, 0)) {
        child_show(argument != NULL ? argument : name, &result);
        fail();
    }
}

static void there_is_no_thread_but_the_programs(void **state)
{
    (void)state;
    passes("stays alone", NULL);
}

static void descriptors_are_closed_for_all(void **state)
{
    (void)state;
    passes("closes for all", NULL);
}

/* ---- system calls ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned number;
} calls[] = {
    { "mmap", SYS_mmap },       { "munmap", SYS_munmap }, { "mremap", SYS_mremap },
    { "madvise", SYS_madvise }, { "futex", SYS_futex },
};

enum { CALLS = sizeof calls / sizeof calls[0], FUTEX = CALLS - 1 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

static bool install(struct sock_filter *filter, size_t length)
{
    struct sock_fprog program = { (unsigned short)length, filter };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

/* All other calls but the process's end kill it. */
static bool allow_only(size_t count)
{
    struct sock_filter filter[2 * CALLS + 4];
    size_t n = 0;
    filter[n++] = (struct sock_filter)LOAD(nr);
    for (size_t i = 0; i <= count; i++) {
        unsigned number = i < count ? calls[i].number : SYS_exit_group;
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    return install(filter, n);
}

static bool refuse(unsigned number, int error)
{
    struct sock_filter filter[] = {
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install(filter, sizeof filter / sizeof filter[0]);
}

static int under_the_list(const char *argument)
{
    (void)argument;
    free(malloc(100));
    if (!allow_only(FUTEX))
        return 2;
    _exit(work() ? 0 : 1);
}

static atomic_bool confined, other_holds;
static atomic_int ready;

static void *work_confined(void *argument)
{
    atomic_store(&ready, 1);
    while (!atomic_load(&confined))
        ;
    atomic_store(&other_holds, work());
    atomic_store(&ready, 2);
    while (atomic_load(&confined)) /* its end would be calls of the C library's */
        ;
    return argument;
}

static int two_threads_under_the_list(const char *argument)
{
    pthread_t other;
    (void)argument;
    free(malloc(100));
    if (pthread_create(&other, NULL, work_confined, NULL) != 0)
        return 2;
    while (atomic_load(&ready) != 1)
        ;
    if (!allow_only(CALLS))
        return 3;
    atomic_store(&confined, true);
    bool holds = work();
    while (atomic_load(&ready) != 2)
        ;
    _exit(holds && atomic_load(&other_holds) ? 0 : 1);
}

/* The argument: the number of the call, and of the error. */
static int with_one_refused(const char *argument)
{
    unsigned number;
    int error;
    free(malloc(100));
    if (sscanf(argument, "%u %d", &number, &error) != 2 || !refuse(number, error))
        return 2;
    if (!work())
        return 1;
    void *block = malloc(100); /* of what there was before */
    return block != NULL ? 0 : 3;
}

static void few_calls_are_made(void **state)
{
    (void)state;
    passes("under the list", NULL);
    passes("two threads", NULL);
}

static void each_call_may_be_refused(void **state)
{
    static const int errors[] = { EPERM, ENOSYS };
    (void)state;
    for (size_t i = 0; i < CALLS; i++)
        for (size_t e = 0; e < 2; e++) {
            char argument[40];
            snprintf(argument, sizeof argument, "%u %d", calls[i].number, errors[e]);
            passes("one refused", argument);
        }
}

/* ---- the program's own limits ------------------------------------------------------------------- */

static void *nothing(void *argument)
{
    free(malloc(1000));
    return argument;
}

/* Address space or data of 2 GiB: what fits is given, what does not is refused, and then all goes on. */
static int under_its_own_limit(const char *argument)
{
    struct rlimit limit = { 2 * GIB, 2 * GIB };
    pthread_t thread;
    free(malloc(1000));
    if (setrlimit(argument[0] == 'd' ? RLIMIT_DATA : RLIMIT_AS, &limit) != 0)
        return 2;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 3;
    if (mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return 4;
    for (int round = 0; round < 3; round++) {
        char *block = malloc(1200 * MIB);
        if (block == NULL)
            return 5;
        errno = 0;
        if (malloc(1200 * MIB) != NULL || errno != ENOMEM)
            return 6;
        block[1199 * MIB] = 1;
        free(block);
    }
    return work() ? 0 : 7;
}

/* All memory that comes is locked, up to a limit that only root may pass. */
static int locked_under_a_limit(const char *argument)
{
    struct rlimit limit;
    (void)argument;
    free(malloc(1000));
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (getuid() == 0 && setuid(65534) != 0))
        return 2;
    size_t most = limit.rlim_cur < GIB ? (size_t)limit.rlim_cur : GIB;
    if (mlockall(MCL_FUTURE) != 0)
        return errno == EPERM ? 0 : 3; /* the limit is 0 */
    for (int i = 0; i < 20; i++) {
        char *block = malloc(most / 4);
        if (block == NULL)
            return 4;
        memset(block, 1, most / 4);
        free(block);
    }
    errno = 0;
    bool refused = limit.rlim_cur >= GIB || (malloc(2 * most) == NULL && errno == ENOMEM);
    return refused ? 0 : 5;
}

static void the_programs_own_limits_hold(void **state)
{
    (void)state;
    passes("own limit", "address space");
    passes("own limit", "data");
    passes("locked", NULL);
}

int main(int argc, char **argv)
{
    static const struct child_function functions[] = {
        { "stays alone", stays_alone },       { "closes for all", closes_for_all },
        { "under the list", under_the_list }, { "two threads", two_threads_under_the_list },
        { "one refused", with_one_refused },  { "own limit", under_its_own_limit },
        { "locked", locked_under_a_limit },   { NULL, NULL },
    };
    child_case(argc, argv, functions);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_thread_but_the_programs),
        cmocka_unit_test(descriptors_are_closed_for_all),
        cmocka_unit_test(few_calls_are_made),
        cmocka_unit_test(each_call_may_be_refused),
        cmocka_unit_test(the_programs_own_limits_hold),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
