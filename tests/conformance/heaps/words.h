/* SPDX-License-Identifier: MIT */
/* words.h: a library that knows nothing but malloc. It counts the words of a text, keeps them in a
 * table that it never frees, and uses whatever the C library offers that allocates. */
#ifndef BARROW_TESTS_WORDS_H
#define BARROW_TESTS_WORDS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct words;

/* NULL with errno ENOMEM when memory is refused; what there is by then is lost. */
struct words *words_parse(const char *text);

/* How often the word came; 0: never. */
size_t words_count(const struct words *words, const char *word);

size_t words_different(const struct words *words);

#ifdef __cplusplus
}
#endif

#endif
