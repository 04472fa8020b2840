/* SPDX-License-Identifier: MIT */
/* refuse.h: runs this program again, and makes its system calls fail at will.
 *
 * The kernel stops each call of one number (seccomp's user notification) until the parent has said
 * whether it is to be made or to fail. So it does not matter who makes the call, in which thread,
 * or how early in the life of the process. */
#ifndef TESTS_UNIT_REFUSE_H
#define TESTS_UNIT_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

struct refusal {
    int call;       /* number of the system call */
    int error;      /* what a refused one fails with; 0: it pretends to succeed */
    long operation; /* only calls with this second argument, less flags of 128 and up; -1: all */
    bool anybody;   /* calls out of other objects than the program count too */
    bool on_word;   /* nothing counts before the work has said REFUSE_START */
    size_t address_space; /* the process's limit, RLIMIT_AS; 0: none */
    size_t nth;           /* the first that is refused; 0: none, they are only counted */
    bool once_only;       /* for refuse_each: a state that lasts would be another matter */
    bool for_ever;        /* those after it are refused too */
};

struct refusal_result {
    int status;     /* as waitpid gives it */
    size_t count;   /* calls that were made, up to the end of the refusals */
    size_t refused; /* of these */
    char output[4096];
};

/* Runs `/proc/self/exe --work name` under the refusal, until it ends by itself. */
void refuse(const char *name, const struct refusal *refusal, struct refusal_result *result);

/* For the work: from here on calls count, or no more is refused. Returns when that is so. */
enum refuse_word { REFUSE_START = 's', REFUSE_END = 'e' };
void refuse_say(enum refuse_word word);

/* For the work: waits until this process has no other threads. */
void refuse_await_alone(void);

/* The name that this process is to work under, NULL when it is the test itself. */
const char *refuse_work(int argc, char **argv);

/* Every occurrence of the call in turn fails, alone and with all that come after it, until a run
 * has no more of them. Fails the test if a run does not end well. Returns how often it ran. */
size_t refuse_each(const char *work, struct refusal refusal);

#endif
