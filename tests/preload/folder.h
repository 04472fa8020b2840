/* SPDX-License-Identifier: MIT */
/* folder.h: a folder for one test. It stands in $TMPDIR or /tmp, because other users must be able
 * to enter it and sockets in it need short names. */
#ifndef BARROW_TESTS_PRELOAD_FOLDER_H
#define BARROW_TESTS_PRELOAD_FOLDER_H

#include <sys/types.h>

/* Each fails the test when it can't do its work. */
void folder_make(const char *test);
void folder_remove(void);

/* "FOLDER/NAME", in memory that stays. */
const char *folder_path(const char *name);

/* An empty directory in it, for a user, who may be NULL. */
void folder_add_directory(const char *name, const char *user);
void folder_rename(const char *from, const char *to);

/* A file in it that everybody may read, or write as well. */
void folder_add_copy(const char *name, const char *of);
void folder_add_shared(const char *name);

#endif
