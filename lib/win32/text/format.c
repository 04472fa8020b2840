/* SPDX-License-Identifier: MIT */
/* format.c: see format.h. Each directive is read into a record, its argument is fetched by its type,
 * and a number is then printed by the C library with a format of its own. */
#include "win32/text/format.h"

#include "win32/host/text.h"

#include <stdio.h>
#include <string.h>

/* Numbers are printed to a buffer, so widths and precisions beyond this are cut, as Windows does. */
#define FIELD_MAXIMUM 500
#define NUMBER_BYTES  (FIELD_MAXIMUM + 400)

static int read_number(const char **format)
{
    int n = 0;
    while (**format >= '0' && **format <= '9') {
        n = n < FIELD_MAXIMUM * 100 ? n * 10 + (**format - '0') : n;
        ++*format;
    }
    return n;
}

static void read_flags(const char **format, struct directive *d)
{
    size_t n = 0;
    while (**format != '\0' && strchr("-+ #0", **format) != NULL) {
        if (strchr(d->flags, **format) == NULL && n < sizeof(d->flags) - 1)
            d->flags[n++] = **format;
        ++*format;
    }
}

static bool skip(const char **format, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(*format, prefix, length) != 0)
        return false;
    *format += length;
    return true;
}

static void read_size(const char **format, struct directive *d)
{
    static const struct {
        const char *prefix;
        int size;
    } sizes[] = {
        { "I64", SIZE_64 }, { "I32", SIZE_32 },  { "I", SIZE_64 },    { "ll", SIZE_64 },
        { "l", SIZE_LONG }, { "hh", SIZE_CHAR }, { "h", SIZE_SHORT }, { "w", SIZE_WIDE },
        { "z", SIZE_64 },   { "j", SIZE_64 },    { "t", SIZE_64 },    { "L", SIZE_NONE }
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (skip(format, sizes[i].prefix)) {
            d->size = (typeof(d->size))sizes[i].size;
            return;
        }
    }
}

struct directive directive_read(const char **format)
{
    struct directive d = { .width = -1, .precision = -1 };
    read_flags(format, &d);
    if (skip(format, "*"))
        d.star_width = true;
    else if (**format >= '0' && **format <= '9')
        d.width = read_number(format);
    if (skip(format, ".")) {
        d.star_precision = skip(format, "*");
        d.precision = d.star_precision ? -1 : read_number(format);
    }
    read_size(format, &d);
    d.letter = **format;
    if (d.letter != '\0')
        ++*format;
    return d;
}

/* A negative width is a width and the flag '-'. */
void directive_set_width(struct directive *d, int width)
{
    size_t n = strlen(d->flags);
    d->width = width < 0 ? (int)(0u - (unsigned)width) : width;
    if (width < 0 && strchr(d->flags, '-') == NULL && n < sizeof(d->flags) - 1)
        d->flags[n] = '-';
}

bool directive_is_string(const struct directive *d)
{
    return d->letter == 's' || d->letter == 'S';
}

bool directive_is_character(const struct directive *d)
{
    return d->letter == 'c' || d->letter == 'C';
}

/* h and l (or w) decide; else the small letter follows the format and the capital one does not. */
bool directive_is_wide(const struct directive *d, bool wide_format)
{
    if (d->size == SIZE_SHORT || d->size == SIZE_CHAR)
        return false;
    if (d->size == SIZE_WIDE || d->size == SIZE_LONG)
        return true;
    return (d->letter == 's' || d->letter == 'c') == wide_format;
}

static void put_spaces(struct text_sink *sink, int n)
{
    while (n-- > 0)
        sink->put(sink, " ", 1);
}

static int limited(int n)
{
    return n < FIELD_MAXIMUM ? n : FIELD_MAXIMUM;
}

static void number_format(const struct directive *d, const char *size, char letter, char out[32])
{
    char width[12] = "", precision[12] = "";
    if (d->width >= 0)
        snprintf(width, sizeof(width), "%d", limited(d->width));
    if (d->precision >= 0)
        snprintf(precision, sizeof(precision), ".%d", limited(d->precision));
    snprintf(out, 32, "%%%s%s%s%s%c", d->flags, width, precision, size, letter);
}

/* The bits that count, sign-extended for %d and %i. */
static uint64_t narrowed(const struct directive *d, uint64_t value)
{
    bool is_signed = d->letter == 'd' || d->letter == 'i';
    unsigned bits = d->size == SIZE_CHAR ? 8 : d->size == SIZE_SHORT ? 16 : 32;
    if (d->size == SIZE_64)
        return value;
    value &= (UINT64_C(1) << bits) - 1;
    return is_signed && (value >> (bits - 1) & 1) != 0 ? value | ~UINT64_C(0) << bits : value;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

void directive_put_integer(const struct directive *d, uint64_t value, struct text_sink *sink)
{
    char format[32], number[NUMBER_BYTES];
    struct directive pointer = { .width = d->width, .precision = 16, .size = SIZE_64 };
    memcpy(pointer.flags, d->flags, sizeof(pointer.flags));
    if (d->letter == 'p') {
        d = &pointer; /* as Windows prints pointers: all digits, without 0x */
        number_format(d, "ll", 'X', format);
    } else {
        number_format(d, "ll", d->letter, format);
    }
    int n = snprintf(number, sizeof(number), format, narrowed(d, value));
    sink->put(sink, number, (size_t)n);
}

void directive_put_double(const struct directive *d, double value, struct text_sink *sink)
{
    char format[32], number[NUMBER_BYTES];
    number_format(d, "", d->letter, format);
    int n = snprintf(number, sizeof(number), format, value);
    sink->put(sink, number, (size_t)n < sizeof(number) ? (size_t)n : sizeof(number) - 1);
}

#pragma GCC diagnostic pop

static size_t wide_length(const WCHAR *string, size_t limit)
{
    size_t n = 0;
    while (n < limit && string[n] != 0)
        n++;
    return n;
}

static void put_wide(const WCHAR *string, size_t units, struct text_sink *sink)
{
    char utf8[4];
    for (const WCHAR *at = string; at < string + units;)
        sink->put(sink, utf8, text_from_character(&at, utf8));
}

void directive_put_string(const struct directive *d, const void *string, bool wide,
                          struct text_sink *sink)
{
    if (string == NULL) {
        string = "(null)";
        wide = false;
    }
    size_t limit = d->precision >= 0 ? (size_t)d->precision : SIZE_MAX;
    size_t length = wide ? wide_length(string, limit) : strnlen(string, limit);
    int padding = d->width > 0 && (size_t)d->width > length ? d->width - (int)length : 0;
    bool left = strchr(d->flags, '-') != NULL;
    if (!left)
        put_spaces(sink, padding);
    if (wide)
        put_wide(string, length, sink);
    else
        sink->put(sink, string, length);
    if (left)
        put_spaces(sink, padding);
}

void directive_put_character(const struct directive *d, unsigned unit, bool wide,
                             struct text_sink *sink)
{
    WCHAR wide_text[2] = { (WCHAR)unit, 0 };
    char text[2] = { (char)unit, '\0' };
    struct directive one = *d;
    one.precision = 1;
    directive_put_string(&one, wide ? (const void *)wide_text : text, wide, sink);
}

/* So that the functions below can move on in one list of arguments. */
struct arguments {
    va_list list;
};

static void put_argument(struct directive *d, bool wide, struct arguments *arguments,
                         struct text_sink *sink)
{
    if (directive_is_string(d)) {
        const void *string = va_arg(arguments->list, const void *);
        directive_put_string(d, string, directive_is_wide(d, wide), sink);
    } else if (directive_is_character(d)) {
        unsigned unit = va_arg(arguments->list, unsigned);
        directive_put_character(d, unit, directive_is_wide(d, wide), sink);
    } else if (strchr("diouxXp", d->letter) != NULL) {
        bool long_argument = d->size == SIZE_64 || d->letter == 'p';
        uint64_t value =
            long_argument ? va_arg(arguments->list, uint64_t) : va_arg(arguments->list, unsigned);
        directive_put_integer(d, value, sink);
    } else if (strchr("eEfFgGaA", d->letter) != NULL) {
        directive_put_double(d, va_arg(arguments->list, double), sink);
    } else {
        sink->put(sink, &d->letter, 1);
    }
}

static void put_directive(const char **format, bool wide, struct arguments *arguments,
                          struct text_sink *sink)
{
    struct directive d = directive_read(format);
    if (d.star_width)
        directive_set_width(&d, va_arg(arguments->list, int));
    if (d.star_precision)
        d.precision = va_arg(arguments->list, int);
    if (d.letter != '\0')
        put_argument(&d, wide, arguments, sink);
}

void text_format(struct text_sink *sink, const char *format, bool wide, va_list list)
{
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        sink->put(sink, format, plain);
        format += plain;
        if (*format == '%') {
            format++;
            put_directive(&format, wide, &arguments, sink);
        }
    }
    va_end(arguments.list);
}

static void buffer_put(struct text_sink *sink, const char *utf8, size_t bytes)
{
    struct text_buffer *buffer = (struct text_buffer *)sink;
    size_t capacity = buffer->capacity > sink->units + 1 ? buffer->capacity - 1 - sink->units : 0;
    if (sink->wide) {
        WCHAR *to = (WCHAR *)buffer->units;
        sink->units +=
            text_to_utf16(utf8, bytes, capacity != 0 ? to + sink->units : NULL, capacity);
        return;
    }
    if (capacity != 0)
        memcpy((char *)buffer->units + sink->units, utf8, bytes < capacity ? bytes : capacity);
    sink->units += bytes;
}

struct text_buffer buffer_start(void *units, size_t capacity, bool wide)
{
    return (struct text_buffer){ .sink = { .put = buffer_put, .wide = wide },
                                 .units = units,
                                 .capacity = capacity };
}

void buffer_end(struct text_buffer *buffer)
{
    size_t end = buffer->sink.units < buffer->capacity ? buffer->sink.units : buffer->capacity - 1;
    if (buffer->capacity == 0)
        return;
    if (buffer->sink.wide)
        ((WCHAR *)buffer->units)[end] = 0;
    else
        ((char *)buffer->units)[end] = '\0';
}
