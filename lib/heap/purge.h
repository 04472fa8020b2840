/* SPDX-License-Identifier: MIT */
/* purge.h: free memory that other threads' theaps keep goes back to the system: after a while, or now. */
#ifndef BARROW_HEAP_PURGE_H
#define BARROW_HEAP_PURGE_H

#include "os/compiler.h"

/* Blocks have been freed, some hundred KiB of them: a tick may be due. Holds no lock. */
void purge_poke(void);

/* Everything that can go back goes back, of all threads' theaps. Returns the bytes. */
size_t purge_all(void);

#endif
