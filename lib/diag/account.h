/* SPDX-License-Identifier: MIT */
/* account.h: figures written out, for people and for programs. */
#ifndef BARROW_DIAG_ACCOUNT_H
#define BARROW_DIAG_ACCOUNT_H

struct barrow_stats;

/* To standard error, for a person. */
void account_print(const struct barrow_stats *stats);

/* Appended to a file in one write, so that processes may share it: "barrow-stats PID NAME", a line
 * "KEY VALUE" for each field, "end". */
void account_append(const struct barrow_stats *stats, const char *path);

#endif
