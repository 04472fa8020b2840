/* SPDX-License-Identifier: MIT */
/* nearest.h: the name that a misspelt one was probably meant to be. The command barrow compiles this file
 * too. */
#ifndef BARROW_DIAG_NEAREST_H
#define BARROW_DIAG_NEAREST_H

#include <stddef.h>

/* Of `count` names, the one with the smallest edit distance to the first `length` characters of text, if that
 * is at most a third of them, rounded up; else NULL. */
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#endif
