/* SPDX-License-Identifier: MIT */
/* random.h: numbers that a program can't foresee, for keys and for the order of blocks. Any thread;
 * no lock. */
#ifndef BARROW_HEAP_RANDOM_H
#define BARROW_HEAP_RANDOM_H

#include "os/compiler.h"

uint64_t random_next(void);

/* In [0, limit); limit is not 0. */
uint32_t random_below(uint32_t limit);

/* In the child of fork: numbers of its own. */
void random_after_fork(void);

#endif
