/* SPDX-License-Identifier: MIT */
/* quarantine.h: freed blocks of the checked mode that nobody is given yet, so that writes to them
 * can be seen. Any thread. */
#ifndef BARROW_HEAP_QUARANTINE_H
#define BARROW_HEAP_QUARANTINE_H

#include "heap/checked_block.h"

/* Holds blocks of up to that many bytes in all; with `random`, they leave in no certain order.
 * False when there is no memory for it. */
bool quarantine_start(size_t bytes, bool random);

/* Takes a block in, of so many bytes. False when it is too long, or can't be taken just now. */
bool quarantine_put(struct checked_header *header, size_t bytes);

/* The next to leave because there are too many or, with `all`, in any case; NULL: none. */
struct checked_header *quarantine_take(bool all);

/* What is in it, large blocks apart from those of slabs. */
struct quarantine_figures {
    size_t blocks, bytes, large_blocks, large_bytes;
};

struct quarantine_figures quarantine_figures(void);

/* In the child of fork. */
void quarantine_after_fork(void);

#endif
