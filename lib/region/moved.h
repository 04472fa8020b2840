/* SPDX-License-Identifier: MIT */
/* moved.h: spans whose pages were moved (`moved` is set), and so have a mapping of their own. What
 * comes free of one becomes plain memory again. */
#ifndef BARROW_REGION_MOVED_H
#define BARROW_REGION_MOVED_H

#include "region/region_state.h"

/* [index, index+granules) of such a span comes free: makes it plain memory that reads as zero. False
 * when the system refuses; the memory is then as it was. */
bool moved_renew(uint32_t index, size_t granules);

/* Such a span has ended. */
void moved_ended(void);

#endif
