/* SPDX-License-Identifier: MIT */
/* linux_test.h: what the tests that are built for Linux alone share: checks in forked children. */
#ifndef LINUX_TEST_H
#define LINUX_TEST_H

#include "win32_test.h"

#include <sys/wait.h>
#include <unistd.h>

#define RW     PAGE_READWRITE
#define MEMORY INVALID_HANDLE_VALUE

/* In a child, checks end it: its exit code is the line of the first that failed. */
#define child_check(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(__LINE__ % 200 + 1);                                                             \
    } while (0)

static inline int wait_for(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs act in a child that has a minute for it; its exit code is to be as given. */
static inline void in_child(void (*act)(void), int expected)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        act();
        _exit(0);
    }
    assert_int_equal(wait_for(child), expected);
}

#endif
