/* SPDX-License-Identifier: MIT */
/* backend.c: for the time being, a private heap of Windows with a mark before each block. */
#include "backend.h"

#include <stdint.h>

#define KEY 0x626172726f770000u

static HANDLE heap;

static uint64_t *mark(const void *block)
{
    return (uint64_t *)block - 1;
}

bool backend_owns(const void *address)
{
    return ((uintptr_t)address & 15) == 0 && address != NULL &&
           *mark(address) == (KEY ^ (uintptr_t)address);
}

static void *put_mark(char *outer)
{
    if (!outer)
        return NULL;
    void *block = outer + 16;
    *mark(block) = KEY ^ (uintptr_t)block;
    return block;
}

void *backend_alloc(DWORD flags, size_t size)
{
    return size + 16 < size ? NULL : put_mark(HeapAlloc(heap, flags, size + 16));
}

void *backend_realloc(DWORD flags, void *block, size_t size)
{
    return size + 16 < size ? NULL
                            : put_mark(HeapReAlloc(heap, flags, (char *)block - 16, size + 16));
}

bool backend_free(void *block)
{
    *mark(block) = 0;
    return HeapFree(heap, 0, (char *)block - 16);
}

size_t backend_size(const void *block)
{
    return HeapSize(heap, 0, (const char *)block - 16) - 16;
}

bool backend_validate(const void *block)
{
    return HeapValidate(heap, 0, block ? (const char *)block - 16 : NULL);
}

bool backend_walk(PROCESS_HEAP_ENTRY *entry)
{
    return HeapWalk(heap, entry);
}

size_t backend_compact(void)
{
    return 4096;
}

bool backend_start(void)
{
    heap = HeapCreate(0, 0, 0);
    return heap != NULL;
}
