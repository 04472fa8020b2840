/* SPDX-License-Identifier: MIT */
/* program_find.c: finds a program as execvp(3) does: the folders of PATH in order. If none has a program that can be
 * executed, the last file that was found but cannot be executed is what the message is about. */
#include "program.h"

#include "command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int program_error(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int complain(const char *name, int error)
{
    errno = error;
    warn("%s", name);
    return error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}

/* PATH, or what the system takes in its place. */
static char *search_path(void)
{
    const char *path = getenv("PATH");
    if (path)
        return strdup(path);
    size_t size = confstr(_CS_PATH, NULL, 0);
    char *standard = malloc(size + 1);
    if (standard)
        standard[confstr(_CS_PATH, standard, size)] = '\0';
    return standard;
}

/* Tries each folder in turn; an empty one is the current folder. A file that is there but may not
 * be executed does not end the search, but is what the message is about if nothing better comes. */
static int search(char path[PATH_MAX], char *folders, const char *name)
{
    int error = ENOENT;
    for (char *folder; (folder = strsep(&folders, ":"));) {
        int length = snprintf(path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
        if (length >= PATH_MAX)
            continue;
        int tried = program_error(path);
        if (tried == 0)
            return 0;
        if (tried != EISDIR && access(path, F_OK) == 0)
            error = tried;
    }
    return error;
}

int program_find(char path[PATH_MAX], const char *name)
{
    if (strchr(name, '/') || !*name) {
        int error = strlen(name) < PATH_MAX ? program_error(name) : ENAMETOOLONG;
        if (error)
            return complain(name, error);
        strcpy(path, name);
        return 0;
    }
    char *folders = search_path();
    if (!folders) {
        warn("PATH");
        return STATUS_FAILED;
    }
    int error = search(path, folders, name);
    free(folders);
    return error ? complain(name, error) : 0;
}
