/* SPDX-License-Identifier: MIT */
/* process_heap.h: all that Global and Local memory need of the process heap. */
#ifndef BARROW_WIN32_HEAP_PROCESS_HEAP_H
#define BARROW_WIN32_HEAP_PROCESS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define PROCESS_HEAP_NO_BLOCK ((size_t)-1)

/* A block, aligned to 16 bytes, or NULL. Size 0 is a block too. */
void *process_heap_alloc(size_t size, bool zero);

/* Another size, with zeros in what was added if wanted; in_place: at the same address or not at
 * all. NULL: the block is unchanged. */
void *process_heap_realloc(void *block, size_t size, bool zero, bool in_place);

void process_heap_free(void *block);

/* The size that was asked for; PROCESS_HEAP_NO_BLOCK when the address starts no block. */
size_t process_heap_size(const void *block);

#endif
