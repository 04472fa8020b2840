/* SPDX-License-Identifier: MIT */
/* Memory of bounded heaps goes back: whole pages inside free blocks, which stay committed in all
 * but fact. Blocks of less than two pages are not looked at. */
#include "os/vm.h"
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

uint64_t bounded_whole_pages(uint64_t unit, uint64_t units, uint64_t *start)
{
    uint64_t page = os_page_size() / BOUNDED_UNIT;
    uint64_t from = round_up(unit + 1, page), to = (unit + units - 1) & ~(page - 1);
    if (start != NULL)
        *start = from;
    return to > from ? to - from : 0;
}

static void purge(struct bounded *heap, uint64_t unit, uint64_t units)
{
    uint64_t start, pages = bounded_whole_pages(unit, units, &start);
    if (pages == 0 || block_fields(heap, unit) & BOUNDED_PURGED)
        return;
    if (!os_purge(block_address(heap, start), pages * BOUNDED_UNIT))
        return;
    flip_block(heap, unit, BOUNDED_PURGED);
    heap->given_back += pages;
}

/* Purges the blocks of a list, and answers the size of the largest. There are fewer than `most`: a
 * damaged list may be a circle. */
static uint64_t purge_list(struct bounded *heap, uint64_t unit, uint64_t most)
{
    uint64_t largest = 0, units;
    while (most-- != 0 && (units = index_free_block(heap, unit)) != 0) {
        purge(heap, unit, units);
        largest = units > largest ? units : largest;
        unit = block_links(heap, unit)->next;
    }
    return largest;
}

/* A free last block ends where the heap did at first, or in the page where it starts. What is
 * behind stays accessible, and is counted as not committed: it holds no memory. */
static void retreat(struct bounded *heap)
{
    uint64_t page = os_page_size() / BOUNDED_UNIT, units = bounded_free_at_frontier(heap);
    if (units == 0 || units == UINT64_MAX)
        return;
    uint64_t unit = heap->frontier - units;
    uint64_t frontier = round_up(unit + BOUNDED_LEAST, page);
    frontier = frontier < heap->initial ? heap->initial : frontier;
    if (frontier >= heap->frontier ||
        !os_purge(block_address(heap, frontier), (heap->frontier - frontier) * BOUNDED_UNIT))
        return;
    bounded_take_off(heap, unit, block_fields(heap, unit));
    bounded_set_frontier(heap, frontier);
    flip_block(heap, frontier, BOUNDED_PREVIOUS_FREE);
    bounded_make_free(heap, unit, frontier - unit, 0);
    heap->fresh = heap->fresh < frontier ? heap->fresh : frontier;
}

size_t bounded_compact(struct bounded *heap)
{
    bounded_flush(heap);
    retreat(heap);
    unsigned least = index_list(os_page_size() / BOUNDED_UNIT);
    uint64_t largest = 0;
    for (unsigned list = heap->levels * BOUNDED_SUBLISTS; list-- != 0;) {
        if (largest != 0 && list < least)
            break;
        uint64_t found = purge_list(heap, index_lists(heap)[list], heap->free_units);
        largest = found > largest ? found : largest;
    }
    return largest == 0 ? 0 : units_room(largest);
}
