/* SPDX-License-Identifier: MIT */
/* program.h: the program to run: where it is, and whether a library can be preloaded into it. */
#ifndef BARROW_TOOLS_PROGRAM_H
#define BARROW_TOOLS_PROGRAM_H

#include "library.h"

#include <limits.h>

/* Finds name as execvp(3) would, through PATH when it holds no slash.
 * Returns 0, or STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE after a message. */
int program_find(char path[PATH_MAX], const char *name);

/* 0, or the errno that says why the file cannot be executed (EISDIR for a folder). */
int program_error(const char *path);

/* Whether the loader would put the library into the program, or, for a script, into its
 * interpreter. Returns 0, or STATUS_NOT_RUNNABLE after a message. */
int program_check(const char *path, const struct library *library);

#endif
