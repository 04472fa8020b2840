/* SPDX-License-Identifier: MIT */
/* capture.h: what is written to standard error meanwhile. */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include "test.h"

#include <stdbool.h>
#include <unistd.h>
#if defined(_WIN32)
#include <windows.h>
#endif

struct capture {
    int saved, ends[2];
    void *handle; /* Windows' own idea of what standard error is */
    char text[4096];
};

static inline void capture_handle(struct capture *capture, bool begin)
{
#if defined(_WIN32)
    if (begin)
        capture->handle = GetStdHandle(STD_ERROR_HANDLE);
    SetStdHandle(STD_ERROR_HANDLE, begin ? (HANDLE)_get_osfhandle(STDERR_FILENO) : capture->handle);
#else
    (void)capture;
    (void)begin;
#endif
}

static inline void capture_begin(struct capture *capture)
{
    assert_int_equal(pipe(capture->ends), 0);
    capture->saved = dup(STDERR_FILENO);
    assert_true(capture->saved >= 0);
    assert_true(dup2(capture->ends[1], STDERR_FILENO) >= 0);
    capture_handle(capture, true);
}

/* What came, ended by a 0; at most a pipe's fill, which no test comes near. */
static inline const char *capture_end(struct capture *capture)
{
    capture_handle(capture, false);
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    close(capture->ends[1]);
    size_t length = 0;
    ssize_t n;
    while (length < sizeof capture->text - 1 && (n = read(capture->ends[0], capture->text + length,
                                                          sizeof capture->text - 1 - length)) > 0)
        length += (size_t)n;
    capture->text[length] = '\0';
    close(capture->ends[0]);
    return capture->text;
}

#endif
