/* SPDX-License-Identifier: MIT */
/* command_line.c: finds words in a command line by the rules of the C run-time, so that the words
 * found are those of wmain's argv. */
#include "command_line.h"

#include <stdbool.h>

static wchar_t *skip_blanks(wchar_t *at)
{
    while (*at == L' ' || *at == L'\t')
        at++;
    return at;
}

/* In the program's name a quotation mark is never escaped. */
static wchar_t *skip_name(wchar_t *at)
{
    bool quoted = false;
    for (; *at && (quoted || (*at != L' ' && *at != L'\t')); at++)
        if (*at == L'"')
            quoted = !quoted;
    return at;
}

/* A mark behind an odd number of backslashes is an ordinary character. */
static wchar_t *skip_word(wchar_t *at)
{
    bool quoted = false, escaped = false;
    for (; *at && (quoted || (*at != L' ' && *at != L'\t')); at++) {
        if (*at == L'"' && !escaped)
            quoted = !quoted;
        escaped = *at == L'\\' && !escaped;
    }
    return at;
}

wchar_t *command_line_from(wchar_t *line, int index)
{
    for (int i = 0; i < index; i++)
        line = skip_blanks(i == 0 ? skip_name(line) : skip_word(line));
    return line;
}
