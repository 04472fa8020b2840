/* SPDX-License-Identifier: MIT */
/* reservation.h: the addresses that all blocks are at. There are two ways to have them, one index
 * over both: see frontier.h, which is the rule, and window.h. The caller holds region.lock. */
#ifndef BARROW_REGION_RESERVATION_H
#define BARROW_REGION_RESERVATION_H

#include "region/region_state.h"

/* At first use, and again at the next one if the system refused: region.made tells. */
void reservation_make(void);

/* Takes fresh granules at a multiple of `align`, which read as zero; the index, or 0. */
uint32_t reservation_extend(size_t granules, size_t align);

#endif
