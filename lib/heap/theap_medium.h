/* SPDX-License-Identifier: MIT */
/* theap_medium.h: a theap's medium blocks (medium/medium.h): the cache before them, and what locks and
 * frees by other threads have to do with them.
 *
 * The cache holds up to CACHE_SLOTS blocks of each length up to 64 KiB, and together about 1/16 of what
 * is in use. Blocks in it are not joined, so it is small; and they are CELL_PASSED. */
#ifndef BARROW_HEAP_THEAP_MEDIUM_H
#define BARROW_HEAP_THEAP_MEDIUM_H

#include "heap/theap.h"

/* A block for that size and alignment, for which medium_serves is true; with `clear`, all that it holds
 * is zero. NULL when there is no memory. Owner only. */
void *theap_take_medium(struct theap *theap, size_t align, size_t size, bool clear);

/* Frees a block of the theap's own that has been passed (medium_pass). Owner only. */
void theap_free_medium(struct theap *theap, struct place place);

/* A block that others have freed, from a list; ends the process if it is on it twice. The lock is held. */
void theap_give_medium(struct theap *theap, struct block *block);

/* Resizes the block in place, if that can be done without waiting; theap: its owner. Any thread. */
bool theap_resize_medium(struct theap *theap, struct place place, size_t size);

/* Gives the pages of the run that is due back. The lock is held before and after, but not in between.
 * Returns the bytes. */
size_t theap_purge_medium(struct theap *theap);

/* The same for all runs, however short. */
size_t theap_purge_all_medium(struct theap *theap);

/* Gives the blocks of the cache back. Any thread that holds the lock. */
void theap_release_cached(struct theap *theap);

ALWAYS_INLINE bool is_cached_length(uint32_t cells)
{
    return cells - CACHED_LEAST <= CACHED_MOST - CACHED_LEAST;
}

/* A passed block of that many cells out of the cache; 0: it has none. */
ALWAYS_INLINE uint32_t cache_take(struct medium_cache *cache, uint32_t cells)
{
    uint32_t length = cells - CACHED_LEAST, word = 0;
    for (unsigned count = cache->count[length]; count > 0 && word == 0; count--) {
        /* relaxed: nobody else puts one there. Before the count, and cache_put the other way round: so the
         * child of a fork in between finds no block beyond the count */
        word = atomic_exchange_explicit(&cache->slots[length][count - 1], 0, memory_order_relaxed);
        STORE_RELAXED(&cache->count[length], (uint8_t)(count - 1));
    }
    if (likely(word != 0))
        cache->room += cells;
    return word;
}

/* False: there is no room for it. Not while a signal handler of the thread may use the cache. */
ALWAYS_INLINE bool cache_put(struct medium_cache *cache, struct place place, uint32_t cells)
{
    uint32_t length = cells - CACHED_LEAST, count = cache->count[length];
    if (cache->room < (int32_t)cells || count == CACHE_SLOTS)
        return false;
    cache->room -= cells;
    STORE_RELAXED(&cache->count[length], (uint8_t)(count + 1));
    /* release: who takes it finds the block passed */
    atomic_store_explicit(&cache->slots[length][count], place_word(place), memory_order_release);
    return true;
}

/* While the owner uses the cache, a signal handler of its own must not. */
ALWAYS_INLINE bool cache_begin(void)
{
    if (unlikely(thread_words()->busy))
        return false;
    thread_words()->busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

ALWAYS_INLINE void cache_end(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    thread_words()->busy = false;
}

/* A block of that size from the cache, not cleared; NULL: it has none. Owner only. */
ALWAYS_INLINE char *theap_take_cached(struct theap *theap, size_t size)
{
    uint32_t cells = medium_cells(size);
    if (unlikely(!is_cached_length(cells)) || theap->cache.count[cells - CACHED_LEAST] == 0 ||
        !cache_begin())
        return NULL;
    uint32_t word = cache_take(&theap->cache, cells);
    cache_end();
    if (unlikely(word == 0))
        return NULL;
    struct place place = place_at(word);
    medium_reuse(place);
    return place_address(place);
}

/* Puts a passed block into the cache; false: that has no room for it, or the thread was interrupted on
 * a slow path. Owner only. */
ALWAYS_INLINE bool theap_cache(struct theap *theap, struct place place)
{
    uint32_t cells = cell_of(place)->length;
    if (unlikely(!is_cached_length(cells)) || !cache_begin())
        return false;
    bool done = cache_put(&theap->cache, place, cells);
    cache_end();
    return done;
}

#endif
