/* SPDX-License-Identifier: MIT */
/* Blocks of bounded heaps are found and cut. */
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

enum {
    REFILL = 7,          /* blocks that are cut together with one that a quick list lacked */
    REFILL_UNITS = 17,   /* the largest such blocks */
    REFILL_PART = 8,     /* and with that one they are at most this part of a free block, ... */
    REFILL_SHARE = 1024, /* ... and they this part of the heap */
};

/* Where a gap is left, or nothing is. Answers how many units the block gets. */
static uint64_t carve_oddly(struct bounded *heap, uint64_t unit, uint64_t fields, uint64_t gap,
                            uint64_t units)
{
    uint64_t end = unit + fields_units(fields), rest = end - unit - gap - units;
    struct bounded_range range = bounded_take_off(heap, unit, fields);
    if (gap != 0)
        bounded_make_free(heap, unit, gap, range);
    else
        set_links(heap, unit, (struct bounded_links){ 0 });
    if (rest >= BOUNDED_LEAST) {
        bounded_make_free(heap, end - rest, rest, range);
        return units;
    }
    flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
    set_foot(heap, end, 0);
    return units + rest;
}

/* Takes `units` units out of the sound free block at `unit`, `gap` units after its start, and makes
 * them a block in use of `size` bytes. True when all its bytes are zero. */
ALWAYS_INLINE bool carve(struct bounded *heap, uint64_t unit, uint64_t gap, uint64_t units,
                         size_t size)
{
    uint64_t fields = block_fields(heap, unit);
    if (likely(gap == 0 && fields_units(fields) - units >= BOUNDED_LEAST))
        bounded_move_start(heap, unit, fields, unit + units);
    else
        units = carve_oddly(heap, unit, fields, gap, units);
    unit += gap;
    set_block(heap, unit, fields_in_use(units, size) | (gap != 0 ? BOUNDED_PREVIOUS_FREE : 0));
    bool zero = unit >= heap->fresh;
    if (unit + units > heap->fresh)
        heap->fresh = unit + units;
    return zero;
}

/* From a quick list, or NULL. Blocks of up to 8 bytes take two units as those of 9 do, and only
 * their slack is larger. */
static void *pop_size(struct bounded *heap, size_t size)
{
    if (size > 8)
        return bounded_quick_pop(heap, size);
    bounded_word *block = bounded_quick_pop(heap, 9);
    if (block != NULL)
        block[-1] ^=
            bounded_stored(fields_in_use(BOUNDED_LEAST, size) ^ fields_in_use(BOUNDED_LEAST, 9));
    return block;
}

/* The same; a list that the program has written into ends where it is found. */
static void *pop(struct bounded *heap, size_t size)
{
    void *block = pop_size(heap, size);
    uint64_t units = units_for(size);
    if (block == NULL && units < quick_sizes(heap) && heap->quick[units] != quick_end(heap)) {
        heap->quick[units] = quick_end(heap);
        heap->damaged = true;
    }
    return block;
}

ALWAYS_INLINE uint64_t find(const struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    return likely(align <= BOUNDED_UNIT) ? index_find(heap, units)
                                         : index_find_aligned(heap, units, align, gap);
}

/* The last block, made long enough. */
static uint64_t grow(struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    uint64_t unit = bounded_grow(heap, units + index_padding(align));
    if (unit == 0 && align > BOUNDED_UNIT)
        unit = bounded_grow(heap, units); /* the padding may not be needed */
    return unit != 0 && index_fits(heap, unit, units, align, gap) ? unit : 0;
}

/* Rather more memory than that quick lists are taken apart, which would have to fill again: there
 * is not much in them. Those of the largest blocks come first, and no more than it takes. */
static NOINLINE uint64_t find_with_effort(struct bounded *heap, uint64_t units, size_t align,
                                          uint64_t *gap)
{
    uint64_t unit = grow(heap, units, align, gap);
    if (unit != 0 || bounded_quick_units(heap) == 0)
        return unit;
    unsigned flushed = quick_sizes(heap);
    while (unit == 0 && (flushed = bounded_flush_below(heap, flushed)) != 0)
        unit = find(heap, units, align, gap);
    return unit != 0 ? unit : grow(heap, units, align, gap);
}

/* How many blocks of a small size to cut beside the one that is wanted. */
static uint64_t refill_for(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    if (units > REFILL_UNITS || units >= quick_sizes(heap))
        return 0;
    uint64_t share = heap->end / REFILL_SHARE / units, blocks = share < REFILL ? share : REFILL;
    uint64_t all = fields_units(block_fields(heap, unit)), run = units * (blocks + 1);
    return run <= all / REFILL_PART && run <= heap->quick_room ? blocks : 0;
}

/* The `blocks` blocks behind the one at `unit` go to their quick list, so that those nearest are
 * used first. */
static void refill(struct bounded *heap, uint64_t unit, uint64_t units, uint64_t blocks)
{
    ASSERT(heap->quick[units] == quick_end(heap));
    for (uint64_t i = blocks; i != 0; i--) {
        set_block(heap, unit + i * units, fields_quick(units));
        block_links(heap, unit + i * units)->next = heap->quick[units];
        heap->quick[units] = bounded_mask(heap, unit + i * units);
    }
    heap->quick_room -= units * blocks;
    heap->blocks += blocks;
}

static bool cut(struct bounded *heap, uint64_t unit, uint64_t units, size_t size)
{
    uint64_t blocks = refill_for(heap, unit, units);
    if (blocks == 0)
        return carve(heap, unit, 0, units, size);
    bool zero = carve(heap, unit, 0, units * (blocks + 1), size);
    set_block(heap, unit, fields_in_use(units, size));
    refill(heap, unit, units, blocks);
    return zero;
}

void *bounded_alloc_slow(struct bounded *heap, size_t size, size_t align, bool *zero)
{
    ASSERT(is_power_of_two(align));
    size_t most = (heap->end - heap->first) * BOUNDED_UNIT - 8;
    if (size > most || align > most)
        return NULL;
    if (zero != NULL)
        *zero = false;
    void *quick = align <= BOUNDED_UNIT ? pop(heap, size) : NULL;
    if (quick != NULL)
        return quick;
    uint64_t units = units_for(size), gap = 0;
    uint64_t unit = find(heap, units, align, &gap);
    if (unlikely(unit == 0) && (unit = find_with_effort(heap, units, align, &gap)) == 0)
        return NULL;
    if (unlikely(!bounded_back(heap, unit + gap, units)))
        return NULL;
    bool is_zero =
        align <= BOUNDED_UNIT ? cut(heap, unit, units, size) : carve(heap, unit, gap, units, size);
    heap->blocks++;
    if (heap->free_units < heap->low)
        heap->low = heap->free_units;
    if (zero != NULL)
        *zero = is_zero;
    return block_address(heap, unit + gap);
}
