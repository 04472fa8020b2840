/* SPDX-License-Identifier: MIT */
/* message.c: formats into a buffer on the stack and writes it by one call. Any thread may call, with any lock held and
 * in a signal handler: nothing is allocated or locked. */
#include "diag/message.h"

#include "os/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void message_address(const char *before, const void *address, const char *behind)
{
    char digits[2 + 2 * sizeof address] = "0x";
    for (size_t i = 0; i < 2 * sizeof address; i++)
        digits[2 + i] =
            "0123456789abcdef"[(uintptr_t)address >> (8 * sizeof address - 4 - 4 * i) & 15];
    os_write_error("barrow: ", 8);
    os_write_error(before, strlen(before));
    os_write_error(digits, sizeof digits);
    os_write_error(behind, strlen(behind));
    os_write_error("\n", 1);
}
