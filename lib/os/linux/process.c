/* SPDX-License-Identifier: MIT */
/* process.c: the process by system calls, without the C library where that could allocate, lock or set errno. The
 * environment is read at start-up only, before the program can change it. */
#include "os/process.h"

#include "os/linux/syscall.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

bool os_environment_is_there(void)
{
    return environ != NULL;
}

/* Character by character, for a constant's page would be read for this alone at each start. */
static bool is_option(const char *entry)
{
    return entry[0] == 'B' && entry[1] == 'A' && entry[2] == 'R' && entry[3] == 'R' &&
           entry[4] == 'O' && entry[5] == 'W' && entry[6] == '_';
}

bool os_environment_has_options(void)
{
    if (environ == NULL)
        return false;
    for (char **entry = environ; *entry != NULL; entry++)
        if (is_option(*entry))
            return true;
    return false;
}

const char *os_environment(const char *name)
{
    size_t length = strlen(name);
    if (environ == NULL || getauxval(AT_SECURE))
        return NULL;
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

void os_environment_options(void (*each)(const char *name, size_t length))
{
    if (environ == NULL || getauxval(AT_SECURE))
        return;
    for (char **entry = environ; *entry != NULL; entry++)
        if (is_option(*entry))
            each(*entry, strcspn(*entry, "="));
}

extern const struct barrow_config barrow_process_heap __attribute__((weak));

const struct barrow_config *os_program_config(void)
{
    return &barrow_process_heap;
}

uint64_t os_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool write_all(long file, const char *text, size_t length)
{
    while (length > 0) {
        long n = syscall4(SYS_write, file, (long)text, (long)length, 0);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        length -= (size_t)n;
    }
    return true;
}

void os_write_error(const char *text, size_t length)
{
    write_all(STDERR_FILENO, text, length);
}

bool os_is_path(const char *text)
{
    return strchr(text, '/') != NULL;
}

bool os_append_file(const char *path, const char *text, size_t length)
{
    long file =
        syscall4(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool done = write_all(file, text, length);
    syscall4(SYS_close, file, 0, 0, 0);
    return done;
}

int os_process_id(void)
{
    return (int)syscall4(SYS_getpid, 0, 0, 0, 0);
}

int os_thread_id(void)
{
    return (int)syscall4(SYS_gettid, 0, 0, 0, 0);
}

/* Early in the system's start there may be no bits to be had without waiting: then those that the
 * kernel gave this process at its start serve, mixed with the place of a local variable. */
uint64_t os_random(void)
{
    uint64_t bits = 0;
    if (syscall4(SYS_getrandom, (long)&bits, sizeof bits, 1 /* GRND_NONBLOCK */, 0) == sizeof bits)
        return bits;
    const void *given = (const void *)getauxval(AT_RANDOM);
    if (given != NULL)
        memcpy(&bits, given, sizeof bits);
    return (bits ^ (uintptr_t)&bits) * 0x9e3779b97f4a7c15U + os_milliseconds();
}

static char program_name[256];

void os_keep_program_name(void)
{
    extern char *program_invocation_short_name;
    if (program_invocation_short_name != NULL)
        strncpy(program_name, program_invocation_short_name, sizeof program_name - 1);
}

const char *os_program_name(void)
{
    return program_name;
}

void os_abort(void)
{
    abort();
}

#if BARROW_DEBUG
void os_assertion_failed(const char *what, const char *file, int line)
{
    char text[256];
    int n = snprintf(text, sizeof text, "barrow: %s:%d: assertion failed: %s\n", file, line, what);
    os_write_error(text, (size_t)n);
    os_abort();
}
#endif
