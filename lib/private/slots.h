/* SPDX-License-Identifier: MIT */
/* slots.h: slots for heaps, given out and taken back. */
#ifndef BARROW_PRIVATE_SLOTS_H
#define BARROW_PRIVATE_SLOTS_H

#include "private/private_heap.h"

#include <string.h>

/* That place of a slot, zeroed but for the slot's number; NULL when there is none. Nobody finds the
 * heap in it before it is opened, which gives it its serial, nor after it is closed. */
struct private_heap *slot_take(enum heap_place place);
uint64_t slot_open(struct private_heap *heap, enum heap_kind kind);
void slot_close(struct private_heap *heap);
void slot_give(struct private_heap *heap);

/* The bounded heap whose reservation has the address, or NULL. */
struct private_heap *slot_find_around(const void *address);

/* The first live heap of which it is true, or NULL. */
struct private_heap *slot_find(bool (*is_it)(struct private_heap *, const void *),
                               const void *argument);

/* The list of heaps for who reads the process: see diag/layout.h. */
extern const struct slots_layout slots_layout HIDDEN;

/* In the child of fork. */
void slots_after_fork(void (*repair)(struct private_heap *));

#endif
