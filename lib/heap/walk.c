/* SPDX-License-Identifier: MIT */
#include "heap/walk.h"

#include "heap/slab.h"
#include "heap/threads.h"
#include "region/region.h"

static bool is_malloc_span(const struct span *span)
{
    enum span_kind kind = span_kind_elsewhere(span);
    return kind == SPAN_SLAB || (kind == SPAN_LARGE && span->heap == NULL);
}

bool heap_has(const void *address)
{
    const struct span *span = region_find(address);
    return span != NULL && is_malloc_span(span);
}

static struct span *next_span(uint32_t from)
{
    size_t limit = atomic_load_explicit(&region_map.frontier, memory_order_acquire);
    for (size_t i = from; i < limit; i++)
        if (is_malloc_span(span_at(i)))
            return span_at(i);
    return NULL;
}

static enum walked show_span(const struct span *span, struct piece *piece)
{
    if (span == NULL)
        return WALK_END;
    bool slab = span_kind(span) == SPAN_SLAB;
    *piece = (struct piece){ .kind = slab ? PIECE_REGION : PIECE_LARGE,
                             .data = span_start(span),
                             .size = slab ? 0 : span_bytes(span),
                             .committed = span_bytes(span),
                             .end = span_start(span) + span_bytes(span) };
    return WALK_MORE;
}

/* The fast paths write it without a lock, and where the block is the program's, that does. */
READS_RACY static bool has_mark(const void *block)
{
    const intptr_t volatile *mark = &((const struct block *)block)->mark;
    return *mark == BLOCK_FREE;
}

/* A free block carries the mark, wherever it waits; one that was never cut lies in a hole. */
static void show_block(const struct span *slab, size_t distance, struct piece *piece)
{
    char *data = span_start(slab) + distance;
    bool free = slab_is_in_hole(slab, data) || has_mark(data);
    *piece = (struct piece){ .kind = free ? PIECE_FREE : PIECE_BUSY,
                             .data = data,
                             .size = size_class_bytes(slab->size_class) };
}

/* The next block, under the lock of the slab's theap; false at the slab's end. */
static bool next_block(struct span *slab, struct piece *piece)
{
    struct theap *theap = threads_theap(span_get(&slab->owner));
    if (theap == NULL || os_lock_is_mine(&theap->lock))
        return false;
    os_lock(&theap->lock);
    bool more = span_kind_elsewhere(slab) == SPAN_SLAB;
    if (more) {
        size_t size = size_class_bytes(slab->size_class);
        size_t distance = (size_t)((char *)piece->data - span_start(slab));
        distance = piece->kind == PIECE_REGION ? 0 : (distance / size + 1) * size;
        more = distance / size < size_class_capacity(slab->size_class);
        if (more)
            show_block(slab, distance, piece);
    }
    os_unlock(&theap->lock);
    return more;
}

enum walked heap_walk(struct piece *piece)
{
    if (piece->data == NULL)
        return show_span(next_span(1), piece);
    struct span *span = region_find(piece->data);
    if (span == NULL || !is_malloc_span(span))
        return WALK_LOST;
    uint32_t after = span_index(span) + span->granules;
    if (span_kind(span) == SPAN_SLAB && next_block(span, piece))
        return WALK_MORE;
    return show_span(next_span(after), piece);
}

/* ---- validate ----------------------------------------------------------------------------- */

static bool list_is_sound(const struct span *slab)
{
    uint32_t count = 0;
    for (const struct block *block = slab->free; block != NULL; block = block->next) {
        if (region_find(block) != slab || slab_block_at(slab, block) != block ||
            block->mark != BLOCK_FREE || ++count > slab->free_count)
            return false;
    }
    return count == slab->free_count;
}

static bool slabs_are_sound(const struct theap *theap)
{
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        for (int group = 0; group < GROUPS; group++)
            for (uint32_t i = theap->groups[size_class][group]; i != 0; i = span_at(i)->next)
                if (span_kind(span_at(i)) != SPAN_SLAB || !list_is_sound(span_at(i)))
                    return false;
    return true;
}

bool heap_validate(void)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap->broken || os_lock_is_mine(&theap->lock))
            continue;
        os_lock(&theap->lock);
        bool sound = slabs_are_sound(theap);
        os_unlock(&theap->lock);
        if (!sound)
            return false;
    }
    return true;
}
