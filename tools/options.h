/* SPDX-License-Identifier: MIT */
/* options.h: the options of the library that the command sets for the program, through the
 * environment. */
#ifndef BARROW_TOOLS_OPTIONS_H
#define BARROW_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

/* Checks value and puts it into the environment under the option's variable; sizes are put there in
 * bytes. name is as in --option (commit-limit); called_as is what a message names ("--limit").
 * Returns false after a message: no such option, or a value that the library would not take. */
bool option_set(const char *name, const char *value, const char *called_as);

/* The same for "NAME=VALUE". */
bool option_set_pair(const char *pair);

/* A line for each option, for --help. */
void options_describe(FILE *out);

#endif
