/* SPDX-License-Identifier: MIT */
/* host_jump.h: places in a function that can be gone back to, as with setjmp, and gone to on
 * another part of the stack, which setjmp cannot.
 *
 * They keep what a function must keep for its caller: the callee-saved registers, stack pointer and
 * return address. */
#ifndef BARROW_WIN32_HOST_HOST_JUMP_H
#define BARROW_WIN32_HOST_HOST_JUMP_H

#include "os/compiler.h"

#if defined(__aarch64__)
#define OS_JUMP_WORDS 22
#else
#define OS_JUMP_WORDS 8
#endif

struct host_jump {
    void *word[OS_JUMP_WORDS];
};

/* Goes back to a place, whose call then returns value. */
_Noreturn void host_jump_to(const struct host_jump *place, long value);

/* Goes to a place of a function further out, leaving the stack between as it is: the stack pointer
 * stays below the caller's. Returns the value with which host_jump_to goes to *back. */
long host_jump_across(const struct host_jump *place, struct host_jump *back, long value);

/* Tells a sanitizer that a variable is in use again, though its scope had been left. */
void host_jump_may_use(const void *variable, size_t size);

#endif
