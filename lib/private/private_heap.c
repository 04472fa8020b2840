/* SPDX-License-Identifier: MIT */
/* Blocks are taken, given back and resized: the slow way, or the only one, of each call, and the
 * dispatch on the kind of the heap and of the block. */
#include "private/private_heap.h"

#include "private/attach.h"
#include "private/bounded.h"
#include "private/find.h"
#include "private/large_blocks.h"
#include "private/lock.h"
#include "private/zeroed.h"

#include <string.h>

/* ---- take and give ------------------------------------------------------------------------ */

static void note_size(const struct span *slab, void *block, size_t size)
{
    *size_word(block, pool_block_most(slab, block)) = (uint16_t)size;
}

static bool is_large(size_t align, size_t room)
{
    return room > POOL_SIZE_MAX || align > GRANULE_SIZE;
}

/* A block that has room for `room` bytes, and notes `size`. Not of a bounded heap. */
static void *alloc_unbounded(struct private_heap *heap, struct entry entry, size_t align,
                             size_t room, size_t size)
{
    if (is_large(align, room))
        return large_blocks_alloc(heap, align, size, false);
    void *block = entry.pool != NULL ? pool_alloc(entry.pool, align, room) : NULL;
    if (block != NULL && room != size)
        note_size(private_span_of(block), block, size);
    return block;
}

/* Zeros go on behind the size asked for, so a block that is to hold them may be of the next class:
 * its size word must not be among them. */
static void *alloc_in(struct private_heap *heap, struct entry entry, size_t align, size_t size,
                      bool zero)
{
    size_t room = zero ? zeroed_size(size) : size;
    if (heap->kind == HEAP_BOUNDED) {
        bool is_zero = false;
        void *block = bounded_alloc_slow(heap->bounded, size, align, &is_zero);
        return block != NULL && zero && !is_zero ? memset(block, 0, room) : block;
    }
    if (heap->kind == HEAP_MAPPED)
        return heap->backend->alloc(heap, align, size, zero);
    if (is_large(align, room)) /* fresh memory needs no clearing */
        return large_blocks_alloc(heap, align, size, zero);
    void *block = alloc_unbounded(heap, entry, align, room, size);
    return block != NULL && zero ? memset(block, 0, room) : block;
}

void *private_alloc(struct private_heap *heap, size_t align, size_t size, unsigned flags)
{
    void *block;
    do {
        struct entry entry = private_enter(heap, flags);
        block = alloc_in(heap, entry, align, size, (flags & PRIVATE_ZERO) != 0);
        private_leave(heap, entry);
    } while (block == NULL && private_asks_again(heap, size));
    return block;
}

static void mark_free(const struct span *slab, void *block)
{
    note_size(slab, block, SIZE_WORD_FREE);
}

static void free_in_span(struct private_heap *heap, struct entry entry, struct span *span,
                         void *block)
{
    if (span_kind(span) == SPAN_LARGE) {
        large_blocks_free(heap, span);
        return;
    }
    struct pool *owner = span_pool(span);
    mark_free(span, block);
    if (owner == entry.pool)
        pool_give(owner, span, block);
    else
        attach_post(owner, block);
}

static bool free_in(struct private_heap *heap, struct entry entry, void *address)
{
    if (heap->kind == HEAP_BOUNDED)
        return bounded_free(heap->bounded, address);
    if (heap->kind == HEAP_MAPPED)
        return heap->backend->free(heap, address);
    struct span *span = find_in(heap, address);
    if (span != NULL)
        free_in_span(heap, entry, span, address);
    return span != NULL;
}

bool private_free(struct private_heap *heap, void *address, unsigned flags)
{
    struct entry entry = private_enter(heap, flags);
    bool done = free_in(heap, entry, address);
    private_leave(heap, entry);
    return done;
}

bool private_free_own(struct pool *pool, void *address)
{
    struct span *span = private_span_of(address);
    return span != NULL && span_kind(span) == SPAN_POOL && span_pool(span) == pool &&
           pool_free(pool, span, address);
}

/* Pools have an inbox that any thread, and any handler, may post to. */
void private_free_interrupted(struct private_heap *heap, void *address)
{
    struct span *span = heap->bounded == NULL ? find_in(heap, address) : NULL;
    if (span == NULL || span_kind(span) == SPAN_LARGE)
        return;
    mark_free(span, address);
    attach_post(span_pool(span), address);
}

/* ---- resize ------------------------------------------------------------------------------- */

static void *move(struct private_heap *heap, struct entry entry, struct span *span, void *block,
                  size_t room, size_t size)
{
    size_t old = size_in_span(span, block);
    void *fresh = alloc_unbounded(heap, entry, 1, room, size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, old < size ? old : size);
    free_in_span(heap, entry, span, block);
    return fresh;
}

/* `room`: see alloc_in. */
static void *resize_in(struct private_heap *heap, struct entry entry, struct span *span,
                       void *block, size_t room, size_t size, bool in_place)
{
    if (span_kind(span) == SPAN_LARGE) {
        if (room > POOL_SIZE_MAX || in_place)
            return large_blocks_resize(heap, span, size, !in_place);
        return move(heap, entry, span, block, room, size);
    }
    size_t most = pool_block_most(span, block);
    if (room <= most && (in_place || size >= most / 2 || pool_class(size) == pool_class(most))) {
        note_size(span, block, size);
        return block;
    }
    return in_place ? NULL : move(heap, entry, span, block, room, size);
}

static void *realloc_in(struct private_heap *heap, struct entry entry, void *address, size_t size,
                        unsigned flags, bool *valid)
{
    bool in_place = (flags & PRIVATE_IN_PLACE) != 0, zero = (flags & PRIVATE_ZERO) != 0;
    struct span *span = heap->bounded == NULL ? find_in(heap, address) : NULL;
    size_t old = heap->bounded != NULL ? private_bounded_size(heap, address)
                 : span == NULL        ? PRIVATE_NO_BLOCK
                                       : size_in_span(span, address);
    in_place |= size <= old; /* as on Windows, a block that shrinks stays where it is */
    *valid = old != PRIVATE_NO_BLOCK;
    if (!*valid)
        return NULL;
    zero = zero && size > old;
    size_t room = zero ? zeroed_size(size) : size;
    char *block = heap->kind == HEAP_MAPPED ? heap->backend->realloc(heap, address, size, in_place)
                  : heap->kind == HEAP_BOUNDED
                      ? bounded_realloc(heap->bounded, address, size, in_place)
                      : resize_in(heap, entry, span, address, room, size, in_place);
    if (block != NULL && zero)
        memset(block + old, 0, room - old);
    return block;
}

void *private_realloc(struct private_heap *heap, void *address, size_t size, unsigned flags,
                      bool *valid)
{
    void *block;
    do {
        struct entry entry = private_enter(heap, flags);
        block = realloc_in(heap, entry, address, size, flags, valid);
        private_leave(heap, entry);
    } while (block == NULL && *valid && private_asks_again(heap, size));
    return block;
}
