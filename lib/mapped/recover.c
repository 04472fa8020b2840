/* SPDX-License-Identifier: MIT */
/* recover.c: what processes left that died in the middle of a call.
 *
 * Under the lock a change is either undone by the journal or was complete. A call that had not
 * returned has its block in a `pending` word: that block becomes free, so that an interrupted
 * HeapAlloc has never been, and an interrupted HeapFree is done. A dead process's caches are taken
 * apart. All of it may itself be interrupted, and is then begun again by the next. */
#include "mapped/mapped.h"

#include "os/shared_file.h"

static bool is_cached_block(struct bounded *heap, uint64_t unit)
{
    if (!is_unit(heap, unit))
        return false;
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    return (fields & ~BOUNDED_PREVIOUS_FREE) == fields_quick(units) && units < BOUNDED_CACHED &&
           block_fits(heap, unit, units);
}

/* In a change that is under way. */
static void release_block(struct bounded *heap, uint64_t unit)
{
    ASSERT(bounded_journal(heap)->active == 1);
    if (bounded_release(heap, unit))
        heap->blocks--;
}

void mapped_take_back(struct mapped *mapped, uint64_t unit)
{
    ASSERT(mapped_is_locked(mapped));
    struct bounded *heap = mapped->heap;
    bool in_use = is_unit(heap, unit) && bounded_is_block(heap, block_address(heap, unit));
    if (!in_use && !is_cached_block(heap, unit))
        return;
    bounded_journal_begin(heap);
    release_block(heap, unit);
    bounded_journal_end(heap);
}

/* ---- caches of the dead --------------------------------------------------------------------- */

/* The block that the interrupted call was about, unless it is in its list: then the call had done
 * nothing yet, or all. */
static void settle_pending(struct mapped *mapped, struct mapped_cache *cache)
{
    ASSERT(mapped_is_locked(mapped));
    struct bounded *heap = mapped->heap;
    uint64_t unit = cache->pending;
    if (unit == 0)
        return;
    uint64_t units = is_unit(heap, unit) ? fields_units(block_fields(heap, unit)) : 0;
    if (units < BOUNDED_CACHED && cache->lists[units] != unit)
        mapped_take_back(mapped, unit);
    else if (units >= BOUNDED_CACHED)
        mapped_take_back(mapped, unit);
    cache->pending = 0;
}

static void clear(struct mapped_cache *cache)
{
    ASSERT(cache->pending == 0);
    atomic_store_explicit(&cache->working, 0, memory_order_relaxed);
    atomic_store_explicit(&cache->idle, 0, memory_order_relaxed);
    mapped_cache_set_owner(cache, 0);
}

static void take_apart(struct mapped *mapped, struct mapped_cache *cache)
{
    settle_pending(mapped, cache);
    mapped_cache_empty(mapped, cache);
    clear(cache);
}

bool mapped_scavenge(struct mapped *mapped)
{
    ASSERT(mapped_is_locked(mapped));
    bool found = false;
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        struct mapped_cache *cache = mapped_cache_at(mapped, i);
        uint32_t owner = mapped_cache_owner(cache);
        if (owner == 0 || mapped_process_is_alive(mapped, owner - 1))
            continue;
        take_apart(mapped, cache);
        mapped->state->recoveries++;
        found = true;
    }
    return found;
}

void mapped_scavenge_all(struct mapped *mapped)
{
    ASSERT(mapped->serial == 0);
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        struct mapped_cache *cache = mapped_cache_at(mapped, i);
        if (mapped_cache_owner(cache) != 0 || cache->pending != 0)
            take_apart(mapped, cache);
    }
}

/* ---- the lock's last owner ------------------------------------------------------------------ */

bool mapped_recover(struct mapped *mapped)
{
    ASSERT(mapped_is_locked(mapped));
    struct mapped_state *state = mapped->state;
    uint64_t size = mapped->size - MAPPED_JOURNAL, file_size;
    if (!mapped->is_private && shared_file_size(mapped->fd, &file_size) == 0 &&
        file_size < mapped->start + mapped->size)
        size = file_size - mapped->start - MAPPED_JOURNAL;
    if (!bounded_journal_undo(mapped->heap, size)) {
        state->damaged = 1;
        bounded_journal(mapped->heap)->active = 0;
        return false;
    }
    atomic_store_explicit(&state->held, 0, memory_order_relaxed);
    if (state->pending != 0)
        mapped_take_back(mapped, state->pending);
    state->pending = 0;
    state->recoveries++;
    mapped_scavenge(mapped);
    return true;
}
