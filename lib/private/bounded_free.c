/* SPDX-License-Identifier: MIT */
/* Blocks of bounded heaps become free, and are joined with their neighbours. */
#include "os/vm.h"
#include "private/bounded.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

enum { MISSES = 4 };

void bounded_make_free(struct bounded *heap, uint64_t unit, uint64_t units,
                       struct bounded_range range)
{
    uint64_t fields = fields_free(units);
    if (unlikely(range_units(range) != 0)) {
        range = range_common(range, bounded_whole_pages(unit, units));
        if (range_units(range) != 0) {
            fields |= BOUNDED_PURGED;
            *block_range(heap, unit) = range;
            heap->given_back += range_units(range);
        }
    }
    set_block(heap, unit, fields);
    set_foot(heap, unit + units, units);
    index_insert(heap, unit, units);
}

struct bounded_range bounded_take_off(struct bounded *heap, uint64_t unit, uint64_t fields)
{
    index_remove(heap, unit, fields_units(fields));
    if (likely(!(fields & BOUNDED_PURGED)))
        return BOUNDED_NO_RANGE;
    struct bounded_range pages = bounded_whole_pages(unit, fields_units(fields));
    struct bounded_range range = range_common(*block_range(heap, unit), pages);
    *block_range(heap, unit) = BOUNDED_NO_RANGE;
    heap->given_back -= range_units(range);
    return range;
}

/* What is joined to a block before it loses its header and links: memory behind `fresh` must read
 * as zero. */
ALWAYS_INLINE void wipe(struct bounded *heap, uint64_t unit)
{
    clear_header(heap, unit);
    set_links(heap, unit, (struct bounded_links){ 0 });
}

void bounded_move_start(struct bounded *heap, uint64_t from, uint64_t fields, uint64_t to)
{
    uint64_t units = fields_units(fields), new_units = from + units - to;
    if (!index_stays(units, new_units) || unlikely(fields & BOUNDED_PURGED)) {
        struct bounded_range range = bounded_take_off(heap, from, fields);
        wipe(heap, from);
        bounded_make_free(heap, to, new_units, range);
        return;
    }
    index_replace(heap, from, units, to, new_units);
    wipe(heap, from);
    set_block(heap, to, fields_free(new_units));
    set_foot(heap, to + new_units, new_units);
}

/* The sound free block at `unit`, of these fields, gets that many units. */
ALWAYS_INLINE void lengthen(struct bounded *heap, uint64_t unit, uint64_t fields, uint64_t units,
                            struct bounded_range range)
{
    if (!index_stays(fields_units(fields), units) || unlikely(fields & BOUNDED_PURGED) ||
        unlikely(range_units(range) != 0)) {
        struct bounded_range own = bounded_take_off(heap, unit, fields);
        bool other = range_units(range) > range_units(own);
        bounded_make_free(heap, unit, units, other ? range : own);
        return;
    }
    index_replace(heap, unit, fields_units(fields), unit, units);
    set_block(heap, unit, fields_free(units));
    set_foot(heap, unit + units, units);
}

/* Joins [unit, end) with the free block before it, and with what `after` says is free behind. */
static bool join_before(struct bounded *heap, uint64_t unit, uint64_t end, uint64_t after)
{
    uint64_t before = *foot_before(heap, unit), start = unit - before;
    uint64_t fields = before > unit ? 0 : index_check(heap, start);
    if (fields == 0 || fields_units(fields) != before)
        return false;
    struct bounded_range range = BOUNDED_NO_RANGE;
    if (after != 0) {
        range = bounded_take_off(heap, end, after);
        wipe(heap, end);
        end += fields_units(after);
    } else {
        flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
    }
    set_foot(heap, unit, 0);
    clear_header(heap, unit);
    lengthen(heap, start, fields, end - start, range);
    return true;
}

/* [unit, unit+units) becomes free; fields are its own and those of what follows. */
ALWAYS_INLINE bool release(struct bounded *heap, uint64_t unit, uint64_t fields, uint64_t next)
{
    uint64_t end = unit + fields_units(fields), after = 0;
    if (unlikely(next & BOUNDED_PREVIOUS_FREE))
        return false;
    if (fields_state(next) == BOUNDED_STATE_FREE && (after = index_check(heap, end)) == 0)
        return false;
    if (fields & BOUNDED_PREVIOUS_FREE)
        return join_before(heap, unit, end, after);
    if (after != 0) {
        bounded_move_start(heap, end, after, unit);
    } else {
        flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
        bounded_make_free(heap, unit, fields_units(fields), BOUNDED_NO_RANGE);
    }
    return true;
}

bool bounded_release(struct bounded *heap, uint64_t unit)
{
    uint64_t fields = block_fields(heap, unit);
    uint64_t next = block_fields(heap, unit + fields_units(fields));
    return fields_are_sound(next) && release(heap, unit, fields, next);
}

/* ---- quick lists ---------------------------------------------------------------------------- */

static void flush_list(struct bounded *heap, uint64_t *list, uint64_t units)
{
    for (uint64_t unit; (unit = quick_unit(heap, *list)) != 0;) {
        uint64_t fields = block_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE;
        *list = block_links(heap, unit)->next;
        block_links(heap, unit)->next = 0; /* so that no circle is endless */
        heap->quick_room += units;
        heap->blocks--;
        if (fields != fields_quick(units) || !bounded_release(heap, unit))
            heap->damaged = true;
    }
    if (*list != quick_end(heap))
        heap->damaged = true;
    *list = quick_end(heap);
}

unsigned bounded_flush_below(struct bounded *heap, unsigned units)
{
    while (units-- > BOUNDED_LEAST)
        if (heap->quick[units] != quick_end(heap)) {
            flush_list(heap, &heap->quick[units], units);
            return units;
        }
    heap->missed = 0;
    return 0;
}

void bounded_flush(struct bounded *heap)
{
    for (unsigned units = quick_sizes(heap); units != 0;)
        units = bounded_flush_below(heap, units);
}

/* ---- blocks in use -------------------------------------------------------------------------- */

/* The fields of the block in use there, as its own header says; 0: none. The header is read once: in
 * a journaled heap others may be changing the bit for the block before. */
ALWAYS_INLINE uint64_t own_fields(const struct bounded *heap, uint64_t unit)
{
    if (!is_unit(heap, unit))
        return 0;
    uint64_t header = __atomic_load_n(block_header(heap, unit), __ATOMIC_RELAXED);
    uint64_t fields = bounded_fields(heap, unit, header);
    return fields_are_in_use(fields) && block_fits(heap, unit, fields_units(fields)) ? fields : 0;
}

/* The same, and the fields of what follows. */
ALWAYS_INLINE uint64_t in_use(const struct bounded *heap, uint64_t unit, uint64_t *next)
{
    uint64_t fields = own_fields(heap, unit);
    if (fields == 0)
        return 0;
    *next = block_fields(heap, unit + fields_units(fields));
    return fields_are_sound(*next) ? fields : 0;
}

uint64_t bounded_block_in_use(const struct bounded *heap, const void *address)
{
    uint64_t next;
    return in_use(heap, bounded_unit_of(heap, address), &next);
}

bool bounded_is_block(const struct bounded *heap, const void *address)
{
    return bounded_block_in_use(heap, address) != 0;
}

/* In a journaled heap without the lock, beside others' changes: only the block's owner changes what
 * its header says, but what follows may be in the middle of being cut or joined. */
size_t bounded_block_size(const struct bounded *heap, const void *block)
{
    uint64_t fields = BOUNDED_JOURNALED ? own_fields(heap, bounded_unit_of(heap, block))
                                        : bounded_block_in_use(heap, block);
    return fields == 0 ? SIZE_MAX : units_room(fields_units(fields)) - fields_slack(fields);
}

/* A block that would have gone to its quick list, were not all of them full together, is a miss.
 * When what missed is a few times what they hold, that is of sizes no longer in use. */
static bool quick_lists_are_stale(struct bounded *heap, uint64_t units)
{
    if (units >= quick_sizes(heap) || units <= heap->quick_room)
        return false;
    heap->missed += units;
    return heap->missed >= MISSES * bounded_quick_share(heap);
}

bool bounded_free_slow(struct bounded *heap, void *block)
{
    uint64_t unit = bounded_unit_of(heap, block), next;
    uint64_t fields = in_use(heap, unit, &next);
    if (fields == 0)
        return false;
    if (unlikely(quick_lists_are_stale(heap, fields_units(fields)))) {
        bounded_flush(heap);
        return bounded_free(heap, block);
    }
    if (!release(heap, unit, fields, next))
        return false;
    heap->blocks--;
    heap->freed += fields_units(fields);
    if (unlikely(heap->freed >= heap->frontier))
        bounded_trim(heap);
    return true;
}
