/* SPDX-License-Identifier: MIT */
/* print.c: the functions behind _tprintf, _stprintf, StringCchPrintf and their kin. */
#include "win32/text/format.h"

#include "barrow/tchar.h"
#include "win32/host/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct stream_sink {
    struct text_sink sink;
    FILE *stream;
};

static void stream_put(struct text_sink *sink, const char *utf8, size_t bytes)
{
    sink->units += sink->wide ? text_to_utf16(utf8, bytes, NULL, 0) : bytes;
    fwrite(utf8, 1, bytes, ((struct stream_sink *)sink)->stream);
}

static int count_of(size_t units)
{
    return units <= INT_MAX ? (int)units : -1;
}

int barrow_vfprintf(FILE *stream, const char *format, va_list arguments)
{
    struct stream_sink to = { .sink = { .put = stream_put }, .stream = stream };
    text_format(&to.sink, format, false, arguments);
    return ferror(stream) ? -1 : count_of(to.sink.units);
}

int barrow_vsnprintf(char *buffer, size_t capacity, const char *format, va_list arguments)
{
    struct text_buffer to = buffer_start(buffer, capacity, false);
    text_format(&to.sink, format, false, arguments);
    buffer_end(&to);
    return count_of(to.sink.units);
}

int barrow_vfwprintf(FILE *stream, const WCHAR *format, va_list arguments)
{
    char narrow[TEXT_ROOM];
    struct stream_sink to = { .sink = { .put = stream_put, .wide = true }, .stream = stream };
    if (!text_from_utf16(format, narrow, sizeof(narrow)))
        return -1;
    text_format(&to.sink, narrow, true, arguments);
    return ferror(stream) ? -1 : count_of(to.sink.units);
}

int barrow_vsnwprintf(WCHAR *buffer, size_t capacity, const WCHAR *format, va_list arguments)
{
    char narrow[TEXT_ROOM];
    struct text_buffer to = buffer_start(buffer, capacity, true);
    bool fits = text_from_utf16(format, narrow, sizeof(narrow));
    if (fits)
        text_format(&to.sink, narrow, true, arguments);
    buffer_end(&to);
    return fits ? count_of(to.sink.units) : -1;
}

static WCHAR *utf16_copy(const char *text)
{
    size_t bytes = strlen(text);
    size_t units = text_to_utf16(text, bytes, NULL, 0);
    WCHAR *copy = malloc((units + 1) * sizeof(WCHAR));
    if (copy == NULL)
        return NULL;
    text_to_utf16(text, bytes, copy, units);
    copy[units] = 0;
    return copy;
}

/* The copies live as long as the process, as arguments do. */
int barrow_run_tmain(int count, char **arguments, int (*entry)(int, WCHAR **))
{
    WCHAR **wide = calloc((size_t)count + 1, sizeof(*wide));
    if (wide == NULL)
        abort();
    for (int i = 0; i < count; i++) {
        wide[i] = utf16_copy(arguments[i]);
        if (wide[i] == NULL)
            abort();
    }
    return entry(count, wide);
}
