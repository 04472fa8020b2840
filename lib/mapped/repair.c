/* SPDX-License-Identifier: MIT */
/* repair.c: lists and counts are made anew from what the blocks' headers say.
 *
 * A header is XORed with a mask of its place and carries 19 bits of zeros, so that where the chain of
 * blocks is broken, the next block in use is found by looking at each unit: a header in use whose end
 * is another header. What lies between becomes free. */
#include "mapped/mapped.h"

#include "os/shared_file.h"

#include <string.h>

static bool is_end(const struct bounded *heap, uint64_t unit)
{
    return unit == heap->frontier || (unit != heap->frontier - 1 && is_unit(heap, unit) &&
                                      fields_are_sound(block_fields(heap, unit)));
}

/* The units of the block in use there, or 0. */
static uint64_t in_use(const struct bounded *heap, uint64_t unit)
{
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    bool sound = fields_are_in_use(fields) && block_fits(heap, unit, units) &&
                 fields_slack(fields) <= units_room(units);
    return sound && is_end(heap, unit + units) ? units : 0;
}

/* The units of a block that is not in use, but can be passed over as one; or 0. */
static uint64_t not_in_use(const struct bounded *heap, uint64_t unit)
{
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    return fields_are_sound(fields) && block_fits(heap, unit, units) && is_end(heap, unit + units)
               ? units
               : 0;
}

struct gap {
    uint64_t start; /* 0: none is open */
    uint64_t broken;
};

static void end_gap(struct bounded *heap, struct gap *gap, uint64_t end)
{
    ASSERT(gap->start <= end);
    if (gap->start == 0)
        return;
    bounded_make_free(heap, gap->start, end - gap->start, BOUNDED_NO_RANGE);
    gap->start = 0;
}

static void keep(struct bounded *heap, uint64_t unit, bool after_gap)
{
    ASSERT(bounded_journal(heap)->active == 1);
    uint64_t fields = block_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE;
    set_block(heap, unit, fields | (after_gap ? BOUNDED_PREVIOUS_FREE : 0));
    heap->blocks++;
}

/* One block or unit further; lists are empty to begin with. */
static uint64_t step(struct bounded *heap, uint64_t unit, struct gap *gap)
{
    ASSERT(unit >= heap->first && unit < heap->frontier);
    uint64_t units = in_use(heap, unit);
    bounded_journal(heap)->count = 0; /* nothing is to be undone: a repair begins again */
    if (units != 0 && unit - gap->start >= BOUNDED_LEAST) {
        keep(heap, unit, gap->start != 0);
        end_gap(heap, gap, unit);
        return units;
    }
    if (gap->start == 0)
        gap->start = unit;
    units = not_in_use(heap, unit);
    gap->broken += units == 0;
    return units != 0 ? units : 1;
}

static void forget_lists(struct bounded *heap)
{
    for (unsigned list = 0; list < heap->levels * (unsigned)BOUNDED_SUBLISTS; list++)
        index_lists(heap)[list] = no_block(heap);
    memset(heap->sublists, 0, sizeof heap->sublists);
    heap->level_bits = heap->blocks = heap->free_units = heap->given_back = 0;
    heap->low = heap->freed = heap->missed = 0;
    heap->damaged = false;
    heap->fresh = heap->frontier;
}

static void forget_caches(struct mapped *mapped)
{
    memset(mapped->base + MAPPED_CACHES, 0, (size_t)MAPPED_CACHE_COUNT * MAPPED_CACHE_BYTES);
    mapped->state->pending = 0;
    mapped->state->damaged = 0;
}

/* What is in use ends before the last unit, which a gap of one could not be made of. */
static uint64_t walk(struct bounded *heap)
{
    struct gap gap = { 0 };
    for (uint64_t unit = heap->first; unit < heap->frontier;)
        unit += step(heap, unit, &gap);
    bounded_journal(heap)->count = 0;
    set_block(heap, heap->frontier, gap.start != 0 ? BOUNDED_PREVIOUS_FREE : 0);
    end_gap(heap, &gap, heap->frontier);
    return gap.broken;
}

static void restore_places(struct mapped *mapped)
{
    const struct mapped_identity *identity = (const struct mapped_identity *)mapped->base;
    uint64_t size = 0;
    shared_file_size(mapped->fd, &size);
    bounded_restore_places(mapped->heap, identity->maximum, size - mapped->start - MAPPED_HEAD,
                           identity->key, identity->salt);
}

uint64_t mapped_rebuild(struct mapped *mapped)
{
    ASSERT(mapped->serial == 0);
    struct bounded *heap = mapped->heap;
    forget_caches(mapped);
    restore_places(mapped);
    forget_lists(heap);
    bounded_journal(heap)->active = 0;
    bounded_journal_begin(heap); /* the engine's functions note what they do */
    uint64_t broken = walk(heap);
    bounded_journal_end(heap);
    return broken;
}

/* As a new heap's, but that nothing is known to be zero. */
void mapped_remove_all(struct mapped *mapped)
{
    ASSERT(mapped_is_held(mapped));
    struct bounded *heap = mapped->heap;
    memset(mapped->base + MAPPED_ROOTS, 0, MAPPED_ROOT_COUNT * sizeof(struct mapped_root));
    forget_lists(heap);
    bounded_journal_begin(heap);
    bounded_make_free(heap, heap->first, heap->frontier - heap->first, BOUNDED_NO_RANGE);
    set_block(heap, heap->frontier, BOUNDED_PREVIOUS_FREE);
    bounded_journal_end(heap);
}
