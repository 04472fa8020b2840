/* SPDX-License-Identifier: MIT */
/* figures.h: what the process heap holds, counted when asked. */
#ifndef BARROW_HEAP_FIGURES_H
#define BARROW_HEAP_FIGURES_H

struct barrow_stats;

/* Fills all fields but `size`. Takes each theap's lock in turn. */
void heap_figures(struct barrow_stats *stats);

#endif
