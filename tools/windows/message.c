/* SPDX-License-Identifier: MIT */
/* message.c: lines on standard error; for an error, with the system's text and its number. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

static void say_start(const wchar_t *format, va_list arguments)
{
    fputws(L"barrow: ", stderr);
    vfwprintf(stderr, format, arguments);
}

void say(const wchar_t *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_start(format, arguments);
    va_end(arguments);
    fputwc(L'\n', stderr);
}

void say_error(DWORD error, const wchar_t *format, ...)
{
    wchar_t text[512] = L"";
    va_list arguments;
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                  error, 0, text, 512, NULL);
    while (length && wcschr(L"\r\n. ", text[length - 1]))
        text[--length] = L'\0';
    va_start(arguments, format);
    say_start(format, arguments);
    va_end(arguments);
    fwprintf(stderr, L": %ls (error %lu)\n", length ? text : L"failed", error);
}

int usage_error(const wchar_t *command)
{
    fwprintf(stderr, L"Try '%ls --help' for more information.\n", command);
    return STATUS_FAILED;
}
