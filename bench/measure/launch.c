/* SPDX-License-Identifier: MIT */
/*
 * launch REPORT-FD REPEAT LIBRARY PROGRAM [ARGUMENT ...]
 *
 * runs the program REPEAT times, one after the other, with LIBRARY preloaded ("-": none), and
 * writes what it took to the descriptor REPORT-FD, as one line:
 *
 *     status wall-ns user-us system-us peak-rss-kib minor-faults major-faults
 *
 * Times and faults are sums over the runs, the peak is the highest. The status is a wait status, 0
 * when every run succeeded, else that of the first which did not.
 *
 * This is a program of its own because Linux keeps the peak of resident memory over exec: a child
 * of a large process starts with that process's size as its peak. This one is small and linked
 * statically, so the peak it reports is the program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct account {
    int status;
    uint64_t wall_ns, user_us, system_us;
    long peak_kib, minor_faults, major_faults;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

static void fail(const char *what)
{
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    exit(125);
}

static void add_run(struct account *account, char **command)
{
    struct rusage usage;
    int status;
    uint64_t start = now_ns();
    pid_t child = vfork();
    if (child < 0)
        fail("vfork");
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            fail("wait4");
    account->wall_ns += now_ns() - start;
    account->user_us += microseconds(usage.ru_utime);
    account->system_us += microseconds(usage.ru_stime);
    account->minor_faults += usage.ru_minflt;
    account->major_faults += usage.ru_majflt;
    if (usage.ru_maxrss > account->peak_kib)
        account->peak_kib = usage.ru_maxrss;
    if (account->status == 0)
        account->status = status;
}

int main(int argc, char **argv)
{
    struct account account = { 0 };
    if (argc < 5) {
        fprintf(stderr, "usage: %s REPORT-FD REPEAT LIBRARY PROGRAM [ARGUMENT ...]\n", argv[0]);
        return 2;
    }
    int report = atoi(argv[1]);
    if (fcntl(report, F_SETFD, FD_CLOEXEC) < 0)
        fail("the report's descriptor");
    if (strcmp(argv[3], "-") == 0)
        unsetenv("LD_PRELOAD");
    else
        setenv("LD_PRELOAD", argv[3], 1);
    for (long run = strtol(argv[2], NULL, 10); run > 0; run--)
        add_run(&account, argv + 4);
    dprintf(report, "%d %llu %llu %llu %ld %ld %ld\n", account.status,
            (unsigned long long)account.wall_ns, (unsigned long long)account.user_us,
            (unsigned long long)account.system_us, account.peak_kib, account.minor_faults,
            account.major_faults);
    return 0;
}
