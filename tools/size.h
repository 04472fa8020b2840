/* SPDX-License-Identifier: MIT */
/* size.h: sizes and counts, written for people. */
#ifndef BARROW_TOOLS_SIZE_H
#define BARROW_TOOLS_SIZE_H

#include <stdint.h>

struct figure {
    char text[32]; /* the longest is 18,446,744,073,709,551,615 */
};

/* "17 bytes", "1.5 KiB", "12.0 MiB", "1.0 TiB": one decimal, rounded to the nearest. */
struct figure size_text(uint64_t bytes);

/* "1,234,567". */
struct figure count_text(uint64_t count);

#endif
