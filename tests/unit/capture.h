/* SPDX-License-Identifier: MIT */
/* capture.h: what is written to standard error meanwhile. */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include "test.h"

#include <unistd.h>

struct capture {
    int saved, ends[2];
    char text[4096];
};

static inline void capture_begin(struct capture *capture)
{
    assert_int_equal(pipe(capture->ends), 0);
    capture->saved = dup(STDERR_FILENO);
    assert_true(capture->saved >= 0);
    assert_int_equal(dup2(capture->ends[1], STDERR_FILENO), STDERR_FILENO);
}

/* What came, ended by a 0; at most a pipe's fill, which no test comes near. */
static inline const char *capture_end(struct capture *capture)
{
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
