/* SPDX-License-Identifier: MIT */
/* moved.h: spans whose pages were moved (`moved` is set), and so have a mapping of their own. What
 * comes free of one becomes plain memory again. The caller holds region.lock. */
#ifndef BARROW_REGION_MOVED_H
#define BARROW_REGION_MOVED_H

#include "region/region_state.h"

/* [index, index+granules), the whole of such a span, comes free. */
void moved_free(uint32_t index, size_t granules);

/* [index, index+granules), the end of such a span, comes free. */
void moved_cut(uint32_t index, size_t granules);

#endif
