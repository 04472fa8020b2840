/* SPDX-License-Identifier: MIT */
/* process.h: runs a command to its end and to the end of every process that it left. */
#ifndef BARROW_TESTS_PRELOAD_PROCESS_H
#define BARROW_TESTS_PRELOAD_PROCESS_H

#include <stdbool.h>

struct command {
    const char *const *argv;
    const char *const *environment;
    const char *directory; /* to work in */
    const char *out;       /* file for standard output */
    const char *err;       /* file for standard error */
    const char *user;      /* to run as, where the caller may choose; NULL for the caller */
    unsigned limit;        /* in seconds */
};

struct ending {
    int status;        /* as waitpid gives it */
    bool in_time;      /* it ended by itself within its limit */
    bool nothing_left; /* and so did every process it had started, soon after */
    double seconds;    /* by the clock */
    double cpu;        /* seconds of all its processes */
    long peak;         /* resident KiB of its largest process */
};

/* Whatever came of it, none of the command's processes is alive afterwards. The caller has no other
 * children. */
void command_run(const struct command *command, struct ending *ending);

#endif
