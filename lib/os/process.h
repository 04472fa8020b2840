/* SPDX-License-Identifier: MIT */
/* process.h: the process's environment, clock, output and end. */
#ifndef BARROW_OS_PROCESS_H
#define BARROW_OS_PROCESS_H

#include "os/compiler.h"

/* The value of an environment variable, or NULL. NULL for all in a set-user-id program. The text
 * may be gone at the next call. */
const char *os_environment(const char *name);

/* False when no variable's name begins with BARROW_, so that nobody need ask for any. */
bool os_environment_has_options(void);

/* Calls `each` with the name, without an end, of every variable that begins with BARROW_. Does nothing in a
 * set-user-id program. */
void os_environment_options(void (*each)(const char *name, size_t length));

/* False in the first moments of a process, before the C library has set up its environment. */
bool os_environment_is_there(void);

/* The program's barrow_process_heap (barrow/barrow.h), or NULL if it defines none. */
struct barrow_config;
const struct barrow_config *os_program_config(void);

/* Milliseconds that never go back. Cheap: no system call. */
uint64_t os_milliseconds(void);

/* Writes to standard error; what can't be written is lost. */
void os_write_error(const char *text, size_t length);

/* True when the text has a part that parts folders, so that it can be told from a number. */
bool os_is_path(const char *text);

/* Appends the text to the file, made if need be; false when it can't. */
bool os_append_file(const char *path, const char *text, size_t length);

/* Whether it is code of the dynamic loader, and that is apart from the C library. */
bool os_is_loader(const void *code);

int os_process_id(void);
int os_thread_id(void);

/* Bits that nobody can foresee. */
uint64_t os_random(void);

/* The program's name as it was when it was kept: the program may write over its arguments later. */
void os_keep_program_name(void);
const char *os_program_name(void);

_Noreturn void os_abort(void);

#endif
