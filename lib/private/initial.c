/* SPDX-License-Identifier: MIT */
#include "private/initial.h"

#include "region/region.h"

bool initial_take(struct private_heap *heap, size_t bytes)
{
    bool zero;
    if (bytes <= os_page_size())
        return true; /* the slot itself */
    if (bytes > PTRDIFF_MAX)
        return false;
    struct span *span =
        region_alloc(round_up(bytes, GRANULE_SIZE) >> GRANULE_SHIFT, 1, 0, SPAN_META, &zero);
    if (span == NULL)
        return false;
    private_heap_charge(heap, span_bytes(span));
    atomic_store_explicit(&heap->initial, span_index(span), memory_order_relaxed);
    return true;
}

void initial_give(struct private_heap *heap)
{
    /* relaxed: whoever gets it has read nothing of it */
    uint32_t index = atomic_exchange_explicit(&heap->initial, 0, memory_order_relaxed);
    if (index == 0)
        return;
    private_heap_discharge(heap, span_bytes(span_at(index)));
    region_free(span_at(index));
}
