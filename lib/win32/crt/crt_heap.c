/* SPDX-License-Identifier: MIT */
/* crt_heap.c: _msize, _expand, _recalloc and the calls on the whole heap. */
#include "barrow/malloc.h"
#include "heap/heap.h"

#include "barrow/heapapi.h"
#include "os/compiler.h"

#include <errno.h>
#include <string.h>

size_t barrow_msize(void *block)
{
    if (block != NULL)
        return heap_usable_size(block, "_msize");
    errno = EINVAL;
    return (size_t)-1;
}

void *barrow_expand(void *block, size_t size)
{
    if (block == NULL || size > _HEAP_MAXREQ) {
        errno = block == NULL ? EINVAL : ENOMEM;
        return NULL;
    }
    if (size <= heap_usable_size(block, "_expand"))
        return block;
    return size <= PTRDIFF_MAX && heap_resize_in_place(block, size, "_expand") ? block : NULL;
}

/* All of a block behind the bytes asked for is kept zero, so that what a later call adds is zero,
 * wherever the block ends by then. */
void *barrow_recalloc(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (product_overflows(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t before = block != NULL ? heap_usable_size(block, "_recalloc") : 0;
    char *resized = block != NULL ? barrow_realloc(block, bytes) : barrow_malloc(bytes);
    if (resized == NULL)
        return NULL;
    size_t kept = before < bytes ? before : bytes;
    memset(resized + kept, 0, heap_usable_size(resized, "_recalloc") - kept);
    return resized;
}

int barrow_heapmin(void)
{
    barrow_malloc_trim(0);
    return 0;
}

int barrow_heapchk(void)
{
    return HeapValidate(GetProcessHeap(), 0, NULL) ? _HEAPOK : _HEAPBADNODE;
}

intptr_t barrow_get_heap_handle(void)
{
    return (intptr_t)GetProcessHeap();
}
