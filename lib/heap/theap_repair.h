/* SPDX-License-Identifier: MIT */
/* theap_repair.h: a theap is made sound in the child of a fork. */
#ifndef BARROW_HEAP_THEAP_REPAIR_H
#define BARROW_HEAP_THEAP_REPAIR_H

#include "heap/theap.h"

/* Another thread was changing the theap's slabs at the moment of the fork. No lock is held, and the
 * process has one thread, whose theap is `current` (it may be this one, or NULL). */
void theap_repair(struct theap *theap, struct theap *current);

#endif
