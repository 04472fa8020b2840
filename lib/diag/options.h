/* SPDX-License-Identifier: MIT */
/* options.h: what the environment asks for: one variable each (options.def), read once. A bad value, and a
 * variable BARROW_... that is no option, are reported and ignored; a set-user-id program's environment is
 * ignored altogether. */
#ifndef BARROW_DIAG_OPTIONS_H
#define BARROW_DIAG_OPTIONS_H

#include "diag/checks_option.h"
#include "os/compiler.h"

struct options {
    int64_t verbose;             /* BARROW_VERBOSE: 0 to 2 */
    int64_t purge_delay;         /* BARROW_PURGE_DELAY: milliseconds; 0: at once; -1: never */
    int64_t huge_pages;          /* BARROW_HUGE_PAGES: 0 or 1 */
    struct checks_option checks; /* BARROW_CHECKS: see checks_option.h */
    int64_t commit_limit, reserve, commit; /* BARROW_COMMIT_LIMIT, _RESERVE, _COMMIT: bytes */
    int64_t redirect,
        children;     /* BARROW_REDIRECT, _CHILDREN: checked here, obeyed by redirect/attach.c */
    char stats[4096]; /* BARROW_STATS: "1": account on standard error at exit; or a file's name. A
                         copy, because servers write their title over their environment. Last, so
                         that the others share a page with what else is needed at the start */
};

/* Overwrites those fields that the environment names; the others stay. */
void options_read(struct options *options);

#endif
