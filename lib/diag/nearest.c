/* SPDX-License-Identifier: MIT */
/* nearest.c: Levenshtein's edit distance by dynamic programming, with one row of the table. */
#include "diag/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LENGTH_MAX = 40 };

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* row[j] is the distance between the characters of a seen so far and the first j of b. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[LENGTH_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 0; i < a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_of(replaced, min_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}

const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t smallest = (length + 2) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > LENGTH_MAX)
            continue;
        size_t d = distance(text, length, names[i], name_length);
        if (d < smallest) {
            smallest = d;
            nearest = names[i];
        }
    }
    return nearest;
}
