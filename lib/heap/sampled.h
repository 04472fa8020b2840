/* SPDX-License-Identifier: MIT */
/* sampled.h: some blocks of the checked mode, each at the end of pages of its own before a page
 * that can't be accessed. An access behind the block, or to it after it was freed, is a fault at
 * the very instruction; the report names the stacks of allocation and free. Any thread. */
#ifndef BARROW_HEAP_SAMPLED_H
#define BARROW_HEAP_SAMPLED_H

#include "os/compiler.h"

/* Every `every`-th allocation on average, 1: all, is to be one of these, as long as there are
 * places. Allocates; to be called once, early, by a thread that is alone. */
void sampled_start(uint32_t every);

/* A block if this allocation is to be one, else NULL. Its memory reads as zero. */
void *sampled_alloc(size_t align, size_t size);

/* The addresses that such blocks may have; false for all others. */
bool sampled_owns(const void *address);

/* For addresses that sampled_owns. They end the process when it is not a block in use, or has been
 * overrun. */
void sampled_free(void *block, const char *call);
size_t sampled_size(const void *block, const char *call);
bool sampled_shrink(void *block, size_t size, const char *call); /* false: it is shorter */
bool sampled_is_block(const void *address);

/* The first block in use behind that place, NULL: of all; NULL when there is none. */
void *sampled_next(const void *after, size_t *size);

/* Looks at all of them, and ends the process if one has been overrun. */
void sampled_check(const char *call);

/* In the child of fork. */
void sampled_after_fork(void);

#endif
