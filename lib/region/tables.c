/* SPDX-License-Identifier: MIT */
#include "region/tables.h"

#define TABLE_STEP (64 * KIB) /* the tables are committed in steps of this many bytes */

struct region_map region_map;

static size_t tags_size(size_t granules)
{
    return round_up(granules * sizeof(struct granule_tag), TABLE_STEP);
}

static size_t spans_size(size_t granules)
{
    return round_up(granules * sizeof(struct span), TABLE_STEP);
}

size_t tables_size(size_t granules)
{
    return GUARD_SIZE + tags_size(granules) + GUARD_SIZE + spans_size(granules) + GUARD_SIZE;
}

void tables_place(char *start, size_t granules)
{
    char *tags = start + GUARD_SIZE;
    char *spans = tags + tags_size(granules) + GUARD_SIZE;
    region.granules = granules;
    region_map.tags = (struct granule_tag *)(void *)tags;
    region_map.spans = (struct span *)(void *)spans;
}

static bool commit_table(void *table, size_t *committed, size_t bytes)
{
    if (bytes <= *committed)
        return true;
    size_t end = round_up(bytes, TABLE_STEP);
    if (!os_commit((char *)table + *committed, end - *committed))
        return false;
    *committed = end;
    return true;
}

bool tables_commit(size_t granules)
{
    return commit_table(region_map.tags, &region.tags_committed,
                        granules * sizeof(struct granule_tag)) &&
           commit_table(region_map.spans, &region.spans_committed, granules * sizeof(struct span));
}

struct span *region_find(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    size_t head = granule;
    while (head > 0 && span_kind(span_at(head)) == SPAN_NONE)
        head--;
    if (head == 0 || head + span_at(head)->granules <= granule)
        return NULL;
    return span_at(head);
}
