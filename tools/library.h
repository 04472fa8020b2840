/* SPDX-License-Identifier: MIT */
/* library.h: the shared library that the command preloads. */
#ifndef BARROW_TOOLS_LIBRARY_H
#define BARROW_TOOLS_LIBRARY_H

#include "elf_check.h"

#include <limits.h>
#include <stdbool.h>

struct library {
    char path[PATH_MAX]; /* absolute: the program may change its directory */
    struct elf_file elf;
    bool glibc; /* is the one that was built with this command, by glibc's compiler */
};

/* Finds the library: given (from --library) when it is not NULL, else BARROW_LIBRARY, else beside
 * the command, in a build tree or an installed prefix, wherever that was moved to.
 * Returns false after a message when there is none or when it cannot be preloaded. */
bool library_find(struct library *library, const char *given);

/* The folder of this command's own file, without symbolic links on the way; false after a message.
 */
bool own_folder(char folder[PATH_MAX]);

/* Puts the library in front of LD_PRELOAD. Returns false after a message. */
bool library_preload(const struct library *library);

#endif
