/* SPDX-License-Identifier: MIT */
/* fault.h: accesses to memory that may not be accessed. */
#ifndef BARROW_OS_FAULT_H
#define BARROW_OS_FAULT_H

#include "os/compiler.h"

/* From now on `see` is called with the address of each such access by this process, in a signal handler,
 * before any handler that the program has installed. When it returns, the signal is handled as before.
 * To be called once. A handler that the program installs later takes this one's place. */
void os_on_fault(void (*see)(const void *address));

#endif
