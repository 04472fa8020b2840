/* SPDX-License-Identifier: MIT */
/* walk.h: malloc's blocks, piece by piece, as private/walk.h shows those of private heaps. Safe
 * while other threads go on: then blocks that come or go may be missed. */
#ifndef BARROW_HEAP_WALK_H
#define BARROW_HEAP_WALK_H

#include "private/walk.h"

/* The first piece for data NULL, else the one after. */
enum walked heap_walk(struct piece *piece);

/* Whether the address lies in one of malloc's spans, or in free memory, where one may have been
 * when a walk came there. */
bool heap_has(const void *address);

/* Whether slabs' lists and counts agree, and the records of medium spans. */
bool heap_validate(void);

#endif
