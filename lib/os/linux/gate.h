/* SPDX-License-Identifier: MIT */
/* gate.h: nothing on Linux, where a program has no means to suspend another thread. See
 * os/windows/gate.h. */
#ifndef BARROW_OS_LINUX_GATE_H
#define BARROW_OS_LINUX_GATE_H

#include "os/compiler.h"

ALWAYS_INLINE void os_gate_enter(void) {}
ALWAYS_INLINE void os_gate_leave(void) {}
ALWAYS_INLINE void os_gate_close(void) {}
ALWAYS_INLINE void os_gate_open(void) {}

#endif
