/* SPDX-License-Identifier: MIT */
/* guard.h: a forked child that ends in time or counts as a deadlock. */
#ifndef BARROW_TESTS_GUARD_H
#define BARROW_TESTS_GUARD_H

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Called first in a child: SIGALRM ends it if it hangs. Only what is safe in signal handlers. */
static inline void guard_child(void)
{
    alarm(90);
}

/* Waits for the child; whether it ended by _exit(0). */
static inline bool guard_wait(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return false;
    return status == 0;
}

#endif
