/* SPDX-License-Identifier: MIT */
/* backend.h: the heap that redirected calls are served from. Sizes are exact: the run-times' _msize
 * and _recalloc tell the caller what was asked for, not what a size class gave. */
#ifndef BARROW_REDIRECT_BACKEND_H
#define BARROW_REDIRECT_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* flags are HeapAlloc's and HeapReAlloc's. NULL when memory or the limit is used up. */
void *backend_alloc(DWORD flags, size_t size);
void *backend_realloc(DWORD flags, void *block, size_t size);
bool backend_free(void *block);
size_t backend_size(const void *block);

/* Whether an address is in our heap, be it a block or not. */
bool backend_owns(const void *address);

/* NULL checks the whole heap. */
bool backend_validate(const void *block);

/* As HeapWalk. */
bool backend_walk(PROCESS_HEAP_ENTRY *entry);

/* Gives unused memory back. Returns the largest free block, as HeapCompact. */
size_t backend_compact(void);

bool backend_start(void);

#endif
