/* SPDX-License-Identifier: MIT */
/* module.h: what this folder knows of the module that it is part of, and of the system. */
#ifndef BARROW_OS_WINDOWS_MODULE_H
#define BARROW_OS_WINDOWS_MODULE_H

#include "os/compiler.h"

extern bool os_is_wine;

/* ExitProcess stops all other threads wherever they are, and then tells the DLLs, which go on to
 * free memory. What fork leaves to its child is the same: calls what os_on_fork_child was given,
 * the first time. */
void os_after_shutdown(void);

#endif
