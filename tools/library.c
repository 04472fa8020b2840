/* SPDX-License-Identifier: MIT */
/* library.c: where the library is. The build sets BARROW_LIBRARY_NAME (its SONAME),
 * BARROW_LIBRARY_FOLDER (from the installed command's folder to the installed library's) and
 * BARROW_GLIBC (1 when it is built for glibc). */
#include "library.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From the command's folder. The installed place comes first: a prefix of its own is the rule, and
 * a build tree holds nothing there. */
static const char *const folders[] = { BARROW_LIBRARY_FOLDER, ".", "..", "../lib" };

enum { FOLDERS = sizeof folders / sizeof folders[0] };

bool own_folder(char folder[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length < 0) {
        warn("/proc/self/exe");
        return false;
    }
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return true;
}

static bool find_beside_command(char path[PATH_MAX])
{
    char folder[PATH_MAX], candidate[PATH_MAX * 2];
    if (!own_folder(folder))
        return false;
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(candidate, sizeof candidate, "%s/%s/" BARROW_LIBRARY_NAME, folder, folders[i]);
        if (realpath(candidate, path))
            return true;
    }
    warnx("no " BARROW_LIBRARY_NAME " beside %s/barrow nor in ../lib; name it with --library or "
          "BARROW_LIBRARY",
          folder);
    return false;
}

static bool find_given(char path[PATH_MAX], const char *given, const char *source)
{
    if (realpath(given, path))
        return true;
    warn("%s: %s", source, given);
    return false;
}

static bool find_path(struct library *library, const char *given)
{
    library->glibc = false;
    if (given)
        return find_given(library->path, given, "--library");
    const char *variable = getenv("BARROW_LIBRARY");
    if (variable && *variable)
        return find_given(library->path, variable, "BARROW_LIBRARY");
    library->glibc = BARROW_GLIBC;
    return find_beside_command(library->path);
}

/* The loader would only print a warning and run the program without the library. */
static bool check(struct library *library)
{
    int fd = open(library->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        warn("%s", library->path);
        return false;
    }
    bool is_elf = elf_read(fd, &library->elf);
    close(fd);
    if (!is_elf || library->elf.type != ET_DYN || !library->elf.dynamic || library->elf.pie) {
        warnx("%s: not a shared library", library->path);
        return false;
    }
    if (strpbrk(library->path, " :")) {
        warnx("%s: the path has a space or a colon, which LD_PRELOAD cannot hold", library->path);
        return false;
    }
    return true;
}

bool library_find(struct library *library, const char *given)
{
    return find_path(library, given) && check(library);
}

bool library_preload(const struct library *library)
{
    const char *others = getenv("LD_PRELOAD");
    char *value;
    bool more = others && *others;
    if (asprintf(&value, "%s%s%s", library->path, more ? ":" : "", more ? others : "") < 0) {
        warn("LD_PRELOAD");
        return false;
    }
    bool done = setenv("LD_PRELOAD", value, 1) == 0;
    if (!done)
        warn("LD_PRELOAD");
    free(value);
    return done;
}
