/* SPDX-License-Identifier: MIT */
/* fixture.h: a folder for the files of mapped heaps, and children that use them. */
#ifndef BARROW_TESTS_MAPPED_FIXTURE_H
#define BARROW_TESTS_MAPPED_FIXTURE_H

#include <windows.h>

#include <barrow/mapped_heap.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"
#include "support/suite.h"

static char folder[64], path[128];

static inline const char *in_folder(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/barrow-mapped-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/heap", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static inline HANDLE new_heap(size_t maximum)
{
    HANDLE heap = barrow_heap_open_file(path, 0, maximum, BARROW_HEAP_MUST_BE_NEW);
    assert_non_null(heap);
    return heap;
}

static inline HANDLE open_again(DWORD flags)
{
    return barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST | flags);
}

/* Runs the function in a child; its exit status, or minus the signal that ended it. */
static inline int in_child(void body(void))
{
    int status;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        alarm(60);
        body();
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

#endif
