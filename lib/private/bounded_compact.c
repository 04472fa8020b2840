/* SPDX-License-Identifier: MIT */
/* Memory of bounded heaps goes back: whole pages inside free blocks, which stay committed in all
 * but fact. */
#include "os/vm.h"
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

enum {
    LEAST_SURPLUS = (1 << 20) / BOUNDED_UNIT, /* less is not worth a call of the system */
    SURPLUS_PART = 8,
};

struct bounded_range bounded_whole_pages(uint64_t unit, uint64_t units)
{
    uint64_t page = os_page_size() / BOUNDED_UNIT; /* a heap starts at a page */
    return (struct bounded_range){ .start = round_up(unit + BOUNDED_FREE_HEAD, page),
                                   .end = (unit + units - 1) & ~(page - 1) };
}

/* Gives back the pages of a free block, if they are at most *room, which becomes less by them. */
static void purge(struct bounded *heap, uint64_t unit, uint64_t fields, uint64_t *room)
{
    struct bounded_range *range = block_range(heap, unit);
    struct bounded_range pages = bounded_whole_pages(unit, fields_units(fields));
    uint64_t gone = fields & BOUNDED_PURGED ? range_units(*range) : 0;
    uint64_t more = range_units(pages) - gone;
    if (more == 0 || more > *room)
        return;
    if (!os_discard(block_address(heap, pages.start), range_units(pages) * BOUNDED_UNIT))
        return;
    if (gone == 0)
        flip_block(heap, unit, BOUNDED_PURGED);
    *range = pages;
    heap->given_back += more;
    *room -= more;
}

/* The same for the blocks of a list, and answers the size of the largest. */
static uint64_t purge_list(struct bounded *heap, unsigned list, uint64_t *room)
{
    uint64_t most = heap->free_units; /* not as many blocks: a damaged list may be a circle */
    uint64_t unit = index_lists(heap)[list], fields, largest = 0;
    while (most-- != 0 && (fields = index_free_fields(heap, unit)) != 0) {
        purge(heap, unit, fields, room);
        largest = fields_units(fields) > largest ? fields_units(fields) : largest;
        unit = index_next(heap, list, unit);
    }
    return largest;
}

/* The same for the whole heap, large blocks first. */
static uint64_t purge_lists(struct bounded *heap, uint64_t room)
{
    unsigned least = index_list(os_page_size() / BOUNDED_UNIT); /* none below has a page */
    unsigned list = heap->levels * (unsigned)BOUNDED_SUBLISTS;
    uint64_t largest = 0;
    while (list-- != 0 && (list >= least || largest == 0)) {
        uint64_t found = purge_list(heap, list, &room);
        largest = found > largest ? found : largest;
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
    uint64_t frontier = round_up(unit + BOUNDED_FREE_HEAD, page);
    frontier = frontier < heap->initial ? heap->initial : frontier;
    if (frontier >= heap->frontier ||
        !os_purge(block_address(heap, frontier), (heap->frontier - frontier) * BOUNDED_UNIT))
        return;
    struct bounded_range range = bounded_take_off(heap, unit, block_fields(heap, unit));
    bounded_set_frontier(heap, frontier);
    flip_block(heap, frontier, BOUNDED_PREVIOUS_FREE);
    bounded_make_free(heap, unit, frontier - unit, range);
    heap->fresh = heap->fresh < frontier ? heap->fresh : frontier;
}

size_t bounded_compact(struct bounded *heap)
{
    bounded_flush(heap);
    retreat(heap);
    uint64_t largest = purge_lists(heap, UINT64_MAX);
    return largest == 0 ? 0 : units_room(largest);
}

/* What is used and freed in turn was not free all the while, so that it stays. A block goes whole
 * or not at all; a fifth of it may have been in use. */
void bounded_trim(struct bounded *heap)
{
    uint64_t surplus = heap->low > heap->given_back ? heap->low - heap->given_back : 0;
    heap->low = heap->free_units;
    heap->freed = 0;
    if (surplus >= LEAST_SURPLUS && surplus >= heap->frontier / SURPLUS_PART)
        purge_lists(heap, surplus + surplus / 4);
}
