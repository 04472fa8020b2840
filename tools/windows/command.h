/* SPDX-License-Identifier: MIT */
/* command.h: what the sub-commands of barrow.exe share. */
#ifndef BARROW_TOOLS_WINDOWS_COMMAND_H
#define BARROW_TOOLS_WINDOWS_COMMAND_H

#include <stdbool.h>
#include <wchar.h>
#include <windows.h>

/* The same as on other systems. */
enum {
    STATUS_FAILED = 125,       /* barrow itself failed, or was called wrongly */
    STATUS_NOT_RUNNABLE = 126, /* the program is there but cannot be run with the library */
    STATUS_NOT_FOUND = 127,    /* there is no such program */
};

enum { PATH_MOST = 4096 };

/* A sub-command gets its name as argv[0]. index is the place of argv[0] in the whole command line.
 */
int run_main(int argc, wchar_t **argv, int index);
int patch_main(int argc, wchar_t **argv);

/* "barrow: " and the text on standard error. */
void say(const wchar_t *format, ...);

/* The same with the system's words for an error behind it. */
void say_error(DWORD error, const wchar_t *format, ...);

/* Points to --help after a wrong call. Returns STATUS_FAILED. */
int usage_error(const wchar_t *command);

/* Reads an option at argv[*at]: "--name", "--name=VALUE", "--name VALUE", "-n", "-n VALUE". Returns
 * whether it is that one; value (NULL if the option takes none) becomes NULL if it is missing, and
 * *at is moved to the last word used. */
bool option_is(wchar_t **argv, int *at, const wchar_t *name, wchar_t letter, const wchar_t **value);

/* Writes the full path of the library: the one named, else that of BARROW_LIBRARY, else the one
 * installed or built with this command. Returns false after a message. */
bool library_find(wchar_t path[PATH_MOST], const wchar_t *named);

/* Writes the full path of a program found as CreateProcess would. Returns 0, or an exit status
 * after a message. */
int program_find(wchar_t path[PATH_MOST], const wchar_t *name);

/* Whether the library can be brought into the program. Returns as program_find(). */
int program_check(const wchar_t *path);

#endif
