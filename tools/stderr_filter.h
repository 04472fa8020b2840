/* SPDX-License-Identifier: MIT */
/* stderr_filter.h: standard error of a program that the command runs goes through barrow symbolize. */
#ifndef BARROW_TOOLS_STDERR_FILTER_H
#define BARROW_TOOLS_STDERR_FILTER_H

#include <stdbool.h>
#include <sys/types.h>

struct stderr_filter {
    pid_t pid;
    int own; /* the command's standard error */
};

/* From now on this process's standard error, and that of what it starts, is the filter's input. Returns false
 * after a message. */
bool stderr_filter_begin(struct stderr_filter *filter, const char *program);

/* The program has ended: waits until the filter has written all, but not long for other processes that still
 * have its input open. */
void stderr_filter_end(const struct stderr_filter *filter);

#endif
