/* SPDX-License-Identifier: MIT */
/* parse.h: numbers and sizes in options. The command barrow compiles this file too. */
#ifndef BARROW_DIAG_PARSE_H
#define BARROW_DIAG_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits with an optional minus before them, and nothing else. */
bool parse_number(const char *text, int64_t *value);

/* A number of bytes: decimal digits and at most one of the suffixes K, M, G and T (powers of 1024, either
 * case), up to INT64_MAX. False, with *bytes undefined, for anything else. */
bool parse_size(const char *text, int64_t *bytes);

#endif
