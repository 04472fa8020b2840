/* SPDX-License-Identifier: MIT */
#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *what)
{
    int error = errno;

    char text[512];
    int length =
        snprintf(text, sizeof(text), "%s:%d: not so: %s (errno %d)\n", file, line, what, error);
    if (write(2, text, (unsigned)length < sizeof(text) ? (unsigned)length : sizeof(text)) < 0)
        _exit(1);
    abort();
}
