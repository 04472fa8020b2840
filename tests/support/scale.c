/* SPDX-License-Identifier: MIT */
#include "support/scale.h"

#include <stdlib.h>

#ifndef BARROW_TEST_SCALE
#define BARROW_TEST_SCALE 100
#endif

static size_t scale_percent(void)
{
    const char *text = getenv("BARROW_TEST_SCALE");
    long percent = text != NULL ? strtol(text, NULL, 10) : BARROW_TEST_SCALE;

    return percent > 0 ? (size_t)percent : 100;
}

size_t scaled(size_t count)
{
    size_t result = count * scale_percent() / 100;

    return result > 0 ? result : 1;
}
