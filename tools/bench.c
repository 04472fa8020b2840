/* SPDX-License-Identifier: MIT */
/* bench.c: barrow bench: becomes the benchmarks' driver, a Python program that has options of its
 * own. The build sets BARROW_BENCH_FOLDER (from the installed command's folder to the driver's) and
 * BARROW_BENCH_SOURCES (from the built command's folder to the driver's in the sources). */
#include "command.h"
#include "library.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const folders[] = { BARROW_BENCH_FOLDER, BARROW_BENCH_SOURCES };

enum { FOLDERS = sizeof folders / sizeof folders[0] };

/* What a copy without the driver says; with it the driver's own help is shown. */
static int print_help(void)
{
    return print_text("Usage: barrow bench [COMMAND] [OPTION]...\n"
                      "Measure memory allocators side by side.\n"
                      "\n"
                      "Commands:\n"
                      "  run           run the suite, or parts of it (the default)\n"
                      "  list          list the measurements and the allocators that are found\n"
                      "  report        show the results of an earlier run again\n"
                      "  instructions  count the instructions of malloc and free\n"
                      "  soak          put a server's load on all allocators at once\n"
                      "\n"
                      "This copy was built without the benchmarks: build and install with\n"
                      "BARROW_BUILD_BENCH=ON.\n");
}

static bool is_help(const char *argument)
{
    return argument && (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0);
}

static bool find_driver(const char *own, char path[PATH_MAX])
{
    char candidate[PATH_MAX * 2];
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(candidate, sizeof candidate, "%s/%s/driver.py", own, folders[i]);
        if (realpath(candidate, path))
            return true;
    }
    return false;
}

static int complain_missing(const char *own)
{
    warnx("no driver.py in %s/" BARROW_BENCH_FOLDER
          ": build and install with BARROW_BUILD_BENCH=ON",
          own);
    return STATUS_FAILED;
}

/* What is measured is the library of this very build, with the programs built beside it; a variable
 * that the user has set is kept. */
static bool name_own_build(const char *own)
{
    struct library library;
    if (!library_find(&library, NULL) || setenv("BARROW_LIBRARY", library.path, 1) != 0)
        return false;
    char candidate[PATH_MAX * 2], path[PATH_MAX];
    snprintf(candidate, sizeof candidate, "%s/../bench/micro", own);
    if (access(candidate, X_OK) != 0)
        return true; /* installed: the driver has its programs beside itself */
    snprintf(candidate, sizeof candidate, "%s/../bench", own);
    return realpath(candidate, path) && setenv("BARROW_BENCH_BIN", path, 0) == 0;
}

int bench_main(int argc, char **argv)
{
    (void)argc;
    char own[PATH_MAX], driver[PATH_MAX];
    if (!own_folder(own))
        return STATUS_FAILED;
    if (!find_driver(own, driver))
        return is_help(argv[1]) ? print_help() : complain_missing(own);
    if (!name_own_build(own))
        return STATUS_FAILED;
    argv[0] = driver;
    execv(driver, argv);
    int error = errno;
    warn("%s", driver);
    return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}
