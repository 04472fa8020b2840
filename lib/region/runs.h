/* SPDX-License-Identifier: MIT */
/* runs.h: runs of free granules: found by size, joined with their neighbours. They know nothing of
 * the account (account.h). The caller holds region.lock. */
#ifndef BARROW_REGION_RUNS_H
#define BARROW_REGION_RUNS_H

#include "region/span.h"

/* Makes [index, index+granules) a free run of that kind (SPAN_UNMAPPED to SPAN_OLD), joined with
 * free neighbours of the same kind. */
void runs_insert(uint32_t index, size_t granules, enum span_kind kind);

/* Takes a run of that kind that holds `granules` at a multiple of `align`, cuts it to measure, and
 * returns its index; 0 when there is none. Prefers the run that fits most closely. */
uint32_t runs_take(enum span_kind kind, size_t granules, size_t align);

/* Takes exactly [index, index+granules) out of the free run of memory that starts at index, if it
 * is that long; returns the kind it was of, or SPAN_NONE. */
enum span_kind runs_take_at(uint32_t index, size_t granules);

/* Takes any run of that kind whole: its index, or 0. */
uint32_t runs_take_any(enum span_kind kind, size_t *granules);

/* Forgets all runs; their granules are lost. */
void runs_forget(void);

#endif
