/* SPDX-License-Identifier: MIT */
/* large.h: blocks beyond what slabs hold: a span each, owned by no theap. Any thread. */
#ifndef BARROW_HEAP_LARGE_H
#define BARROW_HEAP_LARGE_H

#include "region/span.h"

/* align is a power of two; NULL when there is no memory. With `growing`, room is kept behind it. */
void *large_alloc(size_t align, size_t size, bool zero, bool growing);
void large_free(struct span *span);

/* In place if it can be, else by moving the pages, else by copying. NULL, and nothing changed, when
 * there is no memory. */
void *large_resize(struct span *span, size_t size);

size_t large_blocks(void);
size_t large_bytes(void);

#endif
