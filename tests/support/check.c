/* SPDX-License-Identifier: MIT */
#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *what)
{
    int error = errno;

    dprintf(2, "%s:%d: not so: %s (errno %d)\n", file, line, what, error);
    abort();
}
