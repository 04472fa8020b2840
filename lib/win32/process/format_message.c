/* SPDX-License-Identifier: MIT */
/* format_message.c: FormatMessage. A message is expanded to UTF-8 in a block of the process heap,
 * its lines are broken if a length is given, and the result is copied to the caller's form. */
#include "win32/host/text.h"
#include "win32/process/error_text.h"
#include "win32/text/format.h"

#include "barrow/heapapi.h"
#include "barrow/winbase.h"

#include <string.h>

#define SOURCES                                                                                    \
    (FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_FROM_HMODULE)
#define ARGUMENTS_MAXIMUM 101 /* %99 and two stars */
#define NO_LINE_LENGTH    255
#define LINE_END          "\r\n"

/* Text in a block that grows. */
struct growing {
    struct text_sink sink;
    char *text; /* NULL when memory has run out */
    size_t capacity;
};

static void grow_to(struct growing *growing, size_t capacity)
{
    char *larger =
        growing->text != NULL ? HeapReAlloc(GetProcessHeap(), 0, growing->text, capacity) : NULL;
    if (larger == NULL)
        HeapFree(GetProcessHeap(), 0, growing->text);
    growing->text = larger;
    growing->capacity = capacity;
}

static void growing_put(struct text_sink *sink, const char *bytes, size_t count)
{
    struct growing *growing = (struct growing *)sink;
    if (sink->units + count >= growing->capacity)
        grow_to(growing, 2 * (sink->units + count));
    if (growing->text == NULL)
        return;
    memcpy(growing->text + sink->units, bytes, count);
    sink->units += count;
    growing->text[sink->units] = '\0';
}

static struct growing growing_start(void)
{
    struct growing growing = { .sink = { .put = growing_put }, .capacity = 256 };
    growing.text = HeapAlloc(GetProcessHeap(), 0, growing.capacity);
    if (growing.text != NULL)
        growing.text[0] = '\0';
    return growing;
}

static void put_text(struct growing *out, const char *text)
{
    out->sink.put(&out->sink, text, strlen(text));
}

struct arguments {
    DWORD_PTR values[ARGUMENTS_MAXIMUM];
    size_t fetched;
    const DWORD_PTR *array; /* or NULL */
    va_list list;
};

struct message {
    const char *text; /* what is left to expand */
    bool wide;        /* strings among the arguments have 16-bit characters */
    bool inserts;
    unsigned line_length;
    struct arguments *arguments; /* NULL: there are none */
    struct growing out;
};

/* The argument with that number, from 1. A list is only read as far as the message asks. */
static DWORD_PTR argument(struct arguments *arguments, size_t number)
{
    if (arguments->array != NULL)
        return arguments->array[number - 1];
    while (arguments->fetched < number)
        arguments->values[arguments->fetched++] = va_arg(arguments->list, DWORD_PTR);
    return arguments->values[number - 1];
}

static bool put_value(struct message *message, const struct directive *d, DWORD_PTR value)
{
    struct text_sink *sink = &message->out.sink;
    bool wide = directive_is_wide(d, message->wide);
    if (directive_is_string(d))
        directive_put_string(d, (const void *)value, wide, sink);
    else if (directive_is_character(d))
        directive_put_character(d, (unsigned)value, wide, sink);
    else if (d->letter != '\0' && strchr("diouxXp", d->letter) != NULL)
        directive_put_integer(d, value, sink);
    else
        return false;
    return true;
}

/* Reads "!format!" if there is one, else it is as if it were "!s!". */
static bool read_insert_format(struct message *message, struct directive *d)
{
    static const char *const plain = "s";
    const char *format = plain;
    if (*message->text != '!') {
        *d = directive_read(&format);
        return true;
    }
    message->text++;
    *d = directive_read(&message->text);
    if (*message->text != '!')
        return false;
    message->text++;
    return true;
}

static bool put_insert(struct message *message)
{
    struct directive d;
    size_t number = 0;
    for (int i = 0; i < 2 && *message->text >= '0' && *message->text <= '9'; i++)
        number = number * 10 + (size_t)(*message->text++ - '0');
    if (!read_insert_format(message, &d) || message->arguments == NULL)
        return false;
    if (d.star_width)
        directive_set_width(&d, (int)argument(message->arguments, number++));
    if (d.star_precision)
        d.precision = (int)argument(message->arguments, number++);
    return put_value(message, &d, argument(message->arguments, number));
}

/* What is kept as it is when inserts are left alone: %1 and also %%. */
static void put_unexpanded(struct message *message)
{
    char sequence[] = { '%', *message->text++, '\0' };
    put_text(&message->out, sequence);
}

/* Behind a %. False: the message is broken. */
static bool put_escape(struct message *message)
{
    switch (*message->text) {
    case '\0':
        return false;
    case '0':
        message->text = "";
        return true;
    case 'n':
        put_text(&message->out, LINE_END);
        break;
    case 'r':
        put_text(&message->out, "\r");
        break;
    case 't':
        put_text(&message->out, "\t");
        break;
    default:
        if (!message->inserts) {
            put_unexpanded(message);
            return true;
        }
        if (*message->text >= '1' && *message->text <= '9')
            return put_insert(message);
        message->out.sink.put(&message->out.sink, message->text, 1);
    }
    message->text++;
    return true;
}

/* A line's end in the message is one in the text too, unless a line length says where they go. */
static void put_line_end(struct message *message)
{
    if (message->text[0] == '\r' && message->text[1] == '\n')
        message->text++;
    message->text++;
    put_text(&message->out, message->line_length == 0 ? LINE_END : " ");
}

static bool expand(struct message *message)
{
    while (*message->text != '\0') {
        size_t plain = strcspn(message->text, "%\r\n");
        message->out.sink.put(&message->out.sink, message->text, plain);
        message->text += plain;
        if (*message->text == '%') {
            message->text++;
            if (!put_escape(message))
                return false;
        } else if (*message->text != '\0') {
            put_line_end(message);
        }
    }
    return true;
}

/* How much of a line of text fits: up to the last space inside the limit, or all of the limit. */
static size_t fitting(const char *line, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    for (size_t n = limit; n > 0; n--) {
        if (line[n] == ' ')
            return n;
    }
    while (limit > 1 && (line[limit] & 0xC0) == 0x80) /* no character is cut */
        limit--;
    return limit;
}

static void break_line(struct growing *out, const char *line, size_t length, size_t limit)
{
    while (length > limit) {
        size_t n = fitting(line, length, limit);
        out->sink.put(&out->sink, line, n);
        put_text(out, LINE_END);
        n += line[n] == ' ';
        line += n;
        length -= n;
    }
    out->sink.put(&out->sink, line, length);
}

static struct growing break_lines(const char *text, size_t limit)
{
    struct growing out = growing_start();
    for (const char *end; (end = strstr(text, LINE_END)) != NULL; text = end + strlen(LINE_END)) {
        break_line(&out, text, (size_t)(end - text), limit);
        put_text(&out, LINE_END);
    }
    break_line(&out, text, strlen(text), limit);
    return out;
}

static DWORD expand_lines(struct message *message, char **text)
{
    message->out = growing_start();
    bool whole = expand(message);
    if (whole && message->out.text != NULL && message->line_length != 0 &&
        message->line_length != NO_LINE_LENGTH) {
        char *unbroken = message->out.text;
        message->out = break_lines(unbroken, message->line_length);
        HeapFree(GetProcessHeap(), 0, unbroken);
    }
    *text = message->out.text;
    if (!whole)
        HeapFree(GetProcessHeap(), 0, message->out.text);
    return !whole ? ERROR_INVALID_PARAMETER : *text == NULL ? ERROR_NOT_ENOUGH_MEMORY : 0;
}

static struct arguments take_arguments(DWORD flags, va_list *list)
{
    struct arguments arguments = { .fetched = 0 };
    if ((flags & FORMAT_MESSAGE_ARGUMENT_ARRAY) != 0)
        arguments.array = (const DWORD_PTR *)list;
    else if (list != NULL)
        va_copy(arguments.list, *list);
    return arguments;
}

static DWORD format_text(DWORD flags, const char *source, bool wide, va_list *list, char **text)
{
    struct arguments arguments = take_arguments(flags, list);
    struct message message = { .text = source,
                               .wide = wide,
                               .inserts = (flags & FORMAT_MESSAGE_IGNORE_INSERTS) == 0,
                               .line_length = flags & FORMAT_MESSAGE_MAX_WIDTH_MASK,
                               .arguments = list != NULL ? &arguments : NULL };
    return expand_lines(&message, text);
}

/* The texts of errors have no inserts; their line end is added here. */
static DWORD format_error(DWORD flags, DWORD code, char **text)
{
    char message[256];
    const char *known = error_text(code);
    if ((flags & FORMAT_MESSAGE_FROM_SYSTEM) == 0 || known == NULL)
        return ERROR_MR_MID_NOT_FOUND;
    strcpy(message, known);
    strcat(message, LINE_END);
    return format_text(flags | FORMAT_MESSAGE_IGNORE_INSERTS, message, false, NULL, text);
}

static DWORD format_wide_string(DWORD flags, const WCHAR *source, va_list *list, char **text)
{
    struct growing narrow = growing_start();
    for (char utf8[4]; narrow.text != NULL && *source != 0;)
        narrow.sink.put(&narrow.sink, utf8, text_from_character(&source, utf8));
    if (narrow.text == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    DWORD error = format_text(flags, narrow.text, true, list, text);
    HeapFree(GetProcessHeap(), 0, narrow.text);
    return error;
}

/* The whole text, in a block of the process heap. Returns 0 or an error. */
static DWORD make_text(DWORD flags, LPCVOID source, DWORD code, bool wide, va_list *list,
                       char **text)
{
    DWORD error;
    if ((flags & SOURCES) == 0)
        return ERROR_INVALID_PARAMETER;
    if ((flags & FORMAT_MESSAGE_FROM_STRING) == 0)
        error = format_error(flags, code, text);
    else if (source == NULL)
        error = ERROR_INVALID_PARAMETER;
    else if (wide)
        error = format_wide_string(flags, source, list, text);
    else
        error = format_text(flags, source, false, list, text);
    if (error != 0 || **text != '\0')
        return error;
    HeapFree(GetProcessHeap(), 0, *text);
    return ERROR_NO_WORK_DONE;
}

/* The caller's buffer, or a new block whose address goes there. NULL with *error set. */
static void *target(DWORD flags, void *buffer, DWORD size, size_t units, size_t unit_bytes,
                    DWORD *error)
{
    *error = ERROR_INSUFFICIENT_BUFFER;
    if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) == 0)
        return units < size ? buffer : NULL;
    void *block = LocalAlloc(LMEM_FIXED, (units < size ? size : units + 1) * unit_bytes);
    *error = ERROR_NOT_ENOUGH_MEMORY;
    *(void **)buffer = block;
    return block;
}

DWORD FormatMessageA(DWORD flags, LPCVOID source, DWORD code, DWORD language, LPSTR buffer,
                     DWORD size, va_list *arguments)
{
    char *text;
    (void)language;
    if (buffer == NULL)
        return (DWORD)fail(ERROR_INVALID_PARAMETER);
    DWORD error = make_text(flags, source, code, false, arguments, &text);
    if (error != 0)
        return (DWORD)fail(error);
    size_t length = strlen(text);
    char *to = target(flags, buffer, size, length, 1, &error);
    if (to != NULL)
        memcpy(to, text, length + 1);
    HeapFree(GetProcessHeap(), 0, text);
    return to != NULL ? (DWORD)length : (DWORD)fail(error);
}

DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD code, DWORD language, LPWSTR buffer,
                     DWORD size, va_list *arguments)
{
    char *text;
    (void)language;
    if (buffer == NULL)
        return (DWORD)fail(ERROR_INVALID_PARAMETER);
    DWORD error = make_text(flags, source, code, true, arguments, &text);
    if (error != 0)
        return (DWORD)fail(error);
    size_t bytes = strlen(text);
    size_t units = text_to_utf16(text, bytes, NULL, 0);
    WCHAR *to = target(flags, buffer, size, units, sizeof(WCHAR), &error);
    if (to != NULL) {
        text_to_utf16(text, bytes, to, units);
        to[units] = 0;
    }
    HeapFree(GetProcessHeap(), 0, text);
    return to != NULL ? (DWORD)units : (DWORD)fail(error);
}
