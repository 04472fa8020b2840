/* SPDX-License-Identifier: MIT */
/* The rule, where address space is plenty: as many mappings for a large heap as for a small one.
 *
 *     | # | tags | # | descriptors | # | meta.c's room | # | granules ... | # |
 *
 * `#` is a guard. Committed memory reaches from the first granule to committed_end, and is extended
 * in steps that grow with the heap, so that there are few system calls; what lies between the
 * frontier and committed_end has never been used, and reads as zero. */
#include "region/frontier.h"

#include "region/account.h"
#include "region/runs.h"
#include "region/tables.h"

#define COMMIT_STEP MIB        /* the frontier grows by this much at least ... */
#define COMMIT_MOST (64 * MIB) /* ... and, beyond what is asked for, by this much at most */
#define META_SHARE  256        /* of the address space, for what the library keeps itself */
#define META_LEAST  (16 * MIB)

bool frontier_reserve(size_t size)
{
    size_t granules = size >> GRANULE_SHIFT;
    size_t meta = round_up(size / META_SHARE, GRANULE_SIZE);
    meta = meta < META_LEAST ? META_LEAST : meta;
    size_t front = tables_size(granules) + meta + GUARD_SIZE;
    size_t total = front + size + 2 * GUARD_SIZE;
    char *reservation = os_reserve(total);
    if (reservation == NULL)
        return false;
    char *start = (char *)round_up((uintptr_t)reservation, GRANULE_SIZE);
    tables_place(start, granules);
    /* so that a free of whatever address finds a tag: 0 */
    size_t bytes = round_up(granules * sizeof(struct granule_tag), os_page_size());
    if (!os_allow_reading((void *)region_map.tags, bytes)) {
        os_release(reservation, total);
        return false;
    }
    region.meta_start = region.meta_top = start + tables_size(granules);
    region.meta_limit = region.meta_start + meta;
    region_map.base = (uintptr_t)start + front;
    add(&region.reserved, total);
    add(&region.reservations, 1);
    return true;
}

static size_t commit_step(size_t needed)
{
    size_t step = region.committed_end / 4;
    size_t least = COMMIT_STEP >> GRANULE_SHIFT, most = COMMIT_MOST >> GRANULE_SHIFT;
    if (region.committed_end == 0 && region_settings.commit != 0)
        step = round_up(region_settings.commit, GRANULE_SIZE) >> GRANULE_SHIFT;
    else
        step = step < least ? least : step > most ? most : step;
    step = step > needed ? step : needed;
    size_t left = region.granules - region.committed_end;
    return step < left ? step : left;
}

static bool commit_more(size_t granules)
{
    char *end = (char *)region_map.base + (region.committed_end << GRANULE_SHIFT);
    if (!os_commit(end, granules << GRANULE_SHIFT))
        return false;
    if (region_settings.huge_pages)
        os_advise_huge(end, granules << GRANULE_SHIFT, true);
    region.committed_end += granules;
    return true;
}

static bool commit_to(size_t end)
{
    if (end <= region.committed_end)
        return true;
    size_t needed = end - region.committed_end;
    return commit_more(commit_step(needed)) || commit_more(needed);
}

uint32_t frontier_extend(size_t granules, size_t align, size_t room)
{
    size_t unit = align << GRANULE_SHIFT;
    size_t end = frontier();
    size_t start = (round_up(region_map.base + (end << GRANULE_SHIFT), unit) - region_map.base) >>
                   GRANULE_SHIFT;
    if (granules > region.granules || start > region.granules - granules)
        return 0;
    if (!tables_commit(start + granules) ||
        !commit_to(start + granules - (OS_RECOMMITS ? room : 0)))
        return 0;
    set_frontier(start + granules);
    if (region.committed_end < start + granules)
        region.committed_end = start + granules;
    if (start > end)
        runs_insert((uint32_t)end, start - end, SPAN_CLEAN);
    return (uint32_t)start;
}
