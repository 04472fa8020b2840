/* SPDX-License-Identifier: MIT */
/* account.h: the figures that the processes of a run leave in the page that they share with the command
 * (lib/diag/stats_page.h), and what is shown of them. */
#ifndef BARROW_TOOLS_ACCOUNT_H
#define BARROW_TOOLS_ACCOUNT_H

#include "barrow/barrow.h"
#include "launch.h"

#include <stdbool.h>
#include <stdio.h>

struct stats_page;

/* A file in memory that only this command holds open, reached by the others through /proc. So it needs
 * no folder that can be written, and nothing is left behind, however the command ends. */
struct account_page {
    int fd;
    struct stats_page *page;
};

/* Makes it and names it to the programs to be started. Returns false after a message. */
bool account_open(struct account_page *page);

enum account_end {
    END_EXIT,    /* by exit, or return from main */
    END_EXEC,    /* it was replaced by another program, which is shown too */
    END_RUNNING, /* it goes on */
    END_SILENT,  /* by a signal or _exit; which is known of the program itself only */
};

/* One image of a process. */
struct account_process {
    pid_t pid;
    char name[64];
    enum account_end end;
    struct barrow_stats stats; /* of a process that did not exit without what is cached */
};

struct account {
    struct account_process *processes; /* in the order in which they began */
    size_t count;
    size_t left_out;                     /* began when the page was full */
    const struct account_process *first; /* the program's own last image, or NULL */
};

/* Reads the page; pid is the program's. Returns false after a message. */
bool account_read(const struct account_page *page, pid_t pid, struct account *account);
void account_free(struct account *account);

/* The lines of one heap. */
void account_print_heap(FILE *out, const struct barrow_stats *stats);

/* Writes the account to standard error, for a person or as JSON. */
void account_print(const struct account *account, const struct ending *ending);
void account_print_json(const struct account *account, const struct ending *ending);

#endif
