/* SPDX-License-Identifier: MIT */
/* Memory of the library's own, cut off piece by piece and never given back. [meta, meta_end) is
 * committed, reads as zero and is not in use yet; when it is too short for a piece it is continued,
 * if more can be had right behind it, else lost. All of it counts in the account and keeps to the
 * limit. */
#include "region/account.h"
#include "region/region_state.h"
#include "region/reservation.h"
#include "region/runs_purge.h"
#include "region/spans.h"

#include <string.h>

/* Where a whole reservation was made, such memory has a room of its own in it. */
static bool commit_meta(size_t bytes)
{
    size_t granules = bytes >> GRANULE_SHIFT;
    if (bytes > (size_t)(region.meta_limit - region.meta_top))
        return false;
    if (!fits_limit(granules))
        runs_purge();
    if (!fits_limit(granules) || !os_commit(region.meta_top, bytes))
        return false;
    if (region.meta_end != region.meta_top)
        region.meta = region.meta_top;
    region.meta_end = region.meta_top += bytes;
    add(&region.meta_bytes, bytes);
    charge(granules);
    return true;
}

/* Elsewhere, or when that is full, it is a span. */
static void map_meta(size_t bytes)
{
    bool zero;
    struct span *span = spans_take(bytes >> GRANULE_SHIFT, 1, 0, SPAN_META, &zero);
    if (span == NULL)
        return;
    region.meta = span_start(span);
    region.meta_end = region.meta + bytes;
    if (!zero)
        memset(region.meta, 0, bytes);
}

static void *take_meta(size_t size)
{
    if ((size_t)(region.meta_end - region.meta) < size) {
        size_t bytes = round_up(size, GRANULE_SIZE);
        if (!commit_meta(bytes))
            map_meta(bytes);
    }
    if ((size_t)(region.meta_end - region.meta) < size)
        return NULL;
    void *memory = region.meta;
    region.meta += size;
    return memory;
}

void *region_meta(size_t size)
{
    size = round_up(size, CACHE_LINE);
    os_lock(&region.lock);
    if (!region.made)
        reservation_make();
    void *memory = take_meta(size);
    if (memory == NULL && runs_await_purge())
        memory = take_meta(size);
    os_unlock(&region.lock);
    return memory;
}
