/* SPDX-License-Identifier: MIT */
/* stack.h: who called: return addresses of the calling thread, and the place that each is in. */
#ifndef BARROW_OS_STACK_H
#define BARROW_OS_STACK_H

#include "os/compiler.h"

/* Gets ready what os_stack may need to load. Allocates; to be called once, before there are other
 * threads. */
void os_stack_prepare(void);

/* The return addresses from the caller outwards, without those inside this library as far as they
 * can be told; returns how many. */
size_t os_stack(uintptr_t *addresses, size_t most);

/* "module+0xOFFSET (function+0xOFFSET)", as far as it is known, for an address. */
void os_stack_name(uintptr_t address, char *text, size_t capacity);

#endif
