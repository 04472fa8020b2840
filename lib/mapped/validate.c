/* SPDX-License-Identifier: MIT */
/* validate.c: the whole heap is looked at: the engine's blocks and lists, and the caches. */
#include "mapped/mapped.h"

/* The blocks of one list, taken off the census. */
static bool list_is_sound(const struct bounded *heap, const struct mapped_cache *cache,
                          unsigned units, struct bounded_census *census)
{
    for (uint64_t unit = cache->lists[units]; unit != 0;) {
        if (!is_unit(heap, unit) || census->quick_blocks == 0 ||
            (block_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE) != fields_quick(units))
            return false;
        census->quick_blocks--;
        census->quick_units -= units;
        census->quick_places -= unit;
        unit = block_links(heap, unit)->next ^ bounded_mask(heap, unit);
    }
    return true;
}

bool bounded_caches_are_sound(const struct bounded *heap, struct bounded_census *census)
{
    const char *base = (const char *)heap - MAPPED_HEAD;
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        const struct mapped_cache *cache =
            (const struct mapped_cache *)(base + MAPPED_CACHES + i * MAPPED_CACHE_BYTES);
        for (unsigned units = 0; mapped_cache_owner(cache) != 0 && units < BOUNDED_CACHED; units++)
            if (!list_is_sound(heap, cache, units, census))
                return false;
    }
    return true;
}

/* A reader can't hold others off, and looks again. */
bool mapped_validate(struct mapped *mapped)
{
    enum { TRIES = 5 };
    if (mapped->read_only) {
        for (int i = 0; i < TRIES; i++)
            if (bounded_validate(mapped->heap))
                return true;
        return false;
    }
    if (!mapped_hold(mapped))
        return false;
    mapped_scavenge(mapped);
    bool sound = mapped->state->damaged == 0 && bounded_validate(mapped->heap);
    mapped_release(mapped);
    return sound;
}
