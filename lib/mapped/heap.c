/* SPDX-License-Identifier: MIT */
/* heap.c: blocks are taken, given back and resized: what the caches can't do, under the lock, each
 * call one change of the journal. */
#include "mapped/mapped.h"

#include <string.h>

#include "barrow/winerror.h"

enum { SCAVENGE_EVERY = 1024 /* calls under the lock between looks for the dead */ };

static THREAD_LOCAL uint32_t failure;

uint32_t mapped_last_failure(void)
{
    return failure;
}

void mapped_set_failure(uint32_t error)
{
    failure = error;
}

/* ---- a call under the lock ------------------------------------------------------------------ */

struct call {
    struct mapped *mapped;
    struct mapped_cache *cache; /* or NULL */
    uint64_t *pending;          /* where the call's block is named until the call returns */
};

/* False: the heap can't be changed by this thread now. */
static bool begin(struct mapped *mapped, struct call *call)
{
    if (!mapped_lock(mapped)) {
        failure = ERROR_ACCESS_DENIED;
        return false;
    }
    if (bounded_journal(mapped->heap)->active !=
        0) { /* a signal handler in the middle of a change */
        mapped_unlock(mapped);
        failure = ERROR_NOT_ENOUGH_MEMORY;
        return false;
    }
    if (++mapped->since_scavenge % SCAVENGE_EVERY == 0)
        mapped_scavenge(mapped);
    struct mapped_cache *cache = mapped_cache_own(mapped);
    bool begun = mapped_cache_begin(cache);
    *call = (struct call){ mapped, begun ? cache : NULL,
                           begun ? &cache->pending : &mapped->state->pending };
    return true;
}

static void set_pending(struct call *call, uint64_t unit)
{
    ASSERT(call->cache != NULL || mapped_is_locked(call->mapped));
    mapped_order();
    *(volatile uint64_t *)call->pending = unit;
    mapped_order();
}

/* The lock's own pending word belongs to its owner, so it is cleared before. */
static void end(struct call *call)
{
    ASSERT(mapped_is_locked(call->mapped));
    if (call->cache == NULL)
        set_pending(call, 0);
    else
        mapped_cache_end(call->cache);
    mapped_unlock(call->mapped);
    if (call->cache != NULL)
        set_pending(call, 0);
}

/* ---- alloc ---------------------------------------------------------------------------------- */

static void *alloc_once(struct call *call, size_t align, size_t size, bool *zero)
{
    ASSERT(mapped_is_locked(call->mapped));
    ASSERT(align >= BOUNDED_UNIT && (align & (align - 1)) == 0);
    struct mapped *mapped = call->mapped;
    struct bounded *heap = mapped->heap;
    void *block = NULL;
    bounded_journal_begin(heap);
    if (call->cache != NULL && align <= BOUNDED_UNIT)
        block = mapped_cache_fill(mapped, call->cache, size);
    if (block == NULL)
        block = bounded_alloc_slow(heap, size, align, zero);
    if (block != NULL) {
        bounded_note(heap, call->pending, 1);
        set_pending(call, bounded_unit_of(heap, block));
    }
    bounded_journal_end(heap);
    return block;
}

/* What the dead have, and then what anybody has in caches, before a call fails. */
static void *alloc_with_effort(struct call *call, size_t align, size_t size, bool *zero)
{
    ASSERT(mapped_is_locked(call->mapped));
    struct mapped *mapped = call->mapped;
    void *block = NULL;
    if (mapped_scavenge(mapped))
        block = alloc_once(call, align, size, zero);
    if (block != NULL)
        return block;
    mapped_hold(mapped);
    mapped_caches_empty(mapped);
    block = alloc_once(call, align, size, zero);
    mapped_release(mapped);
    return block;
}

static bool can_be(const struct bounded *heap, size_t align, size_t size)
{
    size_t most = (heap->end - heap->first) * BOUNDED_UNIT - 8;
    return size <= most && align <= BOUNDED_FILE_PAGE;
}

void *mapped_alloc_slow(struct mapped *mapped, size_t align, size_t size, bool zero)
{
    bool is_zero = false;
    struct call call;
    align = align < BOUNDED_UNIT ? BOUNDED_UNIT : align;
    failure = ERROR_NOT_ENOUGH_MEMORY;
    if (!can_be(mapped->heap, align, size) || !begin(mapped, &call))
        return NULL;
    void *block = alloc_once(&call, align, size, &is_zero);
    if (block == NULL)
        block = alloc_with_effort(&call, align, size, &is_zero);
    end(&call);
    return block != NULL && zero && !is_zero ? memset(block, 0, zeroed_size(size)) : block;
}

/* ---- free ----------------------------------------------------------------------------------- */

static bool free_under_lock(struct call *call, void *block)
{
    ASSERT(mapped_is_locked(call->mapped));
    struct mapped *mapped = call->mapped;
    struct bounded *heap = mapped->heap;
    if (!bounded_is_block(heap, block))
        return false;
    if (call->cache != NULL)
        mapped_cache_halve(mapped, call->cache);
    set_pending(call, bounded_unit_of(heap, block));
    bounded_journal_begin(heap);
    bool done = bounded_free_slow(heap, block);
    bounded_note(heap, call->pending, 1);
    set_pending(call, 0);
    bounded_journal_end(heap);
    return done;
}

bool mapped_free_slow(struct mapped *mapped, void *block)
{
    struct call call;
    if (!begin(mapped, &call))
        return false;
    failure = ERROR_INVALID_PARAMETER;
    bool done = free_under_lock(&call, block);
    end(&call);
    return done;
}

/* ---- realloc -------------------------------------------------------------------------------- */

/* A block that moves is copied within the change: the old one is free when the change ends. */
static void *realloc_once(struct call *call, void *block, size_t size, bool in_place)
{
    ASSERT(mapped_is_locked(call->mapped));
    struct bounded *heap = call->mapped->heap;
    bounded_journal_begin(heap);
    void *moved = bounded_realloc(heap, block, size, in_place);
    bounded_journal_end(heap);
    return moved;
}

static void *mapped_realloc(struct private_heap *private, void *block, size_t size, bool in_place)
{
    struct mapped *mapped = mapped_of(private);
    struct call call;
    failure = ERROR_NOT_ENOUGH_MEMORY;
    if (!can_be(mapped->heap, 1, size) || !begin(mapped, &call))
        return NULL;
    void *moved = realloc_once(&call, block, size, in_place);
    if (moved == NULL && bounded_is_block(mapped->heap, block)) {
        mapped_hold(mapped);
        mapped_scavenge(mapped);
        mapped_caches_empty(mapped);
        moved = realloc_once(&call, block, size, in_place);
        mapped_release(mapped);
    }
    end(&call);
    return moved;
}

/* ---- the heap as a whole -------------------------------------------------------------------- */

static size_t size(struct private_heap *private, const void *block)
{
    return bounded_block_size(mapped_of(private)->heap, block);
}

static bool validate(struct private_heap *private)
{
    return mapped_validate(mapped_of(private));
}

static size_t compact(struct private_heap *private)
{
    struct mapped *mapped = mapped_of(private);
    if (mapped->read_only) {
        failure = ERROR_ACCESS_DENIED;
        return 0;
    }
    return mapped_compact(mapped);
}

static void lock(struct private_heap *private)
{
    mapped_hold(mapped_of(private));
}

static bool unlock(struct private_heap *private)
{
    return mapped_release(mapped_of(private));
}

static uint32_t failure_of(const struct private_heap *private)
{
    return mapped_of((struct private_heap *)(uintptr_t) private)->read_only ? ERROR_ACCESS_DENIED
                                                                            : failure;
}

const struct heap_backend mapped_backend = {
    .alloc = mapped_alloc,
    .free = mapped_free,
    .realloc = mapped_realloc,
    .size = size,
    .validate = validate,
    .compact = compact,
    .lock = lock,
    .unlock = unlock,
    .end = mapped_end,
    .after_fork = mapped_after_fork,
    .failure = failure_of,
};
