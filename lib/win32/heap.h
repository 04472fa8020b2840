/* SPDX-License-Identifier: MIT */
/* heap.h: what the files of the Heap functions share. */
#ifndef BARROW_WIN32_HEAP_H
#define BARROW_WIN32_HEAP_H

#include "internal.h"

#include "barrow/heapapi.h"
#include "private/private_heap.h"

/* The heap, or NULL with ERROR_INVALID_HANDLE. */
struct private_heap *heap_from_handle(HANDLE handle);

static inline bool is_process_heap(const struct private_heap *heap)
{
    return heap->slot == 0;
}

/* Something is wrong with the heap or with what the program says of it. Sets the last error; ends
 * the process if the program has asked for that. */
void heap_corrupt(const char *call, HANDLE heap, const void *address);

/* HeapEnableTerminationOnCorruption. */
void heap_terminate_on_corruption(void);

#endif
