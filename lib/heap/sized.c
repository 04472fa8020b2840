/* SPDX-License-Identifier: MIT */
/* sized.c: whether a block can be one of the size that it is freed as.
 *
 * A slab's block tells its class: it comes from the smallest one that holds the size. After realloc it
 * may also be one of up to twice the size. A medium block has the cells that its size needs; after
 * realloc it may have some more. A large one has the granules that its size needs, also after realloc. */
#include "heap/sized.h"

#include "heap/bad_pointer.h"

static bool is_large_of(size_t holds, size_t size)
{
    return size <= holds && holds - size < GRANULE_SIZE;
}

/* Whether realloc may have left a block of the size in one that holds so much. */
static bool may_be_kept(size_t holds, size_t size)
{
    return holds <= MEDIUM_MAX &&
           (size_class_keeps(holds, size) || (holds > SMALL_MAX && medium_keeps(holds, size)));
}

static bool may_hold(size_t holds, size_t align, size_t size, enum sized sized)
{
    unsigned size_class = size_class_of_aligned(align, size);
    if (sized == SIZED_RESIZED && may_be_kept(holds, size))
        return true;
    if (size_class < SIZE_CLASSES)
        return holds == size_class_bytes(size_class);
    return medium_serves(align, size) ? holds == medium_bytes(size)
                                      : is_large_of(holds, size != 0 ? size : 1);
}

static void check(const void *block, size_t align, size_t size, enum sized sized, const char *call)
{
    size_t holds = heap_usable_size(block, call);
    if (!is_power_of_two(align) || (uintptr_t)block % align != 0)
        bad_alignment(call, block, align);
    if (heap_size_is_exact(block) ? size != holds : !may_hold(holds, align, size, sized))
        bad_size(call, block, size, holds);
}

void heap_free_sized_slow(void *block, size_t align, size_t size, enum sized sized,
                          const char *call)
{
    if (block == NULL)
        return;
    check(block, align, size, sized, call);
    heap_free_slow(block, call);
}
