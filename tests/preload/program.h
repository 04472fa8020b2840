/* SPDX-License-Identifier: MIT */
/* program.h: one existing program, or one of fixtures/, run plain and preloaded. */
#ifndef BARROW_TESTS_PRELOAD_PROGRAM_H
#define BARROW_TESTS_PRELOAD_PROGRAM_H

#include <stdint.h>

enum kind {
    SCRIPT, /* /bin/sh runs scripts/NAME.sh, every process of which is preloaded */
    FIXTURE /* the program fixtures/NAME */
};

struct program {
    const char *name;
    enum kind kind;
    const char *needs[4];    /* commands that must be installed */
    const char *user;        /* to run as when the test runs as root; NULL for root */
    const char *produced[3]; /* files that both runs must leave, equal byte for byte */
    const char *varying[3]; /* in these, what stands between each such opening and a " may differ */
    const char *served;     /* program whose account the library must have left */
    uint64_t allocations;   /* and no fewer allocations in it than this */
    unsigned limit;         /* seconds for one run */
};

/* The test: fails unless both runs end with exit status 0 and nothing left running, with equal
 * standard output, standard error and produced files, and the second was served by the library.
 *
 * A run has an empty working directory, of the same name both times, nothing on standard input and
 * an environment of its own: PATH, HOME and TMPDIR (the working directory), LANG, TZ, and DATA and
 * SOURCE, which name data/ and the whole source tree. The library's options (BARROW_...) in the
 * caller's environment reach the preloaded run. */
void program_check(const struct program *program);

#endif
