/* SPDX-License-Identifier: MIT */
/* adopt.h: slabs that ended threads left serve any thread. */
#ifndef BARROW_HEAP_ADOPT_H
#define BARROW_HEAP_ADOPT_H

#include "heap/theap.h"

/* If the theap has no free block of the class, it takes over a slab of a theap that no thread has, should
 * one be found at once. The theap's lock is held. */
void adopt_slab(struct theap *theap, unsigned size_class);

#endif
