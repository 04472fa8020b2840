/* SPDX-License-Identifier: MIT */
/* nearest.c: the edit distance in which a change, a missing or surplus character, and two neighbours that are
 * swapped cost 1 each (optimal string alignment), by dynamic programming with three rows of the table. */
#include "diag/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { LENGTH_MAX = 40 };

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_swap(const char *a, size_t i, const char *b, size_t j)
{
    return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

/* Of the first i characters of a and the first j of b, from the distances of shorter pairs. */
static size_t step(const char *a, size_t i, const char *b, size_t j, size_t rows[3][LENGTH_MAX + 1])
{
    size_t *before = rows[(i + 2) % 3], *row = rows[i % 3];
    size_t least = min_of(before[j], row[j - 1]) + 1;
    least = min_of(least, before[j - 1] + (a[i - 1] != b[j - 1]));
    return is_swap(a, i, b, j) ? min_of(least, rows[(i + 1) % 3][j - 2] + 1) : least;
}

/* rows[i % 3][j] is the distance between the first i characters of a and the first j of b. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LENGTH_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        rows[i % 3][0] = i;
        for (size_t j = 1; j <= b_length; j++)
            rows[i % 3][j] = step(a, i, b, j, rows);
    }
    return rows[a_length % 3][b_length];
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
