/* SPDX-License-Identifier: MIT */
/* launch.c: exec in place; or a child whose stops and signals are passed on, in one loop around sigwaitinfo and wait4. */
#include "launch.h"

#include "command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What has to be put back in the program, so that it inherits what the command did. */
struct inherited {
    sigset_t mask;
    struct sigaction child_action;
};

/* ---- exec ---- */

/* A file that execve does not know is a shell script if it is text: no NUL in its first line. */
static bool is_text(const char *path)
{
    char head[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, head, sizeof head);
    close(fd);
    if (length < 0)
        return false;
    const char *line_end = memchr(head, '\n', (size_t)length);
    size_t first = line_end ? (size_t)(line_end - head) : (size_t)length;
    return !memchr(head, '\0', first);
}

static void exec_by_shell(const char *path, char **argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **with_shell = calloc(count + 2, sizeof *with_shell);
    if (!with_shell)
        return;
    static char shell[] = "/bin/sh";
    with_shell[0] = shell;
    with_shell[1] = (char *)path;
    for (size_t i = 1; i < count; i++)
        with_shell[i + 1] = argv[i];
    execv(with_shell[0], with_shell);
    free(with_shell);
}

/* execv with execvp's way of running scripts without #!. Returns errno. */
static int exec_program(const char *path, char **argv)
{
    execv(path, argv);
    if (errno == ENOEXEC && is_text(path))
        exec_by_shell(path, argv);
    return errno;
}

static int complain_exec(const char *path, int error)
{
    errno = error;
    warn("%s", path);
    return STATUS_NOT_RUNNABLE;
}

int launch_in_place(const char *path, char **argv)
{
    return complain_exec(path, exec_program(path, argv));
}

/* ---- start as a child ---- */

/* Runs in the child; returns errno when the program cannot be executed. */
static int become_program(const struct inherited *inherited, pid_t parent, const char *path,
                          char **argv)
{
    /* A SIGKILL to the command cannot be forwarded; so its end is the program's. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(STATUS_FAILED);
    sigaction(SIGCHLD, &inherited->child_action, NULL);
    sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
    return exec_program(path, argv);
}

/* The pipe closes when exec succeeds, or carries errno. */
static int read_exec_error(int from)
{
    int error = 0;
    ssize_t got;
    do
        got = read(from, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    close(from);
    return got == sizeof error ? error : 0;
}

static pid_t start(const struct inherited *inherited, const char *path, char **argv, int *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        int failure = become_program(inherited, parent, path, argv);
        _exit(write(ends[1], &failure, sizeof failure) < 0 ? STATUS_FAILED : STATUS_NOT_RUNNABLE);
    }
    int fork_error = errno;
    close(ends[1]);
    *error = read_exec_error(ends[0]);
    errno = fork_error;
    return child;
}

/* ---- wait ---- */

/* The terminal sends these to the whole foreground group, the program included. The kernel marks
 * what it sends itself with a positive code. */
static bool sent_to_group(const siginfo_t *info)
{
    if (info->si_code <= 0)
        return false;
    switch (info->si_signo) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGHUP:
    case SIGCONT:
    case SIGTTIN:
    case SIGTTOU:
    case SIGWINCH:
        return true;
    default:
        return false;
    }
}

static void forward(pid_t child, const siginfo_t *info)
{
    if (sent_to_group(info))
        return;
    if (info->si_code == SI_QUEUE)
        sigqueue(child, info->si_signo, info->si_value);
    else
        kill(child, info->si_signo);
}

/* Lets a signal's default action happen to the command. Returns when that was to stop, and the
 * command was continued, or when nothing happened. */
static void suffer(int signal_number)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    sigaction(signal_number, &plain, NULL);
    raise(signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigprocmask(SIG_BLOCK, &one, NULL);
}

/* Returns true when the program has ended. */
static bool look_after(struct ending *ending)
{
    for (;;) {
        pid_t changed = wait4(ending->pid, &ending->status, WNOHANG | WUNTRACED, &ending->usage);
        if (changed != ending->pid)
            return false;
        if (!WIFSTOPPED(ending->status))
            return true;
        suffer(WSTOPSIG(ending->status)); /* so that a shell sees the job stopped */
    }
}

static void wait_for_end(struct ending *ending, const sigset_t *all)
{
    siginfo_t info;
    for (;;) {
        if (sigwaitinfo(all, &info) < 0)
            continue; /* EINTR, after a stop */
        if (info.si_signo != SIGCHLD)
            forward(ending->pid, &info);
        else if (look_after(ending))
            return;
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* All signals are taken by sigwaitinfo, none by a handler. SIGCHLD must not be ignored, as it may
 * be by inheritance, or the program's status would be lost. */
static void take_signals(struct inherited *inherited, sigset_t *all)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigaction(SIGCHLD, &plain, &inherited->child_action);
    sigfillset(all);
    sigprocmask(SIG_SETMASK, all, &inherited->mask);
}

int launch_and_wait(struct ending *ending, const char *path, char **argv)
{
    struct inherited inherited;
    sigset_t all;
    take_signals(&inherited, &all);
    double begin = now();
    int error = 0;
    ending->pid = start(&inherited, path, argv, &error);
    if (ending->pid < 0) {
        warn("cannot start a process");
        return STATUS_FAILED;
    }
    wait_for_end(ending, &all);
    ending->wall_seconds = now() - begin;
    return error ? complain_exec(path, error) : 0;
}

/* ---- end ---- */

_Noreturn static void die_by(int signal_number)
{
    prctl(PR_SET_DUMPABLE, 0); /* or our core file would replace the program's */
    suffer(signal_number);
    exit(128 + signal_number); /* as process 1, which no default action ends */
}

_Noreturn void launch_finish(const struct ending *ending)
{
    if (WIFSIGNALED(ending->status))
        die_by(WTERMSIG(ending->status));
    exit(WEXITSTATUS(ending->status));
}
