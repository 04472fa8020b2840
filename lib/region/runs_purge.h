/* SPDX-License-Identifier: MIT */
/* runs_purge.h: dirty runs go back to the system. No lock is held by the caller. */
#ifndef BARROW_REGION_RUNS_PURGE_H
#define BARROW_REGION_RUNS_PURGE_H

#include "region/region_state.h"

/* The thread has freed that many granules of the arena: gives some back if more than the allowance is
 * free. The work is in proportion to what was freed. */
void runs_purge_surplus(struct arena *arena, size_t freed);

/* Gives the dirty memory of all arenas back, and waits for what other purges have in hand. False when
 * there was none. For those who found no memory. */
bool runs_purge_all(void);

#endif
