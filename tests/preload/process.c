/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds that the processes a command left have to end. */
enum { GRACE = 20 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- the child's side ---- */

static _Noreturn void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "preload test: %s: %s\n", what, strerror(errno));
    _exit(126);
}

static void redirect(const char *path, int flags, int fd)
{
    int opened = open(path, flags | O_CLOEXEC, 0666);
    if (opened < 0 || dup2(opened, fd) != fd)
        give_up(path);
}

static void become(const char *user)
{
    struct passwd *entry = getpwnam(user);
    if (entry == NULL || setgroups(0, NULL) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0)
        give_up(user);
}

static _Noreturn void child_execute(const struct command *command)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect(command->out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(command->err, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (command->user != NULL && geteuid() == 0)
        become(command->user);
    if (chdir(command->directory) != 0)
        give_up(command->directory);
    execve(command->argv[0], (char *const *)command->argv, (char *const *)command->environment);
    give_up(command->argv[0]);
}

/* ---- the harness's side ---- */

/* Processes whose parent ends become our children (PR_SET_CHILD_SUBREAPER), so that they can be
 * waited for, and killing all children again and again reaches every descendant. */
static void kill_children(void)
{
    char path[64], pid[32];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    if (children == NULL)
        give_up(path);
    while (fscanf(children, "%31s", pid) == 1)
        kill((pid_t)atoi(pid), SIGKILL);
    fclose(children);
}

static void account_for(struct ending *ending, const struct rusage *usage)
{
    ending->cpu += (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
                   (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
    if (usage->ru_maxrss > ending->peak)
        ending->peak = usage->ru_maxrss;
}

/* Takes the ends of children until that of `awaited`, or with 0 until there is no child any more.
 * Returns false when the deadline comes first. */
static bool reap(pid_t awaited, double deadline, struct ending *ending)
{
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    for (;;) {
        struct rusage usage;
        int status;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid < 0 && errno == ECHILD)
            return true;
        if (pid > 0)
            account_for(ending, &usage);
        if (pid > 0 && pid == awaited) {
            ending->status = status;
            return true;
        }
        if (pid <= 0 && now() > deadline)
            return false;
        if (pid <= 0)
            sigtimedwait(&child_ended, NULL, &(struct timespec){ .tv_nsec = 100000000 });
    }
}

void command_run(const struct command *command, struct ending *ending)
{
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ended, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    *ending = (struct ending){ .status = -1 };
    double start = now();
    pid_t child = fork();
    if (child == 0)
        child_execute(command);
    if (child < 0)
        give_up("fork");
    ending->in_time = reap(child, start + command->limit, ending);
    ending->seconds = now() - start;
    ending->nothing_left = ending->in_time && reap(0, now() + GRACE, ending);
    while (!ending->nothing_left) {
        kill_children();
        if (reap(0, now() + 0.1, ending))
            break;
    }
}
