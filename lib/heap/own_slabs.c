/* SPDX-License-Identifier: MIT */
#include "heap/own_slabs.h"

#include "os/vm.h"

struct own_slabs own_slabs_none;

/* Whether the place is that granule's, and not that of one which is OWN_PLACES granules away: no slab
 * is nearly as long. */
static bool is_place_of(const struct own_slabs *own, uint32_t place, size_t granule)
{
    const uintptr_t half = (uintptr_t)OWN_PLACES << GRANULE_SHIFT >> 1;
    uintptr_t last = (uintptr_t)READ_RACY(own->last[place]), start = granule << GRANULE_SHIFT;
    return READ_RACY(own->bin[place]) != 0 && last - start + half < 2 * half;
}

static size_t distance_to(const struct own_slabs *own, const struct bin *bin)
{
    return (size_t)((uintptr_t)bin - (uintptr_t)own);
}

/* relaxed, all three: what is noted for a block in use is right, before and after */
void own_slabs_note(struct own_slabs *own, size_t granule, const char *last, bool vacate)
{
    uint32_t place = granule % OWN_PLACES;
    if (!is_place_of(own, place, granule))
        return;
    STORE_RELAXED(&own->last[place], last);
    if (vacate)
        STORE_RELAXED(&own->bin[place], 0);
}

void own_slabs_claim(struct own_slabs *own, size_t granule, const char *last, const struct bin *bin)
{
    uint32_t place = granule % OWN_PLACES;
    if (own->bin[place] != 0) {
        own_slabs_note(own, granule, last, false);
        return;
    }
    own->claims++;
    STORE_RELAXED(&own->last[place], last);
    STORE_RELAXED(&own->bin[place], distance_to(own, bin));
}

/* In between the place is vacant, for a signal handler that frees. */
void own_slabs_take(struct own_slabs *own, size_t granule, const char *last, const struct bin *bin)
{
    uint32_t place = granule % OWN_PLACES;
    STORE_RELAXED(&own->bin[place], 0);
    atomic_signal_fence(memory_order_seq_cst);
    STORE_RELAXED(&own->last[place], last);
    atomic_signal_fence(memory_order_seq_cst);
    STORE_RELAXED(&own->bin[place], distance_to(own, bin));
}

void own_slabs_lead(struct own_slabs *own, size_t granule, const struct bin *from,
                    const struct bin *to)
{
    uint32_t place = granule % OWN_PLACES;
    if (is_place_of(own, place, granule) && READ_RACY(own->bin[place]) == distance_to(own, from))
        STORE_RELAXED(&own->bin[place], distance_to(own, to));
}

/* All but the page that begins with what the slow paths change. */
void own_slabs_purge(struct own_slabs *own)
{
    uintptr_t start = round_up((uintptr_t)own->last, os_page_size());
    uintptr_t end = (uintptr_t)(own + 1) & ~(os_page_size() - 1);
    if (start < end && os_discard((void *)start, end - start))
        own->claims = 0;
}
