/* SPDX-License-Identifier: MIT */
/* posix.h: the few functions of POSIX that the tests need and MinGW-w64 lacks. It comes before
 * every test for Windows. */
#ifndef TESTS_WINDOWS_POSIX_H
#define TESTS_WINDOWS_POSIX_H

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pthread_time.h>

enum { PIPE_ROOM = 64 * 1024 };

static inline int pipe(int ends[2])
{
    return _pipe(ends, PIPE_ROOM, _O_BINARY);
}

/* The C run-time's own function takes an empty value for none. */
__declspec(dllimport) int __stdcall SetEnvironmentVariableA(const char *name, const char *value);

static inline int setenv(const char *name, const char *value, int overwrite)
{
    (void)overwrite;
    return SetEnvironmentVariableA(name, value) ? 0 : -1;
}

static inline int unsetenv(const char *name)
{
    return SetEnvironmentVariableA(name, NULL) ? 0 : -1;
}

enum { _SC_PAGESIZE = 30 };

static inline long sysconf(int name)
{
    return name == _SC_PAGESIZE ? 4096 : -1;
}

/* No signal comes that would end it. */
static inline void pause(void)
{
    const struct timespec second = { 1, 0 };
    nanosleep(&second, NULL);
}

__attribute__((format(gnu_printf, 2, 3))) static inline int dprintf(int file, const char *format,
                                                                    ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return _write(file, text, length < (int)sizeof text ? (unsigned)length : sizeof text - 1);
}

#endif
