/* SPDX-License-Identifier: MIT */
/* account.h: reads what BARROW_STATS=PATH left (tools/README.md has the format). */
#ifndef BARROW_TESTS_PRELOAD_ACCOUNT_H
#define BARROW_TESTS_PRELOAD_ACCOUNT_H

#include <stdint.h>

struct account {
    unsigned processes;   /* of this name that ended with an account */
    uint64_t allocations; /* the most that one of them made */
};

/* No file and no such process give zeros. */
struct account account_of(const char *path, const char *program);

#endif
