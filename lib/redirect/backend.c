/* SPDX-License-Identifier: MIT */
#include "redirect/backend.h"

#include "heap/slab.h"
#include "heap/threads.h"

uint16_t backend_block_bytes[SMALL_UNITS];

void backend_start(void)
{
    for (size_t unit = 0; unit < SMALL_UNITS; unit++)
        backend_block_bytes[unit] = (uint16_t)size_class_bytes(size_class_of(unit * 16));
}

/* ---- blocks and their sizes --------------------------------------------------------------- */

/* The head of the span that the address lies in, of a slab or a large block of malloc's; NULL for
 * all else, and in the checked mode, whose blocks are laid out otherwise. */
static struct span *span_of(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule) || checked_is_on())
        return NULL;
    struct span *span = span_at(granule);
    if (tag_of(granule) != 0)
        return span_at(span_get(&span->head));
    return span_kind_elsewhere(span) == SPAN_LARGE && span->heap == NULL ? span : NULL;
}

static uint16_t *slab_size_word(const struct span *slab, const void *block)
{
    return size_word((void *)block, size_class_bytes(slab->size_class));
}

static void note_size(const void *block, size_t size)
{
    struct span *span = span_of(block);
    if (span == NULL)
        return;
    if (span_kind(span) == SPAN_LARGE)
        span->size = size;
    else
        *slab_size_word(span, block) = (uint16_t)size;
}

static bool is_impossible(size_t size)
{
    return size > PTRDIFF_MAX - GRANULE_SIZE;
}

void *backend_alloc_slow(size_t size, bool zero)
{
    if (is_impossible(size))
        return NULL;
    size_t with_word = size + SIZE_WORD;
    void *block = zero ? heap_alloc_zero(with_word) : heap_alloc(with_word);
    if (block != NULL)
        note_size(block, size);
    return block;
}

size_t backend_size(const void *block)
{
    /* does not return if this is no block */
    size_t usable = heap_usable_size(block, "_msize");
    const struct span *span = span_of(block);
    if (span == NULL)
        return usable - SIZE_WORD;
    return span_kind(span) == SPAN_LARGE ? span->size : *slab_size_word(span, block);
}

static void *resize(void *block, size_t size, bool in_place)
{
    if (is_impossible(size))
        return NULL;
    if (!in_place)
        return heap_realloc(block, size + SIZE_WORD, "realloc");
    /* a private heap's block that malloc handed out stays as it is */
    if (span_of(block) == NULL && !checked_is_on())
        return NULL;
    return heap_resize_in_place(block, size + SIZE_WORD, "_expand") ? block : NULL;
}

void *backend_realloc(void *block, size_t size, DWORD flags)
{
    size_t old = backend_size(block);
    void *resized = resize(block, size, flags & HEAP_REALLOC_IN_PLACE_ONLY);
    if (resized == NULL)
        return NULL;
    note_size(resized, size);
    if (flags & HEAP_ZERO_MEMORY && size > old)
        memset((char *)resized + old, 0, size - old);
    return resized;
}

/* ---- what is there ------------------------------------------------------------------------ */

/* A free block carries the mark, wherever it waits; one that was never cut lies in a hole. */
static bool is_in_use(const struct span *slab, const void *address)
{
    return !slab_is_in_hole(slab, address) &&
           LOAD_RELAXED(&((const struct block *)address)->mark) != BLOCK_FREE;
}

/* Nobody changes what is a hole while the slab's theap is locked. */
static struct theap *lock_slab(struct span *slab)
{
    struct theap *theap = threads_theap(span_get(&slab->owner));
    if (theap == NULL || os_lock_is_mine(&theap->lock))
        return NULL;
    os_lock(&theap->lock);
    if (span_kind_elsewhere(slab) == SPAN_SLAB && threads_theap(span_get(&slab->owner)) == theap)
        return theap;
    os_unlock(&theap->lock);
    return NULL;
}

bool backend_is_block(const void *address)
{
    return heap_is_block(address);
}

/* The first block in use of the slab from a distance on. */
static bool walk_slab(struct span *slab, size_t distance, void **data, size_t *size)
{
    struct theap *theap = lock_slab(slab);
    if (theap == NULL)
        return false;
    size_t step = size_class_bytes(slab->size_class);
    size_t end = step * size_class_capacity(slab->size_class);
    char *start = span_start(slab);
    distance = (distance + step - 1) / step * step;
    while (distance < end && !is_in_use(slab, start + distance))
        distance += step;
    if (distance < end) {
        *data = start + distance;
        *size = *slab_size_word(slab, *data);
    }
    os_unlock(&theap->lock);
    return distance < end;
}

static bool walk_span(struct span *span, size_t distance, void **data, size_t *size)
{
    enum span_kind kind = span_kind_elsewhere(span);
    if (kind == SPAN_SLAB)
        return walk_slab(span, distance, data, size);
    if (kind != SPAN_LARGE || distance > 0)
        return false;
    *data = span_start(span);
    *size = span->size;
    return true;
}

bool backend_walk(void **data, size_t *size)
{
    if (checked_is_on())
        return false; /* its blocks are not laid out by size */
    size_t granule = 0, end = atomic_load_explicit(&region_map.frontier, memory_order_acquire);
    if (*data != NULL) {
        struct span *span = span_of(*data);
        if (span == NULL)
            return false;
        size_t distance = (size_t)((char *)*data - span_start(span));
        if (walk_span(span, distance + 1, data, size))
            return true;
        granule = span_index(span) + 1;
    }
    for (; granule < end; granule++)
        if (walk_span(span_at(granule), 0, data, size))
            return true;
    return false;
}
