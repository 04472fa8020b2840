/* SPDX-License-Identifier: MIT */
/* heap.h: what the files of the Heap functions share. */
#ifndef BARROW_WIN32_HEAP_HEAP_H
#define BARROW_WIN32_HEAP_HEAP_H

#include "win32/host/internal.h"

#include "barrow/heapapi.h"
#include "private/private_heap.h"

/* The heap, or NULL with ERROR_INVALID_HANDLE. */
struct private_heap *heap_from_handle(HANDLE handle);

static inline bool is_process_heap(const struct private_heap *heap)
{
    return heap->slot == 0;
}

/* In the checked mode a program that has no heap there ends here. */
void heap_require(const struct private_heap *heap, HANDLE handle);

static inline unsigned heap_private_flags(DWORD flags)
{
    return ((flags & HEAP_ZERO_MEMORY) != 0 ? PRIVATE_ZERO : 0) |
           ((flags & HEAP_REALLOC_IN_PLACE_ONLY) != 0 ? PRIVATE_IN_PLACE : 0) |
           ((flags & HEAP_NO_SERIALIZE) != 0 ? PRIVATE_UNLOCKED : 0);
}

/* What is not in a private heap's span may be malloc's, if the heap is the process heap. */
bool heap_is_mallocs(const struct private_heap *heap, const void *block);

/* The ends of allocations that fail: NULL, or an exception. */
void *heap_unknown(DWORD flags);
void *heap_exhausted(const struct private_heap *heap, DWORD flags);

/* Something is wrong with the heap or with what the program says of it. Sets the last error; ends
 * the process if the program has asked for that. */
void heap_corrupt(const char *call, HANDLE heap, const void *address);

/* HeapEnableTerminationOnCorruption. */
void heap_terminate_on_corruption(void);

#endif
