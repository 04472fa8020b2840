/* SPDX-License-Identifier: MIT */
/* by_address.h: the bounded heaps by the addresses of their reservations, so that the heap of a block
 * is found in a time that grows as the logarithm of their number. The caller holds a lock. */
#ifndef BARROW_PRIVATE_BY_ADDRESS_H
#define BARROW_PRIVATE_BY_ADDRESS_H

#include "private/private_heap.h"

/* The heap has its reservation, and keeps it until it is removed. */
void by_address_insert(struct private_heap **root, struct private_heap *heap);
void by_address_remove(struct private_heap **root, struct private_heap *heap);

/* The heap whose reservation has the address, or NULL. */
struct private_heap *by_address_find(struct private_heap *root, const void *address);

#endif
