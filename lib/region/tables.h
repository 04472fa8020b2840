/* SPDX-License-Identifier: MIT */
/* tables.h: the tags and the descriptors, one of each for a granule. The caller holds region.lock.
 *
 * Each table is reserved whole, between guards, and committed from the front as far as granules
 * have come into use. What can be read of them without the lock: see struct region_map. */
#ifndef BARROW_REGION_TABLES_H
#define BARROW_REGION_TABLES_H

#include "region/region_state.h"

/* Never accessible: before, between and behind the tables, the library's own room and the blocks.
 */
#define GUARD_SIZE GRANULE_SIZE

/* Bytes to reserve for the tables of that many granules, with guards before, between and behind. */
size_t tables_size(size_t granules);

/* Where they are: in tables_size(granules) bytes of reserved addresses. */
void tables_place(char *start, size_t granules);

/* Makes both usable for the granules below. False when the system has no memory to promise. */
bool tables_commit(size_t granules);

#endif
