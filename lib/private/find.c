/* SPDX-License-Identifier: MIT */
/* What an address is. A granule's descriptor leads to the span and a span to its heap, without a
 * lock: what is said of a block is true as long as nobody frees it meanwhile. Bounded heaps are
 * searched by address. */
#include "private/find.h"

#include "private/bounded.h"
#include "private/lock.h"
#include "private/slots.h"

struct span *private_span_of(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    struct span *span = span_at(granule);
    if (span_kind_elsewhere(span) == SPAN_NONE) {
        uint32_t head = span_get(&span->head);
        if (head == 0 || head > granule || granule - head >= span_at(head)->granules)
            return NULL;
        span = span_at(head);
        return span_kind_elsewhere(span) == SPAN_POOL ? span : NULL;
    }
    if (span_kind(span) == SPAN_LARGE)
        return span->heap != NULL && span_start(span) == address ? span : NULL;
    return span_kind(span) == SPAN_POOL ? span : NULL;
}

size_t private_bounded_size(struct private_heap *heap, const void *address)
{
    ASSERT(heap->bounded != NULL);
    return heap->kind == HEAP_MAPPED ? heap->backend->size(heap, address)
                                     : bounded_block_size(heap->bounded, address);
}

size_t private_size(struct private_heap *heap, const void *address)
{
    if (heap->bounded != NULL) {
        struct entry entry = private_enter(heap, 0);
        size_t size = private_bounded_size(heap, address);
        private_leave(heap, entry);
        return size;
    }
    const struct span *span = find_in(heap, address);
    return span != NULL ? size_in_span(span, address) : PRIVATE_NO_BLOCK;
}

bool private_has(struct private_heap *heap, const void *address)
{
    return heap->bounded != NULL ? bounded_contains(heap->bounded, address) &&
                                       private_size(heap, address) != PRIVATE_NO_BLOCK
                                 : find_in(heap, address) != NULL;
}

struct private_heap *private_owner(const void *address)
{
    struct private_heap *heap;
    size_t granule = granule_of(address);
    if (find_any(address, &heap) != NULL)
        return heap;
    if (granule_is_ours(granule) && span_kind(span_at(granule)) == SPAN_LARGE)
        return NULL; /* malloc's */
    heap = slot_find_around(address);
    return heap != NULL && private_size(heap, address) != PRIVATE_NO_BLOCK ? heap : NULL;
}
