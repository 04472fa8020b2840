/* SPDX-License-Identifier: MIT */
/* The whole heap, block by block. While other threads allocate and free, only what is seen twice
 * counts, long blocks are left out (their memory may vanish), and so are headers that do not hold
 * (they may be about to be written). */
#include "heap/checked.h"
#include "heap/checked_report.h"
#include "heap/sampled.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "region/region.h"

static bool is_alone(void)
{
    return threads_theaps() - threads_idle_theaps() <= 1;
}

static void look(const struct checked_header *header, size_t usable, const char *call)
{
    for (int tries = 0; tries < 2; tries++) {
        enum checked_state state = checked_block_state(header);
        bool freed = state == CHECKED_FREED && checked_settings.option.fill;
        if (state == CHECKED_OTHER)
            return;
        struct damage damage = checked_block_look(header, usable, freed);
        if (damage.kind == DAMAGE_NONE)
            return;
        if (tries == 1 && checked_block_state(header) == state)
            checked_report_damage(header, damage, call);
    }
}

static bool is_marked_free(const struct checked_header *header)
{
    return ((const struct block *)(const void *)header)->mark == BLOCK_FREE;
}

/* Under the lock of the slab's theap, so that no unit becomes a hole meanwhile. */
static void look_at_slab(const struct span *slab, bool alone, const char *call)
{
    size_t size = size_class_bytes(slab->size_class);
    for (uint32_t i = 0; i < size_class_capacity(slab->size_class); i++) {
        const struct checked_header *header = (const void *)(span_start(slab) + i * size);
        if (slab_is_in_hole(slab, header))
            continue;
        look(header, size, call);
        if (alone && checked_block_state(header) == CHECKED_OTHER && !is_marked_free(header))
            checked_report_header(header, call);
    }
}

static void look_at_theaps_slab(const struct span *slab, bool alone, const char *call)
{
    struct theap *theap = threads_theap(span_get(&slab->owner));
    if (theap == NULL || theap->broken || os_lock_is_mine(&theap->lock))
        return;
    os_lock(&theap->lock);
    if (span_kind_elsewhere(slab) == SPAN_SLAB && slab->owner == theap_number(theap))
        look_at_slab(slab, alone, call);
    os_unlock(&theap->lock);
}

void checked_check(const char *call)
{
    size_t limit = atomic_load_explicit(&region_map.frontier, memory_order_acquire);
    bool alone = is_alone();
    sampled_check(call);
    for (size_t i = 1; i < limit; i++) {
        const struct span *span = span_at(i);
        enum span_kind kind = span_kind_elsewhere(span);
        if (kind == SPAN_SLAB)
            look_at_theaps_slab(span, alone, call);
        else if (kind == SPAN_LARGE && alone)
            look((const struct checked_header *)(const void *)span_start(span), span_bytes(span),
                 call);
    }
}
