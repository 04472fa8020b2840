/* SPDX-License-Identifier: MIT */
/* cache.c: free blocks that a thread has for itself, by size, so that small blocks rarely take the
 * heap's lock. The caches are in the file, so that others find what a dead process had in them.
 *
 * A block in a cache has its own state in its header (BOUNDED_STATE_QUICK), and the link to the next
 * one, masked, in its first word. The header's bit that says whether the block before is free
 * belongs to the owner of the heap's lock, so the two sides store to different bytes of a header.
 *
 * `pending` names the block while a call is about it. Whatever instruction is the last one, the block
 * is in use, cached and in its list, or named by `pending`; see settle_pending in recover.c. */
#include "mapped/mapped.h"

#include "os/shared_file.h"
#include "os/thread.h"
#include "private/seats.h"

#include <string.h>

enum {
    BATCH = 15,         /* blocks that are cut beside one that the cache lacked, at most ... */
    BATCH_SHARE = 1024, /* ... and this part of the heap */
    COUNT_MAX = 128,    /* of a list */
    ALLOWANCE = (512 << 10) / BOUNDED_UNIT,
    ALLOWANCE_SHARE = 32, /* of the heap's maximum, if that is less */
    CACHED_SIZE = (BOUNDED_CACHED - 1) * BOUNDED_UNIT - 8
};

/* ---- which cache ---------------------------------------------------------------------------- */

/* All that the thread has, and the one that it used last. */
static THREAD_LOCAL struct seats *seats;
static THREAD_LOCAL struct seat at_hand;

static NOINLINE struct mapped_cache *seated(const struct mapped *mapped)
{
    struct mapped_cache *cache = seats_find(seats, mapped->slot, mapped->serial);
    if (cache != NULL)
        at_hand = (struct seat){ mapped->serial, cache };
    return cache;
}

ALWAYS_INLINE struct mapped_cache *own(const struct mapped *mapped)
{
    return likely(at_hand.serial == mapped->serial) ? at_hand.taken : seated(mapped);
}

/* The thread begins to work in its cache; false: it may not now. */
ALWAYS_INLINE bool begin(const struct mapped *mapped, struct mapped_cache *cache)
{
    if (unlikely(atomic_load_explicit(&cache->working, memory_order_relaxed) != 0))
        return false; /* a signal handler has interrupted it */
    atomic_store_explicit(&cache->working, 1, memory_order_relaxed);
    mapped_order();
    /* acquire: what the last holder did is seen */
    if (likely(atomic_load_explicit(&mapped->state->held, memory_order_acquire) == 0))
        return true;
    atomic_store_explicit(&cache->working, 0, memory_order_relaxed);
    return false;
}

ALWAYS_INLINE void end(struct mapped_cache *cache)
{
    ASSERT(atomic_load_explicit(&cache->working, memory_order_relaxed) == 1);
    /* release: the holder that sees 0 sees the work */
    atomic_store_explicit(&cache->working, 0, memory_order_release);
}

bool mapped_cache_begin(struct mapped_cache *cache)
{
    if (cache == NULL || atomic_load_explicit(&cache->working, memory_order_relaxed) != 0)
        return false;
    atomic_store_explicit(&cache->working, 1, memory_order_relaxed);
    mapped_order();
    return true;
}

void mapped_cache_end(struct mapped_cache *cache)
{
    end(cache);
}

bool mapped_cache_is_own(const struct mapped *mapped, const struct mapped_cache *cache)
{
    return own(mapped) == cache;
}

/* ---- blocks --------------------------------------------------------------------------------- */

ALWAYS_INLINE uint64_t load_fields(const struct bounded *heap, uint64_t unit)
{
    return bounded_fields(heap, unit, __atomic_load_n(block_header(heap, unit), __ATOMIC_RELAXED));
}

/* State and slack are others. */
ALWAYS_INLINE void change(struct bounded *heap, uint64_t unit, uint64_t fields)
{
    ASSERT(is_unit(heap, unit));
    unsigned char *byte = bounded_state_byte(block_header(heap, unit));
    mapped_order();
    __atomic_store_n(byte, (unsigned char)(*byte ^ bounded_stored(fields) >> 8), __ATOMIC_RELAXED);
    mapped_order();
}

/* A block's link: the next block's unit, unlike anything a program is likely to write there. */
ALWAYS_INLINE uint64_t masked(const struct bounded *heap, uint64_t unit, uint64_t next)
{
    return next ^ bounded_mask(heap, unit);
}

ALWAYS_INLINE bool is_cached(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    return is_unit(heap, unit) && units <= heap->frontier - unit &&
           (load_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE) == fields_quick(units);
}

/* Takes the first block of a list off it, if it is one; else the list ends there. */
ALWAYS_INLINE uint64_t take_first(struct mapped *mapped, struct mapped_cache *cache, uint64_t units)
{
    ASSERT(units >= BOUNDED_LEAST && units < BOUNDED_CACHED);
    struct bounded *heap = mapped->heap;
    uint64_t unit = cache->lists[units];
    if (unlikely(unit == 0))
        return 0;
    if (unlikely(!is_cached(heap, unit, units))) {
        mapped->state->damaged = 1;
        cache->lists[units] = 0;
        return 0;
    }
    cache->pending = unit;
    mapped_order();
    cache->lists[units] = masked(heap, unit, block_links(heap, unit)->next);
    mapped_order();
    cache->counts[units]--;
    cache->allowance += (uint32_t)units;
    return unit;
}

ALWAYS_INLINE void *pop(struct mapped *mapped, struct mapped_cache *cache, size_t size)
{
    struct bounded *heap = mapped->heap;
    uint64_t units = units_for(size), unit = take_first(mapped, cache, units);
    if (likely(unit != 0)) {
        change(heap, unit, fields_quick(units) ^ fields_in_use(units, size));
        cache->pending = 0;
    }
    return unit != 0 ? block_address(heap, unit) : NULL;
}

void *mapped_alloc(struct private_heap *private, size_t align, size_t size, bool zero)
{
    struct mapped *mapped = mapped_of(private);
    struct mapped_cache *cache = own(mapped);
    if (unlikely(size > CACHED_SIZE) || cache == NULL || align > BOUNDED_UNIT ||
        !begin(mapped, cache))
        return mapped_alloc_slow(mapped, align, size, zero);
    void *block = pop(mapped, cache, size);
    end(cache);
    if (unlikely(block == NULL))
        return mapped_alloc_slow(mapped, align, size, zero);
    return unlikely(zero) ? memset(block, 0, zeroed_size(size)) : block;
}

ALWAYS_INLINE bool put(struct mapped *mapped, struct mapped_cache *cache, uint64_t unit)
{
    struct bounded *heap = mapped->heap;
    if (unlikely(!is_unit(heap, unit)))
        return false;
    uint64_t fields = load_fields(heap, unit) & ~BOUNDED_PREVIOUS_FREE,
             units = fields_units(fields);
    if (unlikely(!fields_are_in_use(fields) || units >= BOUNDED_CACHED || units < BOUNDED_LEAST ||
                 units > heap->frontier - unit || units > cache->allowance ||
                 cache->counts[units] >= COUNT_MAX))
        return false;
    cache->pending = unit;
    mapped_order();
    block_links(heap, unit)->next = masked(heap, unit, cache->lists[units]);
    change(heap, unit, fields ^ fields_quick(units));
    cache->lists[units] = unit;
    cache->counts[units]++;
    cache->allowance -= (uint32_t)units;
    mapped_order();
    cache->pending = 0;
    return true;
}

bool mapped_free(struct private_heap *private, void *block)
{
    struct mapped *mapped = mapped_of(private);
    struct mapped_cache *cache = own(mapped);
    if (unlikely(cache == NULL) || !begin(mapped, cache))
        return mapped_free_slow(mapped, block);
    bool done = put(mapped, cache, bounded_unit_of(mapped->heap, block));
    end(cache);
    return likely(done) || mapped_free_slow(mapped, block);
}

/* ---- under the lock ------------------------------------------------------------------------- */

/* Gives the first block of the list to the engine, in one change. False: the list is empty. */
static bool give_first(struct mapped *mapped, struct mapped_cache *cache, uint64_t units)
{
    ASSERT(mapped_is_locked(mapped) && units < BOUNDED_CACHED);
    struct bounded *heap = mapped->heap;
    uint64_t unit = cache->lists[units];
    if (unit == 0)
        return false;
    if (!is_cached(heap, unit, units) || !block_fits(heap, unit, units)) {
        mapped->state->damaged = 1;
        cache->lists[units] = 0;
        return false;
    }
    bounded_journal_begin(heap);
    bounded_note(heap, &cache->lists[units], 1);
    cache->lists[units] = masked(heap, unit, block_links(heap, unit)->next);
    if (bounded_release(heap, unit)) {
        heap->blocks--;
    } else { /* a damaged neighbour: it stays out of circulation */
        set_block(heap, unit,
                  fields_in_use(units, 0) | (block_fields(heap, unit) & BOUNDED_PREVIOUS_FREE));
        mapped->state->damaged = 1;
    }
    bounded_journal_end(heap);
    return true;
}

static void give(struct mapped *mapped, struct mapped_cache *cache, unsigned keep_part)
{
    ASSERT(mapped_is_locked(mapped));
    for (unsigned units = BOUNDED_LEAST; units < BOUNDED_CACHED; units++) {
        unsigned keep = keep_part == 0 ? 0 : cache->counts[units] / keep_part;
        while ((keep == 0 || cache->counts[units] > keep) && give_first(mapped, cache, units)) {
            cache->allowance += units;
            cache->counts[units]--;
        }
        if (keep == 0)
            cache->counts[units] = 0;
    }
}

static uint32_t allowance_for(const struct mapped *mapped)
{
    uint64_t share = mapped->heap->end / ALLOWANCE_SHARE;
    return (uint32_t)(share < ALLOWANCE ? share : ALLOWANCE);
}

void mapped_cache_halve(struct mapped *mapped, struct mapped_cache *cache)
{
    give(mapped, cache, 2);
}

void mapped_cache_empty(struct mapped *mapped, struct mapped_cache *cache)
{
    give(mapped, cache, 0);
    cache->allowance = allowance_for(mapped);
}

void mapped_caches_empty(struct mapped *mapped)
{
    ASSERT(mapped_is_held(mapped));
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++)
        if (mapped_cache_owner(mapped_cache_at(mapped, i)) != 0)
            mapped_cache_empty(mapped, mapped_cache_at(mapped, i));
}

/* ---- whose cache ---------------------------------------------------------------------------- */

/* Another thread of the process may have the cache then, if its heap is still open. */
static void leave(const struct seat *seat)
{
    mapped_leave_cache(seat->serial, seat->taken);
}

static void leave_at_end(void *unused)
{
    (void)unused;
    at_hand = (struct seat){ 0 };
    seats_each(seats, leave);
    seats_give(&seats);
}

static struct mapped_cache *find_free(struct mapped *mapped)
{
    ASSERT(mapped_is_locked(mapped) && mapped->may_cache);
    struct mapped_cache *free = NULL;
    for (unsigned i = 0; i < MAPPED_CACHE_COUNT; i++) {
        struct mapped_cache *cache = mapped_cache_at(mapped, i);
        uint32_t owner = mapped_cache_owner(cache);
        if (owner == mapped->process + 1 &&
            atomic_load_explicit(&cache->idle, memory_order_acquire) != 0)
            return cache;
        if (owner == 0 && free == NULL)
            free = cache;
    }
    return free;
}

static void take(struct mapped *mapped, struct mapped_cache *cache)
{
    ASSERT(mapped_is_locked(mapped));
    uint32_t owner = mapped_cache_owner(cache);
    ASSERT(owner == 0 || owner == mapped->process + 1);
    if (owner == 0) {
        memset(cache, 0, sizeof *cache);
        cache->allowance = allowance_for(mapped);
    }
    atomic_store_explicit(&cache->idle, 0, memory_order_relaxed);
    mapped_cache_set_owner(cache, mapped->process + 1);
}

struct mapped_cache *mapped_cache_own(struct mapped *mapped)
{
    ASSERT(mapped_is_locked(mapped));
    struct mapped_cache *cache = own(mapped);
    if (cache != NULL || !mapped->may_cache)
        return cache;
    struct seat *seat = seats_make(&seats, mapped->slot);
    cache = seat != NULL ? find_free(mapped) : NULL;
    if (cache == NULL && seat != NULL && mapped_scavenge(mapped))
        cache = find_free(mapped);
    if (cache == NULL || !os_thread_on_exit(OS_EXIT_MAPPED, leave_at_end, &at_hand))
        return NULL;
    take(mapped, cache);
    at_hand = *seat = (struct seat){ mapped->serial, cache };
    return cache;
}

void mapped_cache_forget(struct mapped *mapped)
{
    struct seat *seat = seat_of(seats, mapped->slot);
    if (seat != NULL && seat->serial == mapped->serial)
        *seat = (struct seat){ 0 };
    if (at_hand.serial == mapped->serial)
        at_hand = (struct seat){ 0 };
}

/* ---- batches -------------------------------------------------------------------------------- */

static uint64_t batch_for(const struct mapped *mapped, const struct mapped_cache *cache,
                          uint64_t units)
{
    ASSERT(units >= BOUNDED_LEAST && units < BOUNDED_CACHED);
    uint64_t share = mapped->heap->end / BATCH_SHARE / units,
             blocks = share < BATCH ? share : BATCH;
    return blocks * units <= cache->allowance ? blocks : 0;
}

/* Of the (blocks + 1) * units at `unit` all but the first become blocks of the cache. */
static void cut(struct mapped *mapped, struct mapped_cache *cache, uint64_t unit, uint64_t units,
                uint64_t blocks)
{
    ASSERT(cache->lists[units] == 0 && units * blocks <= cache->allowance);
    struct bounded *heap = mapped->heap;
    bounded_note(heap, &cache->lists[units], 1);
    for (uint64_t i = blocks; i != 0; i--) {
        uint64_t at = unit + i * units;
        set_block(heap, at, fields_quick(units));
        set_next(heap, at, masked(heap, at, cache->lists[units]));
        cache->lists[units] = at;
    }
    heap->blocks += blocks;
    cache->counts[units] = (uint16_t)(cache->counts[units] + blocks);
    cache->allowance -= (uint32_t)(units * blocks);
}

void *mapped_cache_fill(struct mapped *mapped, struct mapped_cache *cache, size_t size)
{
    ASSERT(mapped_is_locked(mapped));
    struct bounded *heap = mapped->heap;
    uint64_t units = units_for(size),
             blocks = size > CACHED_SIZE ? 0 : batch_for(mapped, cache, units);
    if (blocks == 0 || cache->lists[units] != 0)
        return NULL;
    uint64_t all = units * (blocks + 1);
    void *block = bounded_alloc_slow(heap, units_room(all), BOUNDED_UNIT, NULL);
    if (block == NULL)
        return NULL;
    uint64_t unit = bounded_unit_of(heap, block), previous = block_fields(heap, unit);
    uint64_t surplus = fields_units(previous) - all; /* too little for a block of its own */
    cut(mapped, cache, unit + surplus, units, blocks);
    set_block(heap, unit,
              fields_in_use(units + surplus, size) | (previous & BOUNDED_PREVIOUS_FREE));
    return block;
}
