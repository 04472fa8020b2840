/* SPDX-License-Identifier: MIT */
/* malloc.h: what Microsoft's C run-time library has beside malloc: sizes of blocks, resizing in
 * place, zeroed growth, and aligned blocks with an offset. In the folder win32 it is found as
 * <malloc.h>, beside the C library's own. Any thread may call these.
 *
 * An invalid argument sets errno to EINVAL; there is no invalid-parameter handler. */
#ifndef BARROW_MALLOC_H
#define BARROW_MALLOC_H

#include "barrow.h"

#include <alloca.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _HEAP_MAXREQ ((size_t)0xFFFFFFFFFFFFFFE0u)

#define _HEAPEMPTY    (-1)
#define _HEAPOK       (-2)
#define _HEAPBADBEGIN (-3)
#define _HEAPBADNODE  (-4)
#define _HEAPEND      (-5)
#define _HEAPBADPTR   (-6)

#define _msize                   barrow_msize
#define _expand                  barrow_expand
#define _recalloc                barrow_recalloc
#define _aligned_malloc          barrow_aligned_malloc
#define _aligned_realloc         barrow_aligned_realloc
#define _aligned_recalloc        barrow_aligned_recalloc
#define _aligned_offset_malloc   barrow_aligned_offset_malloc
#define _aligned_offset_realloc  barrow_aligned_offset_realloc
#define _aligned_offset_recalloc barrow_aligned_offset_recalloc
#define _aligned_msize           barrow_aligned_msize
#define _aligned_free            barrow_aligned_free
#define _heapmin                 barrow_heapmin
#define _heapchk                 barrow_heapchk
#define _get_heap_handle         barrow_get_heap_handle

#define _alloca alloca

#ifdef __cplusplus
extern "C" {
#endif

/* The block's size: what the program may use, which may be more than it asked for. (size_t)-1 and
 * EINVAL for NULL. */
BARROW_API size_t barrow_msize(void *block);

/* Makes the block larger or smaller where it is. NULL when that cannot be done: the block is
 * unchanged. NULL and EINVAL for a NULL block, NULL and ENOMEM above _HEAP_MAXREQ. */
BARROW_API void *barrow_expand(void *block, size_t size);

/* realloc(block, count * size) with zeros in what is added. NULL: like calloc. A product of 0 frees
 * the block and returns NULL. NULL and ENOMEM on failure: the block is unchanged. */
BARROW_API void *barrow_recalloc(void *block, size_t count, size_t size);

/* A block at a multiple of alignment, a power of two (0 and 1 too: as malloc). To be freed by
 * _aligned_free. NULL: EINVAL for another alignment, ENOMEM. A size of 0 gives a block. */
BARROW_API void *barrow_aligned_malloc(size_t size, size_t alignment);

/* The same for the address `offset` bytes inside the block. NULL and EINVAL when the offset is not 0
 * and not inside the block. */
BARROW_API void *barrow_aligned_offset_malloc(size_t size, size_t alignment, size_t offset);

/* Another size; contents up to the lesser size are kept, and with the forms `recalloc` (count * size
 * bytes) what is added is zero. block NULL: as malloc; a size of 0 frees the block and returns NULL.
 * NULL, and the block unchanged: ENOMEM, or EINVAL when alignment or offset are not those of the
 * block. */
BARROW_API void *barrow_aligned_realloc(void *block, size_t size, size_t alignment);
BARROW_API void *barrow_aligned_recalloc(void *block, size_t count, size_t size, size_t alignment);
BARROW_API void *barrow_aligned_offset_realloc(void *block, size_t size, size_t alignment,
                                               size_t offset);
BARROW_API void *barrow_aligned_offset_recalloc(void *block, size_t count, size_t size,
                                                size_t alignment, size_t offset);

/* The size asked for. (size_t)-1 and EINVAL for NULL, or for another alignment or offset. */
BARROW_API size_t barrow_aligned_msize(void *block, size_t alignment, size_t offset);

/* Frees an aligned block. NULL is ignored. */
BARROW_API void barrow_aligned_free(void *block);

/* Gives free memory back to the system, as malloc_trim does. Returns 0. */
BARROW_API int barrow_heapmin(void);

/* Checks the process heap: _HEAPOK, or _HEAPBADNODE. */
BARROW_API int barrow_heapchk(void);

/* The process heap's handle, GetProcessHeap(), as a number. */
BARROW_API intptr_t barrow_get_heap_handle(void);

/* _malloca takes memory from the stack up to 1 KiB, else from malloc; _freea frees it. */
#define BARROW_ON_STACK ((size_t)0xCCCC)
#define BARROW_ON_HEAP  ((size_t)0xDDDD)

static inline void *barrow_mark_place(void *block, size_t place)
{
    if (block == NULL)
        return NULL;
    *(size_t *)block = place;
    return (char *)block + 16;
}

static inline void *barrow_malloca_heap(size_t size)
{
    return barrow_mark_place(malloc(size + 16), BARROW_ON_HEAP);
}

static inline void barrow_freea(void *block)
{
    if (block != NULL && *(size_t *)((char *)block - 16) == BARROW_ON_HEAP)
        free((char *)block - 16);
}

#define _malloca(size)                                                                             \
    ((size_t)(size) <= 1024 - 16                                                                   \
         ? barrow_mark_place(__builtin_alloca_with_align((size_t)(size) + 16, 128),                \
                             BARROW_ON_STACK)                                                      \
         : barrow_malloca_heap(size))
#define _freea barrow_freea

#ifdef __cplusplus
}
#endif

#endif
