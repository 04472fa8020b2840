/* SPDX-License-Identifier: MIT */
/* account.h: the figures that the library writes at the program's end, and what is shown of them.
 * tools/README.md describes the format, which lib/diag writes. */
#ifndef BARROW_TOOLS_ACCOUNT_H
#define BARROW_TOOLS_ACCOUNT_H

#include "barrow/barrow.h"
#include "launch.h"

#include <stdbool.h>

/* The place that the processes of the run append their figures to: a file in memory that only this
 * command holds open, reached by the others through /proc. So it needs no folder that can be
 * written, and nothing is left behind, however the command ends. */
struct account_file {
    int fd;
};

/* Makes the file and puts its path into BARROW_STATS. Returns false after a message. */
bool account_open(struct account_file *file);

struct account {
    bool found;                /* the program itself wrote its figures */
    unsigned others;           /* other processes that did */
    char name[64];             /* of the program, as the library knows it */
    struct barrow_stats stats; /* fields that were not written are 0 */
};

/* Reads what was written until now; pid is the program's. A block that is not complete does not
 * count. Returns false after a message. */
bool account_read(const struct account_file *file, pid_t pid, struct account *account);

/* Writes the account to standard error. */
void account_print(const struct account *account, const struct ending *ending);

#endif
