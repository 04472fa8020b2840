/* SPDX-License-Identifier: MIT */
/* format.h: the parts of printf that Windows understands in its own way: I64 and I32, long with 32
 * bits, strings of 16-bit characters. */
#ifndef BARROW_WIN32_TEXT_FORMAT_H
#define BARROW_WIN32_TEXT_FORMAT_H

#include "win32/host/internal.h"

#include <stdarg.h>

/* Where formatted text goes. put stores what fits and counts the rest too. */
struct text_sink {
    void (*put)(struct text_sink *sink, const char *utf8, size_t bytes);
    bool wide;    /* units are 16-bit characters, else bytes */
    size_t units; /* put so far */
};

/* A directive between % and its letter. */
struct directive {
    char flags[8]; /* of "-+ #0", a string */
    int width;     /* -1: none */
    int precision; /* -1: none */
    bool star_width, star_precision;
    enum { SIZE_NONE, SIZE_CHAR, SIZE_SHORT, SIZE_32, SIZE_64, SIZE_WIDE, SIZE_LONG } size;
    char letter; /* 0: the format ends inside the directive */
};

/* Reads a directive that begins behind %, and moves on behind its letter. */
struct directive directive_read(const char **format);

/* For the arguments of stars. */
void directive_set_width(struct directive *directive, int width);

/* Whether the letter takes a string, a character, or an integer or pointer as its argument. */
bool directive_is_string(const struct directive *directive);
bool directive_is_character(const struct directive *directive);

/* Whether a string or character has 16-bit units; in a wide format that is the rule. */
bool directive_is_wide(const struct directive *directive, bool wide_format);

/* Put one argument. Integers come as 64 bits, of which the directive's size counts. */
void directive_put_integer(const struct directive *directive, uint64_t value,
                           struct text_sink *sink);
void directive_put_double(const struct directive *directive, double value, struct text_sink *sink);
void directive_put_string(const struct directive *directive, const void *string, bool wide,
                          struct text_sink *sink);
void directive_put_character(const struct directive *directive, unsigned unit, bool wide,
                             struct text_sink *sink);

/* A whole format with its arguments. wide: the format came from a W function. */
void text_format(struct text_sink *sink, const char *format, bool wide, va_list arguments);

/* Sinks into a buffer of so many units; the last one is kept for the terminating zero, which
 * buffer_end stores. */
struct text_buffer {
    struct text_sink sink;
    void *units;
    size_t capacity;
};

struct text_buffer buffer_start(void *units, size_t capacity, bool wide);
void buffer_end(struct text_buffer *buffer);

#endif
