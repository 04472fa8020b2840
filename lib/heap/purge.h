/* SPDX-License-Identifier: MIT */
/* purge.h: free memory goes back to the system: after a delay, also when the program sleeps, or
 * now. */
#ifndef BARROW_HEAP_PURGE_H
#define BARROW_HEAP_PURGE_H

#include "os/compiler.h"

struct purge_settings {
    int64_t delay;   /* milliseconds; 0: at once; negative: never but on demand */
    bool background; /* a thread may be started for it */
};

extern struct purge_settings purge_settings;

/* Blocks have been freed, some hundred KiB of them: sees to it that a tick follows. Holds no lock.
 */
void purge_poke(void);

/* Everything that can go back goes back, of all threads' theaps. Returns the bytes. */
size_t purge_all(void);

/* In the child of fork. */
void purge_after_fork(void);

#endif
