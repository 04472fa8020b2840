/* SPDX-License-Identifier: MIT */
/* The whole heap, block by block. While other threads allocate and free, only what is seen again
 * and again counts, long blocks are left out (their memory may vanish), and so are headers that do
 * not hold (they may be about to be written). */
#include "heap/checked.h"
#include "heap/checked_report.h"
#include "heap/sampled.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "medium/check.h"
#include "os/thread.h"
#include "region/region.h"

enum { LOOKS = 20 };

static bool is_alone(void)
{
    return threads_theaps() - threads_idle_theaps() <= 1;
}

/* True when there is no damage that lasts. Another thread may free the block and make it anew while
 * it is looked at, and it may even be of the same size again: then the header is as it was, and the
 * guards were being written. */
static bool is_sound(const struct checked_header *header, size_t usable, struct damage *damage)
{
    enum checked_state state = checked_block_state(header);
    uint64_t seal = atomic_load_explicit(&header->seal, memory_order_relaxed);
    bool freed = state == CHECKED_FREED && checked_settings.option.fill;
    if (state == CHECKED_OTHER)
        return true;
    *damage = checked_block_look(header, usable, freed);
    atomic_thread_fence(memory_order_acquire);
    return damage->kind == DAMAGE_NONE ||
           seal != atomic_load_explicit(&header->seal, memory_order_relaxed);
}

static void look(const struct checked_header *header, size_t usable, const char *call)
{
    struct damage damage;
    for (int tries = 0; tries < LOOKS; tries++) {
        if (is_sound(header, usable, &damage))
            return;
        os_yield();
    }
    checked_report_damage(header, damage, call);
}

/* Under the lock of the slab's theap, so that no unit becomes a hole meanwhile. */
static void look_at_slab(const struct span *slab, bool alone, const char *call)
{
    size_t size = size_class_bytes(slab->size_class);
    for (uint32_t i = 0; i < slab_capacity(slab); i++) {
        const struct checked_header *header = (const void *)(span_start(slab) + i * size);
        if (slab_is_in_hole(slab, header))
            continue;
        look(header, size, call);
        if (alone && checked_block_state(header) == CHECKED_OTHER &&
            !block_is_free((const void *)header) &&
            is_alone()) /* a thread may have come in between */
            checked_report_header(header, call);
    }
}

static void look_at_medium(const struct span *span, bool alone, const char *call)
{
    struct place place = place_of(span_start(span));
    if (place.map == NULL)
        return;
    for (; medium_next(&place); place.cell += cell_of(place)->length) {
        const struct checked_header *header = (const void *)place_address(place);
        if (state_of(place) != CELL_LIVE)
            continue;
        look(header, place_bytes(place), call);
        if (alone && checked_block_state(header) == CHECKED_OTHER && is_alone())
            checked_report_header(header, call);
    }
}

static void look_at_theaps(const struct span *span, bool alone, const char *call)
{
    struct theap *theap = threads_lock_owner(span);
    if (theap == NULL)
        return;
    if (tag_is_medium(tag_at(span_start(span))))
        look_at_medium(span, alone, call);
    else
        look_at_slab(span, alone, call);
    theap_unlock(theap);
}

/* The heap's own records of medium blocks. */
static void check_records(const char *call)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap->broken || os_lock_is_mine(&theap->lock))
            continue;
        os_lock(&theap->lock);
        const char *wrong = medium_check(&theap->medium);
        theap_unlock(theap);
        if (wrong != NULL)
            checked_report_records(wrong, call);
    }
}

void checked_check(const char *call)
{
    bool alone = is_alone();
    sampled_check(call);
    check_records(call);
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        const struct span *span = span_at(i);
        enum span_kind kind = span_kind_elsewhere(span);
        if (kind == SPAN_SLAB || kind == SPAN_MEDIUM)
            look_at_theaps(span, alone, call);
        else if (kind == SPAN_LARGE && alone)
            look((const struct checked_header *)(const void *)span_start(span), span_bytes(span),
                 call);
    }
}
