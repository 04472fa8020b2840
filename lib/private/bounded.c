/* SPDX-License-Identifier: MIT */
#include "private/bounded.h"

#include "os/process.h"
#include "os/vm.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

enum { LEAST_STEP = 16 << 10, LARGEST_STEP = 16 << 20 }; /* of committing, in bytes */

/* ---- making and ending a heap --------------------------------------------------------------- */

/* Quick lists get a 512th of the heap each, at least 512 bytes, and one block at least. */
static unsigned quick_limit(size_t maximum, unsigned units)
{
    size_t most = maximum < (1 << 20) ? 8 : 1024;
    size_t share = maximum / 512 < 512 ? 512 : maximum / 512;
    size_t blocks = share / BOUNDED_UNIT / units;
    return (unsigned)(blocks < 1 ? 1 : blocks < most ? blocks : most);
}

/* Places the quick lists' stacks from that offset on, and answers where the records end. */
static size_t place_quick_lists(struct bounded *heap, size_t maximum, size_t offset)
{
    for (unsigned units = BOUNDED_LEAST; units <= BOUNDED_QUICK_UNITS; units++) {
        unsigned limit = quick_limit(maximum, units);
        if (heap != NULL)
            heap->quick[units] =
                (struct bounded_quick){ .slots = (uint32_t)offset, .limit = (uint16_t)limit };
        offset += limit * sizeof(bounded_slot);
    }
    return offset;
}

static size_t lists_end(unsigned levels)
{
    return offsetof(struct bounded, lists) + levels * BOUNDED_SUBLISTS * sizeof(uint64_t);
}

/* So that what is overwritten by chance is no header: no two heaps have the same. */
static uint64_t mixed(uint64_t seed)
{
    seed = (seed ^ seed >> 31) * 0x7fb5d329728ea185;
    seed = (seed ^ seed >> 27) * 0x81dadef4bc2dd44d;
    return seed ^ seed >> 33;
}

void bounded_set_frontier(struct bounded *heap, uint64_t frontier)
{
    uint64_t all = (uint64_t)1 << 32; /* as a slot can say */
    heap->frontier = frontier;
    heap->quick_limit = frontier < all ? frontier : all;
    set_block(heap, frontier, 0); /* the end mark */
}

static bool commit(bool executable, void *address, size_t size)
{
    return executable ? os_commit_executable(address, size) : os_commit(address, size);
}

static void start(struct bounded *heap, size_t maximum, size_t committed, bool executable)
{
    heap->key = mixed((uintptr_t)heap ^ os_milliseconds() << 40) | 1;
    heap->salt = mixed(heap->key ^ (uint64_t)os_process_id());
    heap->end = maximum / BOUNDED_UNIT;
    heap->initial = committed / BOUNDED_UNIT;
    heap->levels = index_level(heap->end) + 1;
    heap->executable = executable;
    size_t records = place_quick_lists(heap, maximum, lists_end(heap->levels));
    heap->first = heap->fresh = (records + 8 + BOUNDED_UNIT - 1) / BOUNDED_UNIT;
    bounded_set_frontier(heap, heap->initial);
    flip_block(heap, heap->frontier, BOUNDED_PREVIOUS_FREE);
    bounded_make_free(heap, heap->first, heap->frontier - heap->first, 0);
}

struct bounded *bounded_create(size_t initial, size_t maximum, bool executable)
{
    size_t page = os_page_size();
    if (maximum == 0 || maximum > BOUNDED_LARGEST)
        return NULL;
    maximum = round_up(maximum, page);
    unsigned levels = index_level(maximum / BOUNDED_UNIT) + 1;
    size_t needed = place_quick_lists(NULL, maximum, lists_end(levels));
    needed = round_up(needed + (BOUNDED_LEAST + 2) * BOUNDED_UNIT, page);
    if (needed > maximum)
        return NULL;
    initial = initial > maximum ? maximum : round_up(initial, page);
    initial = initial < needed ? needed : initial;
    struct bounded *heap = os_reserve(maximum);
    if (heap == NULL)
        return NULL;
    if (!commit(executable, heap, initial)) {
        os_release(heap, maximum);
        return NULL;
    }
    start(heap, maximum, initial, executable);
    return heap;
}

void bounded_destroy(struct bounded *heap)
{
    os_release(heap, heap->end * BOUNDED_UNIT);
}

/* ---- free blocks ---------------------------------------------------------------------------- */

void bounded_make_free(struct bounded *heap, uint64_t unit, uint64_t units, uint64_t purged)
{
    set_block(heap, unit, fields_free(units) | purged);
    *foot_before(heap, unit + units) = units;
    index_insert(heap, unit, units);
    if (unlikely(purged))
        heap->given_back += bounded_whole_pages(unit, units, NULL);
}

uint64_t bounded_take_off(struct bounded *heap, uint64_t unit, uint64_t units)
{
    index_remove(heap, unit, units);
    uint64_t purged = block_fields(heap, unit) & BOUNDED_PURGED;
    if (unlikely(purged))
        heap->given_back -= bounded_whole_pages(unit, units, NULL);
    return purged;
}

/* What is joined to a free block loses its own header, links and foot: memory behind `fresh` must
 * read as zero. */
static void forget_following(struct bounded *heap, uint64_t unit, uint64_t units)
{
    bounded_take_off(heap, unit, units);
    *block_header(heap, unit) = 0;
    *block_links(heap, unit) = (struct bounded_links){ 0 };
}

bool bounded_release(struct bounded *heap, uint64_t unit)
{
    uint64_t fields = block_fields(heap, unit);
    uint64_t units = fields_units(fields), start = unit, end = unit + units;
    uint64_t before = 0, after = 0, next = block_fields(heap, end);
    if (!fields_are_sound(next) || next & BOUNDED_PREVIOUS_FREE)
        return false;
    if (fields_state(next) == BOUNDED_STATE_FREE && (after = index_free_block(heap, end)) == 0)
        return false;
    if (fields & BOUNDED_PREVIOUS_FREE) {
        before = *foot_before(heap, unit);
        if (before > unit || index_free_block(heap, unit - before) != before)
            return false;
    }
    if (after != 0)
        forget_following(heap, end, after);
    else
        flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
    if (before != 0) {
        start = unit - before;
        bounded_take_off(heap, start, before);
        *foot_before(heap, unit) = 0;
        *block_header(heap, unit) = 0; /* no longer a block: a stale header would say it is */
    }
    bounded_make_free(heap, start, before + units + after, 0);
    return true;
}

bool bounded_carve(struct bounded *heap, uint64_t unit, uint64_t gap, uint64_t units, size_t size)
{
    uint64_t all = fields_units(block_fields(heap, unit)), end = unit + all;
    uint64_t purged = bounded_take_off(heap, unit, all);
    if (gap != 0)
        bounded_make_free(heap, unit, gap, purged);
    else
        *block_links(heap, unit) = (struct bounded_links){ 0 };
    unit += gap;
    uint64_t rest = end - unit - units;
    if (rest >= BOUNDED_LEAST) {
        bounded_make_free(heap, unit + units, rest, purged);
    } else {
        units += rest;
        flip_block(heap, end, BOUNDED_PREVIOUS_FREE);
        *foot_before(heap, end) = 0;
    }
    uint64_t previous = gap != 0 ? BOUNDED_PREVIOUS_FREE : 0;
    set_block(heap, unit, fields_in_use(units, size) | previous);
    bool zero = unit >= heap->fresh;
    if (unit + units > heap->fresh)
        heap->fresh = unit + units;
    return zero;
}

/* ---- more memory ---------------------------------------------------------------------------- */

uint64_t bounded_free_at_frontier(const struct bounded *heap)
{
    uint64_t mark = block_fields(heap, heap->frontier);
    if (!fields_are_sound(mark) || fields_units(mark) != 0)
        return UINT64_MAX;
    if (!(mark & BOUNDED_PREVIOUS_FREE))
        return 0;
    uint64_t units = *foot_before(heap, heap->frontier);
    if (units > heap->frontier || index_free_block(heap, heap->frontier - units) != units)
        return UINT64_MAX;
    return units;
}

static bool commit_more(struct bounded *heap, size_t bytes)
{
    if (!commit(heap->executable, block_address(heap, heap->frontier), bytes))
        return false;
    /* the new memory becomes a block in use in the end mark's place, and is released as any */
    uint64_t unit = heap->frontier, units = bytes / BOUNDED_UNIT;
    uint64_t previous = block_fields(heap, unit) & BOUNDED_PREVIOUS_FREE;
    bounded_set_frontier(heap, unit + units);
    set_block(heap, unit, fields_in_use(units, units_room(units)) | previous);
    return bounded_release(heap, unit);
}

static size_t step_for(const struct bounded *heap, size_t needed)
{
    size_t left = (heap->end - heap->frontier) * BOUNDED_UNIT;
    size_t step = heap->frontier * BOUNDED_UNIT / 4;
    step = step < LEAST_STEP ? LEAST_STEP : step < LARGEST_STEP ? step : LARGEST_STEP;
    step = round_up(step < needed ? needed : step, os_page_size());
    return step < left ? step : left;
}

bool bounded_grow(struct bounded *heap, uint64_t units)
{
    uint64_t have = bounded_free_at_frontier(heap);
    if (have >= units)
        return have != UINT64_MAX;
    uint64_t needed = units - have;
    if (needed > heap->end - heap->frontier)
        return false;
    size_t bytes = round_up(needed * BOUNDED_UNIT, os_page_size());
    return commit_more(heap, step_for(heap, bytes)) || commit_more(heap, bytes);
}

/* ---- quick lists ---------------------------------------------------------------------------- */

static void flush_list(struct bounded *heap, struct bounded_quick *quick, uint64_t units)
{
    while (quick->count != 0) {
        uint64_t unit = bounded_slots(heap, quick)[--quick->count];
        uint64_t fields = block_fields(heap, unit);
        if ((fields & ~BOUNDED_PREVIOUS_FREE) !=
            (BOUNDED_STATE_QUICK | units << BOUNDED_SIZE_SHIFT)) {
            heap->damaged = true;
            continue;
        }
        heap->blocks--;
        if (!bounded_release(heap, unit))
            heap->damaged = true;
    }
}

void bounded_flush(struct bounded *heap)
{
    for (unsigned units = BOUNDED_LEAST; units <= BOUNDED_QUICK_UNITS; units++)
        flush_list(heap, &heap->quick[units], units);
}

/* ---- blocks --------------------------------------------------------------------------------- */

uint64_t bounded_block_in_use(const struct bounded *heap, const void *address)
{
    uint64_t unit = bounded_unit_of(heap, address);
    if (!is_unit(heap, unit))
        return 0;
    uint64_t fields = block_fields(heap, unit);
    if (!fields_are_sound(fields) || fields_state(fields) != 0 ||
        !block_fits(heap, unit, fields_units(fields)))
        return 0;
    return fields_are_sound(block_fields(heap, unit + fields_units(fields))) ? fields : 0;
}

bool bounded_is_block(const struct bounded *heap, const void *address)
{
    return bounded_block_in_use(heap, address) != 0;
}

bool bounded_contains(const struct bounded *heap, const void *address)
{
    return ((uintptr_t)address - (uintptr_t)heap) / BOUNDED_UNIT < heap->end;
}

size_t bounded_block_size(const struct bounded *heap, const void *block)
{
    uint64_t fields = bounded_block_in_use(heap, block);
    return fields == 0 ? SIZE_MAX : units_room(fields_units(fields)) - fields_slack(fields);
}

/* Blocks of up to 8 bytes take two units as those of 9 do, and only their slack is larger. */
static void *pop_least(struct bounded *heap, size_t size)
{
    bounded_word *block = bounded_quick_pop(heap, 9);
    if (block != NULL)
        block[-1] ^=
            bounded_stored(fields_in_use(BOUNDED_LEAST, size) ^ fields_in_use(BOUNDED_LEAST, 9));
    return block;
}

static uint64_t find(struct bounded *heap, uint64_t units, size_t align, uint64_t *gap)
{
    uint64_t unit = index_find(heap, units, align, gap);
    if (likely(unit != 0))
        return unit;
    bounded_flush(heap);
    unit = index_find(heap, units, align, gap);
    if (unit != 0)
        return unit;
    if (!bounded_grow(heap, units + index_padding(align)) && !bounded_grow(heap, units))
        return 0;
    return index_find(heap, units, align, gap);
}

void *bounded_alloc_slow(struct bounded *heap, size_t size, size_t align, bool *zero)
{
    assume(is_power_of_two(align));
    size_t most = heap->end * BOUNDED_UNIT;
    if (size > most || align > most)
        return NULL;
    if (size <= 8 && align <= BOUNDED_UNIT) {
        void *block = pop_least(heap, size);
        if (block != NULL)
            return block;
    }
    uint64_t units = units_for(size), gap = 0;
    uint64_t unit = find(heap, units, align, &gap);
    if (unit == 0)
        return NULL;
    bool is_zero = bounded_carve(heap, unit, gap, units, size);
    heap->blocks++;
    if (zero != NULL)
        *zero = is_zero;
    return block_address(heap, unit + gap);
}

bool bounded_free_slow(struct bounded *heap, void *block)
{
    if (bounded_block_in_use(heap, block) == 0)
        return false;
    if (!bounded_release(heap, bounded_unit_of(heap, block)))
        return false;
    heap->blocks--;
    return true;
}
