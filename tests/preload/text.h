/* SPDX-License-Identifier: MIT */
/* text.h: whole files in memory, and where two of them differ. */
#ifndef BARROW_TESTS_PRELOAD_TEXT_H
#define BARROW_TESTS_PRELOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* NUL behind them */
    size_t length;
};

/* Fails the test when the file can't be read. */
struct text text_read(const char *path);
void text_free(struct text *text);

/* Takes out what stands between each `opening`, such as ` time="`, and the next quotation mark. */
void text_drop_values(struct text *text, const char *opening);

/* Fails the test, naming the first line that differs, unless both are equal byte for byte. */
void text_assert_equal(const char *what, const struct text *plain, const struct text *preloaded);

/* The last lines of a file, in a static buffer. */
const char *text_tail(const char *path);

#endif
