/* SPDX-License-Identifier: MIT */
/* grow.h: regions of address space come from the system, and go back to it. No lock is held by the
 * caller. */
#ifndef BARROW_REGION_GROW_H
#define BARROW_REGION_GROW_H

#include "region/region_state.h"

/* Reserves a region with at least that many granules at a multiple of `align`; they become a
 * reserved run of the ground. False when the system refuses. */
bool grow_reserve(size_t granules, size_t align);

/* Makes a reserved run's granules, which are in no list, readable and writable. Gives them back to
 * the reserved runs, and returns false, when the system refuses. */
bool grow_commit(uint32_t index, size_t granules);

/* How much more than is needed to commit at once, in granules. */
size_t grow_step(size_t needed);

/* The heap has shrunk: gives address space back that is far more than what is committed. */
void grow_give_back(void);

/* The system has no more: gives all address space back that can be. */
void grow_give_all_back(void);

#endif
