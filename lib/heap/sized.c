/* SPDX-License-Identifier: MIT */
/* sized.c: whether a block can be one of the size that it is freed as.
 *
 * A slab's block tells its class. A block of a size comes from the smallest class that holds it or,
 * above SMALL_MAX, from one of the few that lend to that class. After realloc it may also be one of
 * up to twice the size. A large block has the granules that its size needs, also after realloc. */
#include "heap/sized.h"

#include "heap/bad_pointer.h"
#include "heap/slab.h"

static bool is_large_of(size_t holds, size_t size)
{
    return size <= holds && holds - size < GRANULE_SIZE;
}

static bool may_hold(size_t holds, size_t align, size_t size, enum sized sized)
{
    unsigned size_class = size_class_of_aligned(align, size);
    if (size_class == SIZE_CLASSES)
        return is_large_of(holds, size != 0 ? size : 1);
    return slab_may_serve(size_class, holds) ||
           (sized == SIZED_RESIZED && holds <= SLAB_BLOCK_MAX && size_class_keeps(holds, size));
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
