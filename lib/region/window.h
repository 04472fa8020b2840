/* SPDX-License-Identifier: MIT */
/* window.h: where address space is limited (RLIMIT_AS), only the tables are reserved, for a window
 * of addresses some times the limit; memory is then mapped piece by piece inside it, and unmapped
 * when it is purged, so that the program finds its address space again. The caller holds
 * region.lock. */
#ifndef BARROW_REGION_WINDOW_H
#define BARROW_REGION_WINDOW_H

#include "region/region_state.h"

/* Granules: longer free runs are unmapped when they are purged; spans up to here are cut from clean
 * runs sooner than from dirty ones. */
#define SHORT_SPAN 16

/* Makes the tables, for four times that much address space, around a place that the system likes.
 */
bool window_reserve(size_t address_space);

/* Maps memory for that many granules, at a multiple of `align`, and takes them; the index, or 0. */
uint32_t window_extend(size_t granules, size_t align);

#endif
