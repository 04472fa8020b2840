/* SPDX-License-Identifier: MIT */
/* sized.h: frees that name the size of the block: C++'s sized operators delete, and C23's free_sized
 * and free_aligned_sized. A wrong size ends the process with a message. It is known by the block's
 * size class, and in private heaps and the checked mode exactly. Any thread. */
#ifndef BARROW_HEAP_SIZED_H
#define BARROW_HEAP_SIZED_H

#include "heap/heap.h"

enum sized {
    SIZED_AS_MADE, /* the size that the block was allocated with */
    SIZED_RESIZED  /* the same, or the size of the last realloc, which may have left it in place */
};

/* For what heap_free_sized_fast leaves. align is what the block was allocated with; 1: none. */
void heap_free_sized_slow(void *block, size_t align, size_t size, enum sized sized,
                          const char *call);

ALWAYS_INLINE void heap_free_sized(void *block, size_t size, enum sized sized, const char *call)
{
    if (unlikely(!heap_free_sized_fast(block, size, SMALL_LIMIT)))
        heap_free_sized_slow(block, 1, size, sized, call);
}

/* Sizes are served below the limit, as in heap_free_sized_fast. */
ALWAYS_INLINE bool heap_free_aligned_sized_fast(void *block, size_t align, size_t size,
                                                size_t limit)
{
    size_t below = align - 1;
    if (unlikely(align > SMALL_MAX || size >= limit || ((align | (uintptr_t)block) & below) != 0))
        return false;
    return heap_free_sized_fast(block, round_up(size != 0 ? size : 1, align), SMALL_LIMIT);
}

#endif
