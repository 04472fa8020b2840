/* SPDX-License-Identifier: MIT */
/* grow.c: the file's storage: more of it as the heap grows, less when it is compacted.
 *
 * Nothing is written where the file has no storage: the system would answer with a signal if the disk
 * were full. So storage is asked for (fallocate) before the engine has the memory, and again before a
 * block is cut where a hole may be: a bit for each region says so. */
#include "mapped/mapped.h"

#include "os/shared_file.h"

#include "barrow/winerror.h"

#include <errno.h>

/* ---- regions that may have holes ------------------------------------------------------------ */

static uint8_t *hole_bytes(const struct mapped *mapped)
{
    return (uint8_t *)mapped->base + MAPPED_HOLES;
}

/* A power of two: of all that the heap may be there are at most MAPPED_HOLE_BITS. */
static uint64_t region_size(const struct mapped *mapped)
{
    uint64_t size = BOUNDED_FILE_PAGE;
    while (mapped->size / size >= MAPPED_HOLE_BITS)
        size *= 2;
    return size;
}

static bool may_have_hole(const struct mapped *mapped, uint64_t region)
{
    return (hole_bytes(mapped)[region / 8] >> region % 8 & 1) != 0;
}

static void set_holes(struct mapped *mapped, uint64_t start, uint64_t end)
{
    ASSERT(start < end && mapped_is_held(mapped));
    uint64_t size = region_size(mapped);
    mapped->state->may_have_holes = 1;
    for (uint64_t region = start / size; region <= (end - 1) / size; region++)
        hole_bytes(mapped)[region / 8] |= (uint8_t)(1u << region % 8);
    mapped_order();
}

static bool fill_region(struct mapped *mapped, uint64_t region)
{
    ASSERT(mapped_is_locked(mapped) && !mapped->is_private);
    uint64_t size = region_size(mapped), start = region * size, end = start + size;
    uint64_t file_end = mapped_file_end(mapped);
    end = end < file_end ? end : file_end;
    if (start < end && shared_file_back(mapped->fd, mapped->start + start, end - start) != 0)
        return false;
    mapped_order();
    hole_bytes(mapped)[region / 8] &= (uint8_t) ~(1u << region % 8);
    return true;
}

static void note_failure(int error)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    mapped_set_failure(full ? ERROR_DISK_FULL : ERROR_NOT_ENOUGH_MEMORY);
}

static bool fill(struct mapped *mapped, uint64_t start, uint64_t end)
{
    ASSERT(start < end);
    uint64_t size = region_size(mapped);
    for (uint64_t region = start / size; region <= (end - 1) / size; region++)
        if (may_have_hole(mapped, region) && !fill_region(mapped, region)) {
            note_failure(ENOSPC);
            return false;
        }
    return true;
}

/* ---- for the engine ------------------------------------------------------------------------- */

enum { BEHIND = 4 /* units behind a block in which the engine may write: header, links */ };

bool bounded_back(struct bounded *heap, uint64_t unit, uint64_t units)
{
    struct mapped *mapped = mapped_of_engine(heap);
    if (likely(mapped == NULL || mapped->state->may_have_holes == 0))
        return true;
    uint64_t start = MAPPED_HEAD + (unit - BOUNDED_LEAST) * BOUNDED_UNIT;
    uint64_t end = MAPPED_HEAD + (unit + units + BEHIND) * BOUNDED_UNIT;
    uint64_t file_end = mapped_file_end(mapped);
    return fill(mapped, start, end < file_end ? end : file_end);
}

/* The file ends where the heap does. What can't be cut off becomes a hole. */
static int end_file(struct mapped *mapped)
{
    uint64_t end = mapped->start + mapped_file_end(mapped), size;
    int error = shared_file_size(mapped->fd, &size);
    if (error != 0 || size <= end)
        return error;
    if (!mapped->fixed)
        return shared_file_set_size(mapped->fd, end);
    return shared_file_punch(mapped->fd, end, mapped->size - mapped_file_end(mapped));
}

/* What is behind the frontier reads as zero: a change that was undone may have left something. */
bool bounded_back_more(struct bounded *heap, size_t bytes)
{
    struct mapped *mapped = mapped_of_engine(heap);
    uint64_t end = mapped->start + mapped_file_end(mapped);
    if (mapped->is_private)
        return false;
    int error = end_file(mapped);
    if (error == 0)
        error = shared_file_back(mapped->fd, end, bytes);
    if (error != 0)
        note_failure(error);
    return error == 0;
}

/* Storage goes back by mapped_compact alone. */
void bounded_trim(struct bounded *heap)
{
    heap->low = heap->free_units;
    heap->freed = 0;
}

struct bounded_range bounded_whole_pages(uint64_t unit, uint64_t units)
{
    uint64_t page = BOUNDED_FILE_PAGE / BOUNDED_UNIT;
    return (struct bounded_range){ .start = round_up(unit + 2, page),
                                   .end = (unit + units - 1) & ~(page - 1) };
}

/* ---- compact -------------------------------------------------------------------------------- */

/* The pages of a free block between its links and its foot become a hole. */
static void punch(struct mapped *mapped, uint64_t unit, uint64_t units)
{
    ASSERT(mapped_is_held(mapped));
    uint64_t start = round_up(MAPPED_HEAD + (unit + 1) * BOUNDED_UNIT, mapped->page_size);
    uint64_t end = (MAPPED_HEAD + (unit + units - 1) * BOUNDED_UNIT) & ~(mapped->page_size - 1);
    if (start >= end)
        return;
    set_holes(mapped, start, end);
    shared_file_punch(mapped->fd, mapped->start + start, end - start);
}

static uint64_t punch_all(struct mapped *mapped)
{
    ASSERT(mapped_is_held(mapped));
    struct bounded *heap = mapped->heap;
    uint64_t largest = 0, units;
    for (uint64_t unit = heap->first; is_unit(heap, unit); unit += units) {
        uint64_t fields = block_fields(heap, unit);
        units = fields_units(fields);
        if (!fields_are_sound(fields) || !block_fits(heap, unit, units))
            break;
        if (!fields_are_free(fields))
            continue;
        punch(mapped, unit, units);
        largest = units > largest ? units : largest;
    }
    return largest;
}

/* A free last block ends sooner, and with it the file. */
static void retreat(struct mapped *mapped)
{
    ASSERT(mapped_is_held(mapped));
    struct bounded *heap = mapped->heap;
    uint64_t units = bounded_free_at_frontier(heap), page = BOUNDED_FILE_PAGE / BOUNDED_UNIT;
    if (units == 0 || units == UINT64_MAX)
        return;
    uint64_t unit = heap->frontier - units, frontier = round_up(unit + BOUNDED_LEAST, page);
    frontier = frontier < heap->initial ? heap->initial : frontier;
    if (frontier >= heap->frontier || !bounded_back(heap, frontier - BOUNDED_LEAST, 1))
        return;
    bounded_journal_begin(heap);
    bounded_take_off(heap, unit, block_fields(heap, unit));
    bounded_set_frontier(heap, frontier);
    flip_block(heap, frontier, BOUNDED_PREVIOUS_FREE);
    bounded_make_free(heap, unit, frontier - unit, BOUNDED_NO_RANGE);
    heap->fresh = heap->fresh < frontier ? heap->fresh : frontier;
    bounded_journal_end(heap);
    end_file(mapped);
}

size_t mapped_compact(struct mapped *mapped)
{
    if (!mapped_hold(mapped))
        return 0;
    mapped_scavenge(mapped);
    mapped_caches_empty(mapped);
    retreat(mapped);
    uint64_t largest = punch_all(mapped);
    mapped_release(mapped);
    return largest == 0 ? 0 : units_room(largest);
}
