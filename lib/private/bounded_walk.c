/* SPDX-License-Identifier: MIT */
/* Bounded heaps looked through: block by block, or all of it at once. */
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

/* ---- one by one ----------------------------------------------------------------------------- */

static bool nothing(struct bounded_entry *entry, enum bounded_kind kind)
{
    *entry = (struct bounded_entry){ .kind = kind };
    return false;
}

static bool tell_uncommitted(const struct bounded *heap, struct bounded_entry *entry)
{
    if (heap->frontier == heap->end)
        return nothing(entry, BOUNDED_END);
    *entry = (struct bounded_entry){ .address = block_address(heap, heap->frontier),
                                     .size = (heap->end - heap->frontier) * BOUNDED_UNIT,
                                     .kind = BOUNDED_UNCOMMITTED };
    return true;
}

static bool tell_block(const struct bounded *heap, uint64_t unit, struct bounded_entry *entry)
{
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    if (!fields_are_sound(fields) || !block_fits(heap, unit, units))
        return nothing(entry, BOUNDED_LOST);
    bool busy = fields_state(fields) == 0;
    entry->address = block_address(heap, unit);
    entry->size = units_room(units) - (busy ? fields_slack(fields) : 0);
    entry->overhead = units * BOUNDED_UNIT - entry->size;
    entry->kind = busy ? BOUNDED_BUSY : BOUNDED_FREE;
    return true;
}

bool bounded_walk(const struct bounded *heap, const void *after, struct bounded_entry *entry)
{
    if (after == NULL)
        return tell_block(heap, heap->first, entry);
    uint64_t unit = bounded_unit_of(heap, after);
    if (unit == heap->frontier)
        return nothing(entry, BOUNDED_END);
    uint64_t fields = is_unit(heap, unit) ? block_fields(heap, unit) : 0;
    if (!is_unit(heap, unit) || !fields_are_sound(fields) ||
        !block_fits(heap, unit, fields_units(fields)))
        return nothing(entry, BOUNDED_LOST);
    unit += fields_units(fields);
    return unit == heap->frontier ? tell_uncommitted(heap, entry) : tell_block(heap, unit, entry);
}

struct bounded_extent bounded_extent(const struct bounded *heap)
{
    return (struct bounded_extent){ .records = heap->first * BOUNDED_UNIT,
                                    .committed = heap->frontier * BOUNDED_UNIT,
                                    .reserved = heap->end * BOUNDED_UNIT };
}

/* The blocks of a quick list; at most so many, should it be a circle. */
static uint64_t quick_count(const struct bounded *heap, uint64_t units, uint64_t most)
{
    uint64_t count = 0, word = heap->quick[units];
    for (uint64_t unit; count < most && (unit = quick_unit(heap, word)) != 0; count++)
        word = block_links(heap, unit)->next;
    return count;
}

struct bounded_figures bounded_figures(const struct bounded *heap)
{
    uint64_t quick_blocks = 0;
    for (unsigned units = BOUNDED_LEAST; units < quick_sizes(heap); units++)
        quick_blocks += quick_count(heap, units, heap->blocks - quick_blocks);
    uint64_t in_use = heap->frontier - heap->first - heap->free_units - bounded_quick_units(heap);
    return (struct bounded_figures){
        .reserved = heap->end * BOUNDED_UNIT,
        .committed = (heap->frontier - heap->given_back) * BOUNDED_UNIT,
        .reached = heap->reached * BOUNDED_UNIT,
        .blocks = heap->blocks - quick_blocks,
        .block_bytes = in_use * BOUNDED_UNIT,
    };
}

/* ---- all of it ------------------------------------------------------------------------------ */

static bool count_range(const struct bounded *heap, uint64_t unit, uint64_t fields,
                        struct bounded_census *census)
{
    if ((fields & BOUNDED_SLACK) != BOUNDED_PURGED)
        return (fields & BOUNDED_SLACK) == 0;
    struct bounded_range range = *block_range(heap, unit);
    struct bounded_range pages = bounded_whole_pages(unit, fields_units(fields));
    census->given_back += range_units(range);
    return range.start >= pages.start && range.end <= pages.end && range.start < range.end;
}

static unsigned census_sizes(const struct bounded *heap)
{
    return BOUNDED_JOURNALED ? BOUNDED_CACHED : quick_sizes(heap);
}

static bool count_block(const struct bounded *heap, uint64_t unit, uint64_t fields,
                        struct bounded_census *census)
{
    uint64_t units = fields_units(fields);
    uint64_t rest = fields & BOUNDED_SLACK;
    if (fields_state(fields) == BOUNDED_STATE_FREE) {
        census->free_blocks++;
        census->free_units += units;
        return count_range(heap, unit, fields, census) && index_free_block(heap, unit) == units;
    }
    census->blocks++;
    if (fields_state(fields) == 0)
        return fields_slack(fields) <= units_room(units);
    if (fields_state(fields) != BOUNDED_STATE_QUICK || units >= census_sizes(heap) || rest != 0)
        return false;
    census->quick_blocks++;
    census->quick_units += units;
    census->quick_places += unit;
    return true;
}

static bool take_census(const struct bounded *heap, struct bounded_census *census)
{
    uint64_t previous = 0;
    for (uint64_t unit = heap->first; unit != heap->frontier;) {
        uint64_t fields = block_fields(heap, unit);
        bool is_free = fields_state(fields) == BOUNDED_STATE_FREE;
        if (!fields_are_sound(fields) || !block_fits(heap, unit, fields_units(fields)) ||
            (fields & BOUNDED_PREVIOUS_FREE) != previous || (is_free && previous != 0) ||
            !count_block(heap, unit, fields, census))
            return false;
        previous = is_free ? BOUNDED_PREVIOUS_FREE : 0;
        unit += fields_units(fields);
    }
    return block_fields(heap, heap->frontier) == previous; /* the end mark */
}

/* Takes what the list holds off the census. */
static bool quick_list_is_sound(const struct bounded *heap, uint64_t units,
                                struct bounded_census *census)
{
    uint64_t word = heap->quick[units];
    for (uint64_t unit; (unit = quick_unit(heap, word)) != 0;) {
        if (!is_unit(heap, unit) || census->quick_blocks-- == 0 ||
            (block_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE) != fields_quick(units))
            return false;
        census->quick_places -= unit;
        word = block_links(heap, unit)->next; /* another one: written to since it was freed */
    }
    return word == quick_end(heap);
}

static bool quick_lists_are_sound(const struct bounded *heap, struct bounded_census *census)
{
#if BOUNDED_JOURNALED
    if (!bounded_caches_are_sound(heap, census))
        return false;
#endif
    if (census->quick_units != bounded_quick_units(heap))
        return false;
    for (unsigned units = 0; units < quick_sizes(heap); units++)
        if (!quick_list_is_sound(heap, units, census))
            return false;
    return census->quick_blocks == 0 && census->quick_places == 0;
}

/* Each block of the list belongs there; *left counts free blocks down, so a circle comes to an
 * end. */
static bool free_list_is_sound(const struct bounded *heap, unsigned list, uint64_t *left)
{
    bool in_use = heap->sublists[list / BOUNDED_SUBLISTS] >> list % BOUNDED_SUBLISTS & 1;
    if (in_use != (index_lists(heap)[list] != no_block(heap)))
        return false;
    for (uint64_t unit = index_lists(heap)[list]; unit != no_block(heap);
         unit = index_next(heap, list, unit)) {
        uint64_t units = index_free_block(heap, unit);
        if (units == 0 || index_list(units) != list || *left == 0)
            return false;
        --*left;
    }
    return true;
}

static bool free_lists_are_sound(const struct bounded *heap, uint64_t free_blocks)
{
    for (unsigned list = 0; list < heap->levels * (unsigned)BOUNDED_SUBLISTS; list++)
        if (!free_list_is_sound(heap, list, &free_blocks))
            return false;
    for (unsigned level = 0; level < heap->levels; level++)
        if ((heap->level_bits >> level & 1) != (heap->sublists[level] != 0))
            return false;
    return free_blocks == 0;
}

bool bounded_validate(const struct bounded *heap)
{
    struct bounded_census census = { 0 };
    return !heap->damaged && take_census(heap, &census) && census.blocks == heap->blocks &&
           census.free_units == heap->free_units && census.given_back == heap->given_back &&
           quick_lists_are_sound(heap, &census) && free_lists_are_sound(heap, census.free_blocks);
}
