/* SPDX-License-Identifier: MIT */
#include "stderr_filter.h"

#include "command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MOST = 200, WAIT_STEP = 10000000 /* nanoseconds: 2 s in all */ };

/* The terminal's signals are for the program; the filter ends with its input. */
static void ignore_signals(void)
{
    static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_IGN);
}

static _Noreturn void become_filter(int input, const char *program)
{
    char *module;
    ignore_signals();
    if (dup2(input, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
        asprintf(&module, "--module=%s", program) < 0)
        _exit(STATUS_FAILED);
    unsetenv("LD_PRELOAD");
    execl("/proc/self/exe", "barrow", "symbolize", module, (char *)NULL);
    _exit(STATUS_FAILED);
}

bool stderr_filter_begin(struct stderr_filter *filter, const char *program)
{
    int ends[2];
    filter->own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (filter->own < 0 || pipe2(ends, O_CLOEXEC) != 0 || (filter->pid = fork()) < 0) {
        warn("standard error");
        return false;
    }
    if (filter->pid == 0)
        become_filter(ends[0], program);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return true;
}

void stderr_filter_end(const struct stderr_filter *filter)
{
    const struct timespec step = { .tv_nsec = WAIT_STEP };
    dup2(filter->own, STDERR_FILENO);
    for (int i = 0; i < WAIT_MOST && waitpid(filter->pid, NULL, WNOHANG) == 0; i++)
        nanosleep(&step, NULL);
}
