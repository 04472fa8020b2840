/* SPDX-License-Identifier: MIT */
/* process_heap.c: the process heap's blocks, malloc's too; the last error stays the caller's. */
#include "win32/heap/process_heap.h"

#include "win32/host/internal.h"

#include "barrow/heapapi.h"

void *process_heap_alloc(size_t size, bool zero)
{
    return HeapAlloc(GetProcessHeap(), zero ? HEAP_ZERO_MEMORY : 0, size);
}

void *process_heap_realloc(void *block, size_t size, bool zero, bool in_place)
{
    DWORD flags = (zero ? HEAP_ZERO_MEMORY : 0) | (in_place ? HEAP_REALLOC_IN_PLACE_ONLY : 0);
    return HeapReAlloc(GetProcessHeap(), flags, block, size);
}

void process_heap_free(void *block)
{
    HeapFree(GetProcessHeap(), 0, block);
}

size_t process_heap_size(const void *block)
{
    DWORD before = GetLastError();
    size_t size = HeapSize(GetProcessHeap(), 0, block);
    SetLastError(before);
    return size;
}
