/* SPDX-License-Identifier: MIT */
/* shutdown.h: ExitProcess stops all other threads wherever they are, and then tells the DLLs, which
 * go on to free memory. What fork leaves to its child is the same. */
#ifndef BARROW_OS_WINDOWS_SHUTDOWN_H
#define BARROW_OS_WINDOWS_SHUTDOWN_H

/* Calls what os_on_fork_child was given, the first time. */
void os_after_shutdown(void);

#endif
