/* SPDX-License-Identifier: MIT */
/* spans.h: what region_alloc does, for callers that hold region.lock. */
#ifndef BARROW_REGION_SPANS_H
#define BARROW_REGION_SPANS_H

#include "region/region_state.h"

/* See region_alloc. It does not wait for a purge that has a run in hand. */
struct span *spans_take(size_t granules, size_t align, size_t room, enum span_kind kind,
                        bool *zero);

#endif
