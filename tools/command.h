/* SPDX-License-Identifier: MIT */
/* command.h: what the sub-commands of barrow share. */
#ifndef BARROW_TOOLS_COMMAND_H
#define BARROW_TOOLS_COMMAND_H

/* Exit statuses, those of env(1), nice(1) and timeout(1), so that scripts can tell our failures
 * from the program's. */
enum {
    STATUS_FAILED = 125,       /* barrow itself failed, or was called wrongly */
    STATUS_NOT_RUNNABLE = 126, /* the program is there but cannot be run under the library */
    STATUS_NOT_FOUND = 127,    /* there is no such program */
};

/* A sub-command gets its own name as argv[0], as "barrow NAME", and returns the exit status. */
struct command {
    const char *name;
    const char *summary; /* one line for barrow --help */
    int (*main)(int argc, char **argv);
};

int run_main(int argc, char **argv);
int bench_main(int argc, char **argv);
int heap_main(int argc, char **argv);
int stats_main(int argc, char **argv);
int map_main(int argc, char **argv);
int symbolize_main(int argc, char **argv);
int top_main(int argc, char **argv);

/* Writes text to standard output and returns an exit status: 0, or STATUS_FAILED with a message
 * when it could not all be written (barrow --help >/dev/full). */
int print_text(const char *text);

/* Points to the --help of argv0 after a wrong call, and returns STATUS_FAILED. */
int usage_error(const char *argv0);

#endif
