/* SPDX-License-Identifier: MIT */
/* child.h: runs this program again in a process of its own, and tells how it ended.
 *
 * A test program that uses it starts with `child_case(argc, argv, cases)`: a process that was
 * started for a case runs that case before anything else has allocated. The caller's heap is not
 * touched: no function here allocates. */
#ifndef BARROW_TESTS_CHILD_H
#define BARROW_TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct child {
    const char *program;     /* NULL: this one */
    const char *const *args; /* up to a NULL; may itself be NULL */
    const char *const *env;  /* "NAME=value" sets, "NAME" unsets, up to a NULL; may be NULL */
    void (*prepare)(void);   /* called in the child before exec: limits, users; may be NULL */
    unsigned seconds;        /* after which SIGALRM ends it; 0: 120 */
};

struct child_result {
    int status;     /* as waitpid gives it */
    char out[8192]; /* what came on standard output and error, cut to fit, with a NUL at the end */
    char err[8192];
};

/* Runs the child to its end. */
void child_run(const struct child *child, struct child_result *result);

/* Runs this program for one case, by name and with one further argument (NULL: none). */
void child_run_case(const char *name, const char *argument, struct child_result *result);

bool child_exited(const struct child_result *result, int code);
bool child_killed(const struct child_result *result, int signal);

/* Whether body answers 0 in a process that fork makes; true where there is no fork. */
bool child_forks(int (*body)(void));

/* Prints how the child ended and what it wrote: for the report of a failed test. */
void child_show(const char *title, const struct child_result *result);

struct child_function {
    const char *name;
    int (*run)(const char *argument); /* its result is the exit status */
};

/* Runs the case that this process was started for and exits; returns when it was started for none.
 * The list ends with a name of NULL. */
void child_case(int argc, char **argv, const struct child_function *cases);

/* The full path of this program. */
const char *child_program(void);

#ifdef __cplusplus
}
#endif

#endif
