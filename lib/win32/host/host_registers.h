/* SPDX-License-Identifier: MIT */
/* host_registers.h: what a signal handler's context says, on x86-64 and 64-bit Arm. */
#ifndef BARROW_WIN32_HOST_HOST_REGISTERS_H
#define BARROW_WIN32_HOST_HOST_REGISTERS_H

#include "win32/host/host_trap.h"

#include <ucontext.h>

void registers_get(const ucontext_t *context, struct host_registers *out);
void registers_set(ucontext_t *context, const struct host_registers *in);

/* Lets the context go on with a system call of that number, whose second argument is 0, and then
 * fault. No stack is used; of the registers, those in host_registers are lost. */
void registers_set_detour(ucontext_t *context, long number, uintptr_t argument);
bool registers_are_of_detour(const ucontext_t *context);

/* What the instruction that faulted on memory was about to do. */
enum host_access registers_access(const ucontext_t *context, uintptr_t address);

#endif
