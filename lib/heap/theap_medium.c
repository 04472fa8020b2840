/* SPDX-License-Identifier: MIT */
#include "heap/theap_medium.h"

#include "heap/bad_pointer.h"

#include <string.h>

enum {
    CACHE_DRIFT = 1024, /* cells in use more or less after which its room is seen to */
    LOOK_BYTES = 64 * 1024,
    PURGED_AT_ONCE = 32
};

static bool was_stolen(const _Atomic uint32_t *slot)
{
    return atomic_load_explicit(slot, memory_order_relaxed) == 0;
}

/* The lock is held, here and below. What the cache may hold follows what is in use. */
static NOINLINE void set_cache_room(struct theap *theap, size_t used)
{
    struct medium_cache *cache = &theap->cache;
    size_t most = CACHE_CELLS + used / CACHE_SHARE, held = 0;
    for (uint32_t i = 0; i < CACHED_LENGTHS; i++) {
        while (cache->count[i] > 0 && was_stolen(&cache->slots[i][cache->count[i] - 1]))
            STORE_RELAXED(&cache->count[i], (uint8_t)(cache->count[i] - 1));
        held += cache->count[i] * (i + CACHED_LEAST);
    }
    atomic_store_explicit(&cache->stolen, 0, memory_order_relaxed);
    cache->room = (int32_t)most - (int32_t)held;
    theap->cache_used = used;
}

static inline void look_at_cache(struct theap *theap)
{
    size_t used = theap->medium.cells - theap->medium.free_cells;
    if (unlikely(used - theap->cache_used + CACHE_DRIFT > 2 * CACHE_DRIFT) ||
        unlikely(atomic_load_explicit(&theap->cache.stolen, memory_order_relaxed) != 0))
        set_cache_room(theap, used);
}

static void note_taken(struct theap *theap, const struct medium_taken *taken)
{
    if (taken->fresh != 0)
        allowance_wanted(&theap->allowance, taken->fresh);
    else
        allowance_reused(&theap->allowance, theap_free_bytes(theap));
    if (theap_free_bytes(theap) + LOOK_BYTES < theap->look_at)
        theap->look_at = theap_free_bytes(theap) + LOOK_BYTES;
}

/* As long as too much is free each block that comes back takes a run with it; else that is asked again
 * when so much more is free. */
static NOINLINE void look(struct theap *theap)
{
    bool too_much = theap_has_too_much_free(theap);
    if (too_much)
        medium_pin(&theap->medium);
    theap->look_at = too_much ? 0 : theap_free_bytes(theap) + LOOK_BYTES;
}

static inline void note_freed(struct theap *theap, size_t bytes)
{
    size_t free = theap_free_bytes(theap);
    allowance_freed(&theap->allowance, bytes, free);
    if (unlikely(free >= theap->look_at))
        look(theap);
}

static inline void give(struct theap *theap, struct place place)
{
    size_t bytes = place_bytes(place);
    medium_give(&theap->medium, place);
    note_freed(theap, bytes);
}

static void clear_but(char *block, size_t bytes, const struct medium_taken *taken)
{
    memset(block, 0, taken->zero_from);
    memset(block + taken->zero_end, 0, bytes - taken->zero_end);
}

void *theap_take_medium(struct theap *theap, size_t align, size_t size, bool clear)
{
    uint32_t cells = medium_cells(size), align_cells = medium_cells(align);
    struct medium_taken taken;
    os_lock(&theap->lock);
    theap_drain(theap);
    bool done = medium_take(&theap->medium, cells, align_cells, &taken);
    if (unlikely(!done)) { /* joined, what the cache holds may do */
        theap_release_cached(theap);
        done = medium_take(&theap->medium, cells, align_cells, &taken);
    }
    if (likely(done))
        note_taken(theap, &taken);
    look_at_cache(theap);
    theap_unlock(theap);
    if (unlikely(!done))
        return NULL;
    char *block = place_address(taken.place);
    if (clear)
        clear_but(block, (size_t)cells << CELL_SHIFT, &taken);
    return block;
}

void theap_free_medium(struct theap *theap, struct place place)
{
    size_t bytes = place_bytes(place);
    os_lock(&theap->lock);
    give(theap, place);
    look_at_cache(theap);
    if (unlikely(theap->cache.room < 0)) /* a program that gives up memory really gives it back */
        theap_release_cached(theap);
    theap_unlock(theap);
    theap_poke(theap, bytes);
}

void theap_give_medium(struct theap *theap, struct block *block)
{
    struct place place = place_of(block);
    if (unlikely(place.map == NULL || state_of(place) != CELL_PASSED))
        bad_list(block);
    /* what the list has left there is no secret of the next owner's */
    block->next = NULL;
    block->mark = 0;
    give(theap, place);
}

bool theap_resize_medium(struct theap *theap, struct place place, size_t size)
{
    struct medium_taken taken;
    if (medium_cells(size) == cell_of(place)->length)
        return true;
    if (theap->broken || os_lock_is_mine(&theap->lock) || !os_try_lock(&theap->lock))
        return false;
    size_t before = place_bytes(place);
    bool done = medium_resize(&theap->medium, place, medium_cells(size), &taken);
    if (done && place_bytes(place) > before)
        note_taken(theap, &taken);
    else if (done)
        note_freed(theap, before - place_bytes(place));
    theap_unlock(theap);
    return done;
}

static void steal(struct theap *theap, _Atomic uint32_t *slot)
{
    if (was_stolen(slot))
        return;
    /* acquire: pairs with the release in cache_put */
    uint32_t word = atomic_exchange_explicit(slot, 0, memory_order_acquire);
    if (word == 0)
        return; /* the owner was quicker */
    struct place place = place_at(word);
    atomic_fetch_add_explicit(&theap->cache.stolen, cell_of(place)->length, memory_order_relaxed);
    give(theap, place);
}

void theap_release_cached(struct theap *theap)
{
    struct medium_cache *cache = &theap->cache;
    for (uint32_t length = 0; length < CACHED_LENGTHS; length++)
        for (int i = 0; i < LOAD_RELAXED(&cache->count[length]); i++)
            steal(theap, &cache->slots[length][i]);
}

size_t theap_purge_medium(struct theap *theap)
{
    struct place run = place_at(theap->medium.due);
    size_t bytes = place_bytes(run);
    theap->medium.due = 0;
    os_unlock(&theap->lock);
    bool gone = medium_discard(run);
    os_lock(&theap->lock);
    if (!gone)
        allowance_learn(&theap->allowance, bytes); /* the next attempt would fail as well */
    bytes = medium_unpin(&theap->medium, run, gone);
    allowance_gave_back(&theap->allowance, bytes);
    return bytes;
}

/* Returns the bytes that went back; *count: the runs that were tried. */
static size_t purge_some(struct theap *theap, uint32_t *count)
{
    struct place runs[PURGED_AT_ONCE];
    bool gone[PURGED_AT_ONCE];
    size_t bytes = 0;
    *count = medium_pin_dirty(&theap->medium, runs, PURGED_AT_ONCE);
    os_unlock(&theap->lock);
    for (uint32_t i = 0; i < *count; i++)
        gone[i] = medium_discard(runs[i]);
    os_lock(&theap->lock);
    for (uint32_t i = 0; i < *count; i++)
        bytes += medium_unpin(&theap->medium, runs[i], gone[i]);
    return bytes;
}

size_t theap_purge_all_medium(struct theap *theap)
{
    size_t purged = 0, bytes;
    uint32_t count;
    do
        purged += bytes = purge_some(theap, &count);
    while (count == PURGED_AT_ONCE && bytes != 0);
    return purged;
}
