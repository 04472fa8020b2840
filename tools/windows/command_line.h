/* SPDX-License-Identifier: MIT */
/* command_line.h: a Windows program gets its arguments as one string, and may read it in its own
 * way. */
#ifndef BARROW_TOOLS_WINDOWS_COMMAND_LINE_H
#define BARROW_TOOLS_WINDOWS_COMMAND_LINE_H

#include <wchar.h>

/* The command line from its word with the given index on, character for character. */
wchar_t *command_line_from(wchar_t *line, int index);

#endif
