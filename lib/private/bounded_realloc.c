/* SPDX-License-Identifier: MIT */
/* Blocks of bounded heaps change size: in place where the room behind allows, else by a move; where
 * there is no room for a second block, by sliding down into the room before. */
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

/* What may become of a block in use, as far as the end of the free block behind it. */
struct extent {
    uint64_t end;
    struct bounded_range range; /* what of that block is given back */
};

/* The block in use becomes [unit, unit+units) of [unit, extent.end), whose rest becomes free. What
 * follows there believes, for the moment, that the block before it is in use. */
static void resize_within(struct bounded *heap, uint64_t unit, uint64_t units, struct extent extent,
                          size_t size)
{
    uint64_t end = extent.end;
    uint64_t rest = end - unit - units;
    uint64_t previous = block_fields(heap, unit) & BOUNDED_PREVIOUS_FREE;
    if (rest < BOUNDED_LEAST) {
        units += rest;
    } else {
        bounded_make_free(heap, unit + units, rest, extent.range);
        flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
    }
    set_block(heap, unit, fields_in_use(units, size) | previous);
    if (unit + units > heap->fresh)
        heap->fresh = unit + units;
}

/* Takes the free block at extent->end, if there is one, into the extent. False: it is damaged. */
static bool take_following(struct bounded *heap, struct extent *extent)
{
    uint64_t next = block_fields(heap, extent->end);
    if (!fields_are_sound(next) || next & BOUNDED_PREVIOUS_FREE)
        return false;
    if (fields_state(next) != BOUNDED_STATE_FREE)
        return true;
    next = index_free_fields(heap, extent->end);
    if (next == 0)
        return false;
    extent->range = bounded_take_off(heap, extent->end, next);
    /* the resized block may end before these words, and what is behind `fresh` must read as zero */
    clear_header(heap, extent->end);
    set_links(heap, extent->end, (struct bounded_links){ 0 });
    extent->end += fields_units(next);
    flip_block(heap, extent->end, BOUNDED_PREVIOUS_FREE);
    return true;
}

/* How many units the block at `unit` could have without moving; commits what it lacks. */
static uint64_t room_in_place(struct bounded *heap, uint64_t unit, uint64_t units, uint64_t wanted)
{
    uint64_t end = unit + units, after = index_free_block(heap, end);
    if (units + after < wanted && end + after == heap->frontier &&
        bounded_grow(heap, wanted - units) != 0)
        after = index_free_block(heap, end);
    return units + after;
}

static bool resize_in_place(struct bounded *heap, uint64_t unit, uint64_t units, uint64_t wanted,
                            size_t size)
{
    if (room_in_place(heap, unit, units, wanted) < wanted)
        return false;
    struct extent extent = { .end = unit + units };
    if (!bounded_back(heap, unit, wanted) || !take_following(heap, &extent))
        return false;
    resize_within(heap, unit, wanted, extent, size);
    return true;
}

static void *move(struct bounded *heap, void *block, size_t old_size, size_t size)
{
    void *moved = bounded_alloc(heap, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, old_size < size ? old_size : size);
    if (likely(bounded_free(heap, block)))
        return moved;
    bounded_free(heap, moved); /* a damaged neighbour: all stays as it was */
    return NULL;
}

static void *slide_down(struct bounded *heap, uint64_t unit, uint64_t fields, size_t size)
{
    uint64_t units = fields_units(fields), wanted = units_for(size);
    if (BOUNDED_JOURNALED || !(fields & BOUNDED_PREVIOUS_FREE)) /* the move can't be undone */
        return NULL;
    uint64_t before = *foot_before(heap, unit), after = index_free_block(heap, unit + units);
    if (before > unit || index_free_block(heap, unit - before) != before ||
        before + units + after < wanted)
        return NULL;
    struct extent extent = { .end = unit + units };
    if (!take_following(heap, &extent))
        return NULL;
    bounded_take_off(heap, unit - before, block_fields(heap, unit - before));
    size_t old_size = units_room(units) - fields_slack(fields);
    clear_header(heap, unit);
    memmove(block_address(heap, unit - before), block_address(heap, unit), old_size);
    set_block(heap, unit - before, 0);
    resize_within(heap, unit - before, wanted, extent, size);
    return block_address(heap, unit - before);
}

void *bounded_realloc(struct bounded *heap, void *block, size_t size, bool in_place_only)
{
    uint64_t fields = bounded_block_in_use(heap, block);
    if (fields == 0 || size >= heap->end * BOUNDED_UNIT)
        return NULL;
    uint64_t unit = bounded_unit_of(heap, block), units = fields_units(fields);
    uint64_t wanted = units_for(size);
    if (wanted == units) {
        uint64_t previous = fields & BOUNDED_PREVIOUS_FREE;
        set_block(heap, unit, fields_in_use(units, size) | previous);
        return block;
    }
    if (resize_in_place(heap, unit, units, wanted, size))
        return block;
    if (!in_place_only) {
        void *moved = move(heap, block, units_room(units) - fields_slack(fields), size);
        if (moved != NULL)
            return moved;
    }
    bounded_flush(heap); /* a neighbour may have been in a quick list */
    if (resize_in_place(heap, unit, units, wanted, size))
        return block;
    return in_place_only ? NULL : slide_down(heap, unit, block_fields(heap, unit), size);
}
