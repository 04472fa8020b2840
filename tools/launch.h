/* SPDX-License-Identifier: MIT */
/* launch.h: starts the program, in place of the command or as its child. */
#ifndef BARROW_TOOLS_LAUNCH_H
#define BARROW_TOOLS_LAUNCH_H

#include <sys/resource.h>
#include <sys/types.h>

struct ending {
    pid_t pid;
    int status; /* as wait4 gives it */
    struct rusage usage;
    double wall_seconds;
};

/* Replaces the command by the program. Returns only when that fails: STATUS_NOT_RUNNABLE after a
 * message. */
int launch_in_place(const char *path, char **argv);

/* Starts the program and waits for its end. Meanwhile the command acts in its place: signals that reach
 * the command are forwarded, when the program stops the command stops too, and if the command is
 * killed so is the program. Both are in the same process group, so the terminal's signals reach the
 * program by themselves and are not forwarded.
 * On return the signals are still blocked and the caller ends with launch_finish().
 * Returns 0, or an exit status after a message when the program could not be started. */
int launch_and_wait(struct ending *ending, const char *path, char **argv);

/* Ends the command as the program ended: with its exit status, or by the same signal. */
_Noreturn void launch_finish(const struct ending *ending);

#endif
