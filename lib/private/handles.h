/* SPDX-License-Identifier: MIT */
/* handles.h: slots for heaps, given out and taken back. */
#ifndef BARROW_PRIVATE_HANDLES_H
#define BARROW_PRIVATE_HANDLES_H

#include "private/private_heap.h"

#include <string.h>

/* A zeroed slot, but for its number and serial; NULL when there is none. Nobody finds the heap in it
 * before it is opened, nor after it is closed. */
struct private_heap *handle_take(void);
void handle_open(struct private_heap *heap, enum heap_kind kind);
void handle_close(struct private_heap *heap);
void handle_give(struct private_heap *heap);

/* The first live heap of which it is true, or NULL. */
struct private_heap *handle_find(bool (*is_it)(struct private_heap *, const void *),
                                 const void *argument);

/* In the child of fork. */
void handles_after_fork(void (*repair)(struct private_heap *));

#endif
