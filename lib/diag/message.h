/* SPDX-License-Identifier: MIT */
/* message.h: lines for a person, on standard error. No memory is allocated and no lock is taken. */
#ifndef BARROW_DIAG_MESSAGE_H
#define BARROW_DIAG_MESSAGE_H

#include "os/compiler.h"

/* One line, "barrow: " before it and a newline after; cut at some 250 characters. */
void message(const char *format, ...) PRINTF(1, 2);

/* An address between two texts, without printf: for a thread that has no storage of its own. */
void message_address(const char *before, const void *address, const char *behind);

/* The same, if the option BARROW_VERBOSE is at least `level`. */
extern int message_level;
#define message_verbose(level, ...) (message_level >= (level) ? message(__VA_ARGS__) : (void)0)

#endif
