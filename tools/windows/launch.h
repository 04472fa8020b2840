/* SPDX-License-Identifier: MIT */
/* launch.h: starts a program with the library in it, and acts in its place until it ends. */
#ifndef BARROW_TOOLS_WINDOWS_LAUNCH_H
#define BARROW_TOOLS_WINDOWS_LAUNCH_H

#include <wchar.h>

/* Console, standard handles, Ctrl-C and Ctrl-Break are the program's. If the command is ended from
 * outside, so is the program. Returns the program's exit status, or one of ours after a message. */
int launch(const wchar_t *path, wchar_t *command_line, const wchar_t *library);

#endif
