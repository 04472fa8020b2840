/* SPDX-License-Identifier: MIT */
#include "heap/walk.h"

#include "heap/checked.h"
#include "heap/checked_block.h"
#include "heap/sampled.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "medium/check.h"
#include "region/region.h"

static bool is_malloc_span(const struct span *span)
{
    enum span_kind kind = span_kind_elsewhere(span);
    return kind == SPAN_SLAB || kind == SPAN_MEDIUM || (kind == SPAN_LARGE && span->heap == NULL);
}

/* Whether nobody has the memory any more, in which `span` was found: a purge takes empty slabs from
 * under a walk. */
static bool is_gone(const struct span *span, const void *address)
{
    return granule_is_ours(granule_of(address)) &&
           (span == NULL || span_kind_elsewhere(span) < SPAN_SLAB);
}

bool heap_has(const void *address)
{
    const struct span *span = region_find(address);
    return (span != NULL && is_malloc_span(span)) || is_gone(span, address) ||
           sampled_owns(address);
}

static struct span *next_span(uint32_t from)
{
    for (size_t i = page_map_next(from - 1); i < GRANULES_MAX; i = page_map_next(i))
        if (is_malloc_span(span_at(i)))
            return span_at(i);
    return NULL;
}

/* A block of the checked mode as the program knows it; what is in quarantine is free. */
static void show_checked(struct piece *piece)
{
    const struct checked_header *header = piece->data;
    if (checked_block_state(header) != CHECKED_LIVE) {
        piece->kind = PIECE_FREE;
        return;
    }
    piece->data = checked_block_bytes_of(header);
    piece->size = checked_block_size(header);
}

static enum walked show_span(const struct span *span, struct piece *piece)
{
    bool large = span_kind(span) == SPAN_LARGE;
    *piece = (struct piece){ .kind = large ? PIECE_LARGE : PIECE_REGION,
                             .data = span_start(span),
                             .size = large ? span_bytes(span) : 0,
                             .committed = span_bytes(span),
                             .end = span_start(span) + span_bytes(span) };
    if (large && checked_is_on())
        show_checked(piece);
    return WALK_MORE;
}

static enum walked show_sampled(const void *after, struct piece *piece)
{
    size_t size;
    char *block = sampled_next(after, &size);
    if (block == NULL)
        return WALK_END;
    *piece = (struct piece){
        .kind = PIECE_LARGE, .data = block, .size = size, .committed = size, .end = block + size
    };
    return WALK_MORE;
}

/* Sampled blocks come after all spans. */
static enum walked show_next(uint32_t from, struct piece *piece)
{
    const struct span *span = next_span(from);
    return span != NULL ? show_span(span, piece) : show_sampled(NULL, piece);
}

/* The fast paths write both words without a lock, and so may the program. */
READS_RACY static bool is_free(const void *block)
{
    return block_is_free(block);
}

/* A block that was never cut lies in a hole. */
static void show_block(const struct span *slab, size_t distance, struct piece *piece)
{
    char *data = span_start(slab) + distance;
    bool hole = slab_is_in_hole(slab, data);
    *piece = (struct piece){ .kind = hole || is_free(data) ? PIECE_FREE : PIECE_BUSY,
                             .data = data,
                             .size = size_class_bytes(slab->size_class) };
    if (!hole && checked_is_on())
        show_checked(piece);
}

static bool next_in_slab(const struct span *slab, struct piece *piece)
{
    size_t size = size_class_bytes(slab->size_class);
    size_t distance = (size_t)((char *)piece->data - span_start(slab));
    distance = piece->kind == PIECE_REGION ? 0 : (distance / size + 1) * size;
    if (distance / size >= slab_capacity(slab))
        return false;
    show_block(slab, distance, piece);
    return true;
}

static bool next_in_medium(struct piece *piece)
{
    struct place place = place_of(piece->data);
    if (place.map == NULL)
        return false;
    if (piece->kind != PIECE_REGION)
        place.cell++;
    if (!medium_next(&place))
        return false;
    *piece = (struct piece){ .kind = state_of(place) == CELL_LIVE ? PIECE_BUSY : PIECE_FREE,
                             .data = place_address(place),
                             .size = place_bytes(place) };
    if (piece->kind == PIECE_BUSY && checked_is_on())
        show_checked(piece);
    return true;
}

/* The next block, under the lock of the span's theap; false at the span's end. */
static bool next_block(const struct span *span, struct piece *piece)
{
    struct theap *theap = threads_lock_owner(span);
    if (theap == NULL)
        return false;
    bool more =
        tag_is_medium(tag_at(span_start(span))) ? next_in_medium(piece) : next_in_slab(span, piece);
    theap_unlock(theap);
    return more;
}

enum walked heap_walk(struct piece *piece)
{
    if (piece->data == NULL)
        return show_next(1, piece);
    if (sampled_owns(piece->data))
        return show_sampled(piece->data, piece);
    struct span *span = region_find(piece->data);
    if (span == NULL || !is_malloc_span(span))
        return is_gone(span, piece->data) ? show_next((uint32_t)granule_of(piece->data) + 1, piece)
                                          : WALK_LOST;
    uint32_t after = span_index(span) + span->granules;
    if (span_kind(span) != SPAN_LARGE && next_block(span, piece))
        return WALK_MORE;
    return show_next(after, piece);
}

/* ---- validate ----------------------------------------------------------------------------- */

static bool list_is_sound(const struct span *slab)
{
    uint32_t count = 0;
    for (const struct block *block = slab->free; block != BLOCK_END; block = block->next) {
        if (region_find(block) != slab || slab_block_at(slab, block) != block ||
            !block_is_linked(block) || ++count > slab->free_count)
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
        bool sound = slabs_are_sound(theap) && medium_check(&theap->medium) == NULL;
        theap_unlock(theap);
        if (!sound)
            return false;
    }
    return true;
}
