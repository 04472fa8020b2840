/* SPDX-License-Identifier: MIT */
/* host_object.h: what the parts of named objects share: the folders that they are in, the look for
 * dead ones, and the operations on their files. For host_object.c, which has the whole. */
#ifndef BARROW_WIN32_HOST_HOST_OBJECT_H
#define BARROW_WIN32_HOST_HOST_OBJECT_H

#include "win32/host/host_file.h"

/* Opens the folder for the user's names, or for everyone's, and makes it when it is not there. */
int host_object_folder(bool global, int *folder);

/* Removes dead objects from the folder: all of them when it has few, else every so many calls. */
void host_object_sweep(int folder, bool global);

/* flock, without waiting. */
bool host_try_lock(int fd, int operation);

/* Removes the name from the folder if it leads to the file that is open. False: it is there still. */
bool host_remove_name(int folder, const char *name, int fd);

#endif
