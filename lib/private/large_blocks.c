/* SPDX-License-Identifier: MIT */
/* Each block is in its heap's list as long as it is in use, in order of allocation, and its span is
 * on the heap's account. While it is resized it is out of the list, so that whoever walks the list
 * never comes to a span that is on its way. */
#include "private/large_blocks.h"

static void lock_large(struct private_heap *heap)
{
    if (heap->kind == HEAP_SHARED)
        os_lock(&heap->large_lock);
}

static void unlock_large(struct private_heap *heap)
{
    if (heap->kind == HEAP_SHARED)
        os_unlock(&heap->large_lock);
}

static void link_large(struct private_heap *heap, struct span *span, size_t size)
{
    span->heap = heap;
    span->size = size;
    span->next = 0;
    lock_large(heap);
    span->prev = heap->large_last;
    if (heap->large_last != 0)
        span_at(heap->large_last)->next = span_index(span);
    else
        heap->large = span_index(span);
    heap->large_last = span_index(span);
    unlock_large(heap);
}

static void unlink_large(struct private_heap *heap, struct span *span)
{
    lock_large(heap);
    if (span->prev != 0)
        span_at(span->prev)->next = span->next;
    else
        heap->large = span->next;
    if (span->next != 0)
        span_at(span->next)->prev = span->prev;
    else
        heap->large_last = span->prev;
    unlock_large(heap);
    span->heap = NULL;
}

/* What a span for that many bytes takes; they are at most PTRDIFF_MAX. */
static size_t large_bytes(size_t size)
{
    return size < GRANULE_SIZE ? GRANULE_SIZE : round_up(size, GRANULE_SIZE);
}

void *large_blocks_alloc(struct private_heap *heap, size_t align, size_t size, bool zero)
{
    size_t bytes = size <= PTRDIFF_MAX ? large_bytes(size) : 0;
    if (bytes == 0 || !private_heap_charge(heap, bytes))
        return NULL;
    void *block = large_alloc(&heap->large_account, align, size, zero, false);
    if (block == NULL)
        private_heap_discharge(heap, bytes);
    else
        link_large(heap, span_at(granule_of(block)), size);
    return block;
}

void large_blocks_free(struct private_heap *heap, struct span *span)
{
    private_heap_discharge(heap, span_bytes(span));
    unlink_large(heap, span);
    large_free(&heap->large_account, span);
}

void *large_blocks_resize(struct private_heap *heap, struct span *span, size_t size, bool may_move)
{
    size_t before = span_bytes(span), old = span->size;
    size_t after = size <= PTRDIFF_MAX ? large_bytes(size) : 0;
    if (after == 0 || (after > before && !private_heap_charge(heap, after - before)))
        return NULL;
    unlink_large(heap, span);
    char *block = large_resize(&heap->large_account, span, size, may_move);
    if (block == NULL) {
        link_large(heap, span, old);
        if (after > before)
            private_heap_discharge(heap, after - before);
        return NULL;
    }
    if (after < before)
        private_heap_discharge(heap, before - after);
    link_large(heap, span_at(granule_of(block)), size);
    return block;
}

void large_blocks_release(struct private_heap *heap)
{
    for (uint32_t at = heap->large, next; at != 0; at = next) {
        next = span_at(at)->next;
        large_free(&heap->large_account, span_at(at));
    }
}

/* A link may have been half made: the way forward is whole. */
void large_blocks_repair(struct private_heap *heap)
{
    if (!os_lock_is_held(&heap->large_lock) || os_lock_is_mine(&heap->large_lock))
        return;
    os_lock_reset(&heap->large_lock);
    uint32_t prev = 0;
    for (uint32_t at = heap->large; at != 0; prev = at, at = span_at(at)->next)
        span_at(at)->prev = prev;
    heap->large_last = prev;
}
