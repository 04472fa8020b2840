/* SPDX-License-Identifier: MIT */
/* The whole window lies below the frontier, and its tables are committed from the start: they are
 * small, and so every index below region.granules may be looked at. A granule that is neither in a
 * span nor in a run of any kind, SPAN_UNMAPPED among them, is somebody else's, or given up. */
#include "region/window.h"

#include "region/account.h"
#include "region/runs.h"
#include "region/tables.h"

#define WINDOW_LEAST (64 * MIB)
#define WINDOW_TRIES 4096      /* places tried for a piece of memory */
#define PIECE_LEAST  (4 * MIB) /* if the system has it: fewer calls, and fewer mappings */

static size_t window_granules(size_t address_space)
{
    size_t granules = (address_space / GRANULE_SIZE) * 4;
    if (granules < WINDOW_LEAST >> GRANULE_SHIFT)
        granules = WINDOW_LEAST >> GRANULE_SHIFT;
    if (granules > os_reserve_wanted() >> GRANULE_SHIFT)
        granules = os_reserve_wanted() >> GRANULE_SHIFT;
    return granules;
}

bool window_reserve(size_t address_space)
{
    size_t granules = window_granules(address_space);
    char *tables = os_reserve(tables_size(granules));
    if (tables == NULL)
        return false;
    tables_place(tables, granules);
    if (!tables_commit(granules)) {
        region.tags_committed = region.spans_committed = 0;
        os_release(tables, tables_size(granules));
        return false;
    }
    region.windowed = true;
    add(&region.reserved, tables_size(granules));
    add(&region.reservations, 1);
    uintptr_t middle = (uintptr_t)tables & ~(uintptr_t)(GRANULE_SIZE - 1);
    uintptr_t half = (uintptr_t)(granules / 2) << GRANULE_SHIFT;
    region_map.base = middle > half ? middle - half : GRANULE_SIZE;
    return true;
}

/* A piece of fresh memory inside the window. Addresses that the process has something else at are
 * forgotten, granule by granule, as they are met. */
static uint32_t map_piece(size_t granules)
{
    for (int tries = 0; tries < WINDOW_TRIES; tries++) {
        uint32_t place = runs_take(SPAN_UNMAPPED, granules, 1);
        if (place == 0)
            return 0;
        enum os_mapped mapped = os_map_at(span_start(span_at(place)), granules << GRANULE_SHIFT);
        if (mapped == OS_MAPPED) {
            add(&region.reserved, granules << GRANULE_SHIFT);
            add(&region.reservations, 1);
            return place;
        }
        if (mapped == OS_REFUSED) {
            runs_insert(place, granules, SPAN_UNMAPPED);
            return 0;
        }
        if (granules > 1)
            runs_insert(place + 1, granules - 1, SPAN_UNMAPPED);
    }
    return 0;
}

uint32_t window_extend(size_t granules, size_t align)
{
    size_t piece = granules + align - 1;
    size_t comfortable = PIECE_LEAST >> GRANULE_SHIFT;
    uint32_t start = piece < comfortable ? map_piece(comfortable) : 0;
    size_t mapped = start != 0 ? comfortable : piece;
    if (start == 0 && (start = map_piece(piece)) == 0)
        return 0;
    runs_insert(start, mapped, SPAN_CLEAN);
    return runs_take(SPAN_CLEAN, granules, align);
}
