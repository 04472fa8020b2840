/* SPDX-License-Identifier: MIT */
#include "diag/message.h"

#include "os/process.h"

#include <stdarg.h>
#include <stdio.h>

int message_level;

/* snprintf neither allocates nor locks for the integer, string and pointer formats used here. */
void message(const char *format, ...)
{
    char text[256] = "barrow: ";
    const int prefix = 8, most = (int)sizeof text - 2;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text + prefix, sizeof text - (size_t)prefix - 1, format, arguments);
    va_end(arguments);
    int end = n < 0 ? prefix : prefix + n > most ? most : prefix + n;
    text[end] = '\n';
    os_write_error(text, (size_t)end + 1);
}
