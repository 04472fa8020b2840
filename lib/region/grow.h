/* SPDX-License-Identifier: MIT */
/* grow.h: regions of address space come from the system, and go back to it. No lock is held by the
 * caller. */
#ifndef BARROW_REGION_GROW_H
#define BARROW_REGION_GROW_H

#include "region/region_state.h"

/* Reserves a region. Returns the first of `*taken` granules in it, at a multiple of `align`, that are in
 * no list and not committed: as many as are wished, but at least `granules`. 0 when the system
 * refuses. */
uint32_t grow_reserve(size_t granules, size_t align, size_t wished, size_t *taken);

/* Makes a reserved run's granules, which are in no list, readable and writable. Gives them back to
 * the reserved runs, and returns false, when the system refuses. */
bool grow_commit(uint32_t index, size_t granules);

/* How much more than is needed to commit at once, in granules. */
size_t grow_step(size_t needed);

/* The heap has shrunk: gives address space back that is far more than what is committed. The work of
 * one call is bounded. */
void grow_give_back(void);

/* The system has no more: gives all address space back that can be. */
void grow_give_all_back(void);

/* In the child of fork, whose parent was changing the list of pieces. */
void grow_after_fork(void);

#endif
