/* SPDX-License-Identifier: MIT */
#include "private/walk.h"

#include "private/bounded.h"
#include "private/initial.h"
#include "private/nursery.h"
#include "private/slots.h"
#include "region/region.h"

/* Of a place, as a walk shows it. */
enum { HEADER = PLACE_NURSERY, REST = (1 << PLACE_SHIFT) - HEADER };

_Static_assert(sizeof(struct private_heap) <= HEADER, "a walk shows a page as the heap's header");

static struct pool *first_pool(struct private_heap *heap)
{
    /* acquire: pairs with the release in attach.c */
    return heap->kind == HEAP_OWNED ? &heap->pool
                                    : atomic_load_explicit(&heap->pools, memory_order_acquire);
}

/* ---- pieces ------------------------------------------------------------------------------- */

static enum walked show_header(struct private_heap *heap, struct piece *piece)
{
    *piece = (struct piece){ .kind = PIECE_REGION,
                             .data = heap,
                             .size = HEADER,
                             .committed = HEADER,
                             .uncommitted = REST,
                             .end = (char *)heap + HEADER + REST };
    return WALK_MORE;
}

static enum walked show_rest(struct private_heap *heap, struct piece *piece)
{
    *piece =
        (struct piece){ .kind = PIECE_UNCOMMITTED, .data = (char *)heap + HEADER, .size = REST };
    return WALK_MORE;
}

/* A bounded heap's reservation, with its records. */
static enum walked show_reservation(struct private_heap *heap, struct piece *piece)
{
    struct bounded_extent extent = bounded_extent(heap->bounded);
    *piece = (struct piece){ .kind = PIECE_REGION,
                             .data = heap->bounded,
                             .size = extent.records,
                             .committed = extent.committed,
                             .uncommitted = extent.reserved - extent.committed,
                             .end = (char *)heap->bounded + extent.reserved };
    return WALK_MORE;
}

static enum walked show_large(uint32_t index, struct piece *piece)
{
    if (index == 0)
        return WALK_END;
    const struct span *span = span_at(index);
    *piece = (struct piece){ .kind = PIECE_LARGE, .data = span_start(span), .size = span->size };
    return WALK_MORE;
}

static enum walked show_slab(const struct span *slab, struct piece *piece)
{
    *piece = (struct piece){ .kind = PIECE_REGION,
                             .data = span_start(slab),
                             .committed = span_bytes(slab),
                             .end = span_start(slab) + span_bytes(slab) };
    return WALK_MORE;
}

/* The block at that distance, or all that has not been cut yet. */
static enum walked show_block(const struct span *slab, size_t distance, struct piece *piece)
{
    char *data = span_start(slab) + distance;
    size_t bytes = pool_block_bytes(slab, distance), size = SIZE_WORD_FREE;
    if (bytes != 0)
        size = pool_block_size(slab, data);
    else
        bytes = span_bytes(slab) - distance;
    bool busy = size != SIZE_WORD_FREE;
    size = busy ? size : bytes - SIZE_WORD;
    *piece = (struct piece){
        .kind = busy ? PIECE_BUSY : PIECE_FREE, .data = data, .size = size, .overhead = bytes - size
    };
    return WALK_MORE;
}

/* ---- order: header, slabs of each pool with their blocks, large blocks ---------------------- */

static enum walked next_slab(struct private_heap *heap, struct pool *pool, const struct span *slab,
                             struct piece *piece)
{
    for (; pool != NULL; pool = pool->next_in_heap, slab = NULL) {
        const struct span *next = pool->torn ? NULL : pool_next_slab(pool, slab);
        if (next != NULL)
            return show_slab(next, piece);
    }
    return show_large(heap->large, piece);
}

/* What follows a piece of the slab. */
static enum walked next_in_slab(struct private_heap *heap, const struct span *slab,
                                struct piece *piece)
{
    size_t distance = (size_t)((char *)piece->data - span_start(slab));
    size_t bytes = pool_block_bytes(slab, distance);
    if (bytes == 0 && distance != slab->cut_end)
        return WALK_LOST;
    size_t next = piece->kind == PIECE_REGION ? 0
                  : distance == slab->cut_end ? span_bytes(slab)
                                              : distance + bytes;
    /* a rest that is too short for a block is no piece */
    if (next < slab->cut_end || next + slab->size_most + SIZE_WORD <= span_bytes(slab))
        return show_block(slab, next, piece);
    return next_slab(heap, span_pool(slab), slab, piece);
}

static enum walked walk_spans(struct private_heap *heap, struct piece *piece)
{
    const struct span *span = private_span_of(piece->data);
    if (span == NULL)
        return WALK_LOST;
    if (span_kind(span) == SPAN_LARGE)
        return span->heap == heap ? show_large(span->next, piece) : WALK_LOST;
    const struct pool *pool = span_pool(span);
    return pool != NULL && pool->heap == heap ? next_in_slab(heap, span, piece) : WALK_LOST;
}

static enum walked walk_bounded(struct private_heap *heap, struct piece *piece)
{
    struct bounded_entry entry;
    const void *after = piece->data == heap->bounded ? NULL : piece->data;
    if (!bounded_walk(heap->bounded, after, &entry))
        return entry.kind == BOUNDED_END ? WALK_END : WALK_LOST;
    *piece = (struct piece){ .kind = entry.kind == BOUNDED_BUSY   ? PIECE_BUSY
                                     : entry.kind == BOUNDED_FREE ? PIECE_FREE
                                                                  : PIECE_UNCOMMITTED,
                             .data = entry.address,
                             .size = entry.size,
                             .overhead = entry.overhead };
    return WALK_MORE;
}

bool private_walk_is_in_header(const struct private_heap *heap, const void *address)
{
    return (uintptr_t)address - (uintptr_t)heap <= HEADER;
}

enum walked private_walk(struct private_heap *heap, struct piece *piece)
{
    if (piece->data == NULL)
        return show_header(heap, piece);
    if (piece->data == heap)
        return show_rest(heap, piece);
    const struct span *initial = initial_span(heap);
    bool starts = piece->data == (char *)heap + HEADER;
    if (heap->bounded != NULL)
        return starts ? show_reservation(heap, piece) : walk_bounded(heap, piece);
    if (starts && initial != NULL)
        return show_slab(initial, piece);
    starts = starts || (initial != NULL && piece->data == span_start(initial));
    return starts ? next_slab(heap, first_pool(heap), NULL, piece) : walk_spans(heap, piece);
}

/* ---- validate ----------------------------------------------------------------------------- */

/* The blocks on a list, each of which must be free and the slab's; more than it has on damage. */
static uint32_t count_list(const struct span *slab, const struct freed *list)
{
    size_t bytes = slab->size_most + SIZE_WORD;
    uint32_t cut = slab->cut_end / (uint32_t)bytes, count = 0;
    for (const struct freed *block = list; block != NULL && count <= cut; block = block->next) {
        size_t distance = (size_t)((const char *)block - span_start(slab));
        if (distance >= slab->cut_end || distance % bytes != 0 ||
            pool_block_size(slab, block) != SIZE_WORD_FREE || !freed_is_linked(block))
            return cut + 1;
        count++;
    }
    return count;
}

/* Every block is free or of a size that it can have; as many are busy as the counts say. Blocks in
 * the inbox are free and not yet counted so. */
static bool validate_slab(const struct pool *pool, const struct span *slab, bool inbox)
{
    size_t free = 0;
    for (size_t distance = 0, bytes; distance < slab->cut_end; distance += bytes) {
        bytes = pool_block_bytes(slab, distance);
        if (bytes == 0 || distance + bytes > slab->cut_end)
            return false;
        size_t size = pool_block_size(slab, span_start(slab) + distance);
        if (size == SIZE_WORD_FREE)
            free++;
        else if (size > bytes - SIZE_WORD)
            return false;
    }
    if (span_pool(slab) != pool || is_nursery(slab))
        return span_pool(slab) == pool;
    uint32_t listed = count_list(slab, slab->free);
    if (pool->active[slab->size_class] == span_index(slab))
        listed += count_list(slab, pool->lists[slab->size_class]);
    return inbox ? listed <= free : listed == free;
}

static bool validate_pool(struct pool *pool)
{
    bool inbox = atomic_load_explicit(&pool->inbox, memory_order_relaxed) != NULL;
    for (const struct span *slab = pool_next_slab(pool, NULL); slab != NULL;
         slab = pool_next_slab(pool, slab))
        if (!validate_slab(pool, slab, inbox))
            return false;
    return nursery_validate(pool);
}

static bool validate_large(const struct private_heap *heap)
{
    uint32_t prev = 0;
    for (uint32_t at = heap->large; at != 0; prev = at, at = span_at(at)->next) {
        const struct span *span = span_at(at);
        if (span_kind(span) != SPAN_LARGE || span->heap != heap || span->prev != prev ||
            span->size > span_bytes(span))
            return false;
    }
    return prev == heap->large_last;
}

bool private_validate(struct private_heap *heap)
{
    if (heap->kind == HEAP_BOUNDED)
        return bounded_validate(heap->bounded);
    if (heap->kind == HEAP_MAPPED)
        return heap->backend->validate(heap);
    for (struct pool *pool = first_pool(heap); pool != NULL; pool = pool->next_in_heap)
        if (!pool->torn && !validate_pool(pool))
            return false;
    return validate_large(heap);
}

static size_t count_busy(const struct span *slab)
{
    size_t bytes = slab->size_most + SIZE_WORD, busy = 0;
    for (size_t distance = 0; distance < slab->cut_end; distance += bytes)
        busy += pool_block_size(slab, span_start(slab) + distance) != SIZE_WORD_FREE;
    return busy;
}

/* In the slab and, if the class has one only, in the nursery before it. */
static size_t count_busy_of_a_size(const struct pool *pool, const struct span *slab)
{
    size_t most = 0;
    if (!is_nursery(slab))
        return count_busy(slab) +
               (pool->nursery.slab == 0
                    ? 0
                    : nursery_busy(span_at(pool->nursery.slab), slab->size_class));
    for (unsigned size_class = 1; size_class <= POOL_EVEN; size_class++) {
        size_t busy = nursery_busy(slab, size_class);
        most = busy > most ? busy : most;
    }
    return most;
}

size_t private_most_of_a_size(struct private_heap *heap)
{
    size_t most = 0;
    for (struct pool *pool = first_pool(heap); pool != NULL; pool = pool->next_in_heap)
        for (const struct span *slab = pool->torn ? NULL : pool_next_slab(pool, NULL); slab != NULL;
             slab = pool_next_slab(pool, slab)) {
            size_t busy = count_busy_of_a_size(pool, slab);
            most = busy > most ? busy : most;
        }
    return most;
}

/* ---- compact, figures --------------------------------------------------------------------- */

size_t private_compact(struct private_heap *heap)
{
    size_t largest = 0;
    private_lock(heap);
    if (heap->kind == HEAP_BOUNDED)
        largest = bounded_compact(heap->bounded);
    else if (heap->kind == HEAP_MAPPED)
        largest = heap->backend->compact(heap);
    else
        for (struct pool *pool = first_pool(heap); pool != NULL; pool = pool->next_in_heap) {
            size_t free = pool->torn ? 0 : pool_compact(pool);
            largest = free > largest ? free : largest;
        }
    private_unlock(heap);
    region_purge(true);
    return largest;
}

static bool is_shared(struct private_heap *heap, const void *after)
{
    return heap->kind == HEAP_SHARED && heap->serial > *(const uint64_t *)after;
}

void private_compact_shared(void)
{
    uint64_t after = 0;
    for (struct private_heap *heap; (heap = slot_find(is_shared, &after)) != NULL;) {
        after = heap->serial;
        private_compact(heap);
    }
}

void private_totals(struct private_heap *heap, struct private_figures *figures)
{
    size_t committed = atomic_load_explicit(&heap->charged, memory_order_relaxed);
    size_t peak = atomic_load_explicit(&heap->charged_peak, memory_order_relaxed);
    if (peak < committed) /* another thread is about to set it */
        peak = committed;
    *figures = (struct private_figures){ .committed = committed + HEADER,
                                         .committed_peak = peak + HEADER,
                                         .reserved = committed + ((size_t)1 << PLACE_SHIFT) };
}

static void bounded_totals(const struct private_heap *heap, struct private_figures *figures)
{
    struct bounded_figures bounded = bounded_figures(heap->bounded);
    *figures = (struct private_figures){ .committed = bounded.committed,
                                         .committed_peak = bounded.reached,
                                         .reserved = bounded.reserved,
                                         .maximum = heap->maximum };
}

void private_figures(struct private_heap *heap, struct private_figures *figures)
{
    struct piece piece = { .data = NULL };
    if (heap->bounded != NULL)
        bounded_totals(heap, figures);
    else
        private_totals(heap, figures);
    while (private_walk(heap, &piece) == WALK_MORE) {
        if (piece.kind != PIECE_BUSY && piece.kind != PIECE_LARGE)
            continue;
        figures->blocks++;
        figures->bytes += piece.size;
    }
}
