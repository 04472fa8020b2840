/* SPDX-License-Identifier: MIT */
/* published.h: the figures in the page of `barrow run --stats`, if there is one: see
 * diag/stats_page.h. Calls are counted there when calls are counted at all, on slow paths. */
#ifndef BARROW_HEAP_PUBLISHED_H
#define BARROW_HEAP_PUBLISHED_H

#include "os/compiler.h"

struct barrow_stats;

/* At the start of the process: takes a record of the page that the environment names. True if there is
 * one; then calls must be counted. */
bool published_start(void);

/* A call has allocated or freed a block of so many bytes, or has changed a block's size. `number` is
 * the theap's. Any thread. */
void published_allocated(uint32_t number, size_t wanted, size_t bytes);
void published_freed(uint32_t number, size_t bytes);
void published_resized(uint32_t number, size_t before, size_t after);

/* A call got no memory. */
void published_refused(uint64_t so_far);

/* Whether there is a page. */
bool published_is_on(void);

/* The account at the end of the process. */
void published_end(const struct barrow_stats *stats);

/* In the child of fork: a record of its own, which begins as the parent's. */
void published_after_fork(void);

#endif
