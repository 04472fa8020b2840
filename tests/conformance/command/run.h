/* SPDX-License-Identifier: MIT */
/* run.h: runs the command barrow and keeps what came of it.
 *
 * The environment is that of the test without any BARROW_ variable, but with BARROW_LIBRARY naming
 * the library of known figures (figures.c): so these tests hold in every build, also in those whose
 * library no other program could load. */
#ifndef BARROW_TESTS_COMMAND_RUN_H
#define BARROW_TESTS_COMMAND_RUN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <sys/types.h>

struct outcome {
    int status; /* as waitpid gives it */
    char out[8192];
    char err[8192];
};

/* Changes made in the child before the command is executed; NULL for none. */
typedef void (*prepare_fn)(void);

void run_prepared(struct outcome *outcome, prepare_fn prepare, const char *const argv[]);

/* RUN(&outcome, NULL, BARROW_COMMAND, "run", "--", "true") */
#define RUN(outcome, prepare, ...)                                                                 \
    run_prepared(outcome, prepare, (const char *const[]){ __VA_ARGS__, NULL })

/* Starts a command, with its output going to the caller. */
struct running {
    pid_t pid;
    int output; /* the read end of its standard output and error */
};

void start_prepared(struct running *running, prepare_fn prepare, const char *const argv[]);

#define START(running, prepare, ...)                                                               \
    start_prepared(running, prepare, (const char *const[]){ __VA_ARGS__, NULL })

/* Reads the output until text has come; fails the test at its end. Returns all that was read, in a
 * static buffer. */
const char *await_text(int output, const char *text);

/* Reads the output until its end, which is when nobody holds it open any more. */
void await_end(int output);

void assert_exit(int status, int expected);
void assert_signalled(int status, int expected);
void assert_contains(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

/* The figure that follows part in text, its thousands separated by commas; fails when there is
 * none. */
double figure_after(const char *text, const char *part);

/* A folder that anybody may enter, on a file system where set-user-id is honoured, with the path of
 * a file in it put together by in_folder(). */
int folder_make(void **state);
int folder_remove(void **state);
const char *in_folder(const char *name);

/* Copies a file there. */
const char *copy_to_folder(const char *from, const char *name, mode_t mode);
const char *write_to_folder(const char *name, const char *content, size_t length, mode_t mode);

#endif
