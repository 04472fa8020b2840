/* SPDX-License-Identifier: MIT */
/* spans.c: spans are taken and given back. Memory is looked for in this order:
 *
 *     1. runs that the thread's arena keeps, then its dirty runs, whose pages are there already
 *     2. its clean runs, of which it keeps a few for small spans
 *     3. the ground's dirty, clean and reserved runs, the last committed in steps
 *     4. a new region
 *     5. all of these again after everything that is free has gone back to the system, since the
 *        limit or the system may want that first
 *
 * From region_alloc to region_free the head has a kind that no free run has, so that no neighbour is
 * joined with it. A span on its way back has no kind at all: nobody can take it for anything. */
#include "os/child.h"
#include "region/arena.h"
#include "region/grow.h"
#include "region/moved.h"
#include "region/runs_purge.h"

enum {
    CHUNK = 16, /* granules that an arena takes from the ground at once, for small spans */
    BULK = 32,  /* granules that are taken from a dirty run at once, for small spans, or ... */
    BATCH = 8   /* ... so many runs */
};

/* What is asked for. */
struct request {
    size_t granules, align;
    size_t room; /* granules behind, for growth; they count as free */
};

/* ---- taken ------------------------------------------------------------------------------------ */

static uint32_t take_run(struct run_set *set, const struct request *request, size_t granules)
{
    uint32_t index = runs_take(set, granules, request->align);
    if (index == 0 && request->align > 1)
        index = runs_take_thoroughly(set, granules, request->align);
    return index;
}

static void note_reuse(struct arena *arena)
{
    size_t left = kept_sum(&arena->kept) + count(&arena->dirty_granules);
    allowance_reused(&arena->allowance, left << GRANULE_SHIFT);
}

/* No lock is held. */
static uint32_t take_kept(struct arena *arena, const struct request *request)
{
    uint32_t index = request->align == 1 ? kept_take(&arena->kept, request->granules) : 0;
    if (index != 0)
        note_reuse(arena);
    return index;
}

/* By the thread's own arena, also of the ground's. False when there is no run of that length. */
static bool keep_one_more(struct arena *arena, size_t granules)
{
    uint32_t index = runs_take(&arena->dirty, granules, 1);
    if (index == 0)
        return false;
    add_locked(&arena->dirty_granules, -granules);
    uint64_t rejected = kept_put(&arena_of_thread()->kept, index, granules);
    if (rejected != 0)
        arena_insert_dirty(arena, kept_index(rejected), kept_length(rejected));
    return rejected == 0;
}

/* Puts more by, so that the next spans need no lock: a long run, or some of the same length. Of the ground's
 * no more than a chunk, for others want it too. */
static void keep_more(struct arena *arena, size_t granules)
{
    if (arena != arena_of_thread()) {
        if (granules < CHUNK)
            keep_one_more(arena, CHUNK - granules);
        return;
    }
    if (keep_one_more(arena, BULK))
        return;
    for (int i = 1; i < BATCH; i++)
        if (!keep_one_more(arena, granules))
            return;
}

/* Puts the longest runs by again, which long spans are taken from. */
static void keep_longest(struct arena *arena)
{
    for (unsigned i = 0; i < KEPT_RUNS - BATCH; i++) {
        uint32_t run = runs_longest(&arena->dirty);
        if (run == 0 || !keep_one_more(arena, span_at(run)->granules))
            return;
    }
}

/* The arena's lock is held. All runs of its own are joined before, so that the fit is the best. */
static uint32_t take_dirty(struct arena *arena, const struct request *request)
{
    if (arena == arena_of_thread())
        arena_drain_kept(arena, SIZE_MAX);
    uint32_t index = take_run(&arena->dirty, request, request->granules);
    if (index != 0)
        add_locked(&arena->dirty_granules, -request->granules);
    if (request->granules >= CHUNK && arena == arena_of_thread())
        keep_longest(arena);
    else if (index != 0 && request->align == 1)
        keep_more(arena, request->granules);
    if (index != 0)
        note_reuse(arena);
    return index;
}

/* What the request may become, where that many granules can be had: never less than its own. */
struct wish {
    size_t clean, reserved;
};

static struct wish wish_for(const struct arena *arena, const struct request *request)
{
    size_t whole = request->granules + request->room;
    struct wish wish = { whole, whole };
    if (request->align == 1 && request->room == 0) {
        if (arena != ground() && whole < CHUNK)
            wish.clean = CHUNK;
        wish.reserved = grow_step(whole);
    }
    return wish;
}

/* A run of the set of the wished length, or of the length that will do. */
static uint32_t take_either(struct run_set *set, const struct request *request, size_t wished,
                            size_t *taken)
{
    size_t whole = request->granules + request->room;
    uint32_t index = wished > whole ? take_run(set, request, wished) : 0;
    *taken = wished;
    if (index == 0) {
        index = take_run(set, request, whole);
        *taken = whole;
    }
    return index;
}

/* Clean memory that has been charged for. `taken` granules were in no list: of what is left behind the
 * request's the rest of a chunk is the arena's, all else the ground's. */
static void put_rest(struct arena *arena, const struct request *request, uint32_t index,
                     size_t taken)
{
    size_t whole = request->granules + request->room;
    if (taken == whole)
        return;
    size_t rest = taken - whole, chunk = whole < CHUNK ? CHUNK - whole : 0;
    size_t own = arena == ground() ? 0 : rest < chunk ? rest : chunk;
    index += (uint32_t)whole;
    if (own != 0)
        arena_insert_clean(arena, index, own);
    if (own < rest)
        arena_insert_clean(ground(), index + (uint32_t)own, rest - own);
}

static uint32_t take_own_clean(struct arena *arena, const struct request *request)
{
    if (arena == ground() || request->room != 0)
        return 0;
    region_lock(&arena->lock);
    uint32_t index = take_run(&arena->clean, request, request->granules);
    if (index != 0)
        arena->clean_granules -= request->granules;
    region_unlock(&arena->lock);
    return index;
}

/* Reserved memory of the ground, committed: no more than is needed where the system has no more. */
static uint32_t take_reserved(const struct request *request, size_t wished, size_t *taken)
{
    size_t whole = request->granules + request->room;
    for (;; wished = whole) {
        region_lock(&ground()->lock);
        uint32_t index = take_either(&ground()->reserved, request, wished, taken);
        region_unlock(&ground()->lock);
        if (index == 0 || grow_commit(index, *taken))
            return index;
        if (*taken == whole)
            return 0;
    }
}

/* Clean or reserved memory of the ground, made ready for use. */
static uint32_t take_from_ground(struct arena *arena, const struct request *request)
{
    struct wish wish = wish_for(arena, request);
    size_t taken = 0;
    region_lock(&ground()->lock);
    uint32_t index = take_either(&ground()->clean, request, wish.clean, &taken);
    region_unlock(&ground()->lock);
    if (index == 0)
        index = take_reserved(request, wish.reserved, &taken);
    if (index == 0)
        return 0;
    put_rest(arena, request, index, taken);
    return index;
}

/* The same of a new region. Where the system does not commit as much as is wished, no more than is
 * needed is. */
static uint32_t take_from_region(struct arena *arena, const struct request *request)
{
    size_t whole = request->granules + request->room, taken = 0;
    size_t wished = OS_RECOMMITS ? whole : wish_for(arena, request).reserved;
    uint32_t index = grow_reserve(whole, request->align, wished, &taken);
    if (index == 0)
        return 0;
    if ((!OS_RECOMMITS || taken > whole) && !grow_commit(index, taken))
        return taken == whole ? 0 : take_from_ground(arena, request);
    put_rest(arena, request, index, taken);
    return index;
}

/* Memory that reads as zero; it counts as committed. */
static uint32_t take_fresh(struct arena *arena, const struct request *request)
{
    if (!account_charge(request->granules))
        return 0;
    uint32_t index = take_own_clean(arena, request);
    if (index == 0)
        index = take_from_ground(arena, request);
    if (index == 0)
        index = take_from_region(arena, request);
    if (index == 0) {
        account_discharge(request->granules);
        return 0;
    }
    if (OS_RECOMMITS && !os_recommit(granule_start(index), request->granules << GRANULE_SHIFT)) {
        account_discharge(request->granules);
        arena_insert_clean(ground(), index, request->granules + request->room);
        return 0;
    }
    region_lock(&arena->lock);
    allowance_wanted(&arena->allowance, request->granules << GRANULE_SHIFT);
    region_unlock(&arena->lock);
    return index;
}

static uint32_t take_dirty_of(struct arena *arena, const struct request *request)
{
    region_lock(&arena->lock);
    uint32_t index = take_dirty(arena, request);
    region_unlock(&arena->lock);
    return index;
}

static uint32_t take_used_of(struct arena *arena, const struct request *request)
{
    uint32_t index = take_kept(arena, request);
    bool none = index == 0 && kept_sum(&arena->kept) + count(&arena->dirty_granules) == 0;
    return index != 0 || none ? index : take_dirty_of(arena, request);
}

/* Memory that was in use before, from the thread's arena or the ground, which may be another thread's. */
static uint32_t take_used(struct arena *arena, const struct request *request)
{
    uint32_t index = take_used_of(arena, request);
    return index != 0 || arena == ground() ? index : take_used_of(ground(), request);
}

static struct span *make_span(struct arena *arena, uint32_t index, const struct request *request,
                              enum span_kind kind)
{
    struct span *span = span_at(index);
    span->free = NULL;
    span->holes = 0;
    span->next = span->prev = 0;
    span_set(&span->head, 0);
    span_set(&span->owner, 0);
    span->free_count = 0;
    span->search_at = span->least = 0;
    span->group = span->size_class = 0;
    span->grown = span->emptied = span->moved = span->hollow = span->zero_holes = false;
    span->granules = (uint32_t)request->granules;
    span->room = (uint32_t)request->room;
    atomic_store_explicit(&span->stirred, false, memory_order_relaxed);
    span_set_both(span, kind, arena_number(arena));
    return span;
}

static uint32_t take(struct arena *arena, struct request *request, bool *zero)
{
    uint32_t index = 0;
    *zero = true;
    if (request->room != 0) {
        index = take_fresh(arena, request);
        if (index != 0)
            return index;
        request->room = 0;
    }
    index = take_used(arena, request);
    if (index != 0) {
        *zero = false;
        return index;
    }
    index = take_fresh(arena, request);
    if (index != 0)
        return index;
    runs_purge_all();
    index = take_fresh(arena, request);
    if (index != 0)
        return index;
    grow_give_all_back();
    return take_fresh(arena, request);
}

/* ---- given back ------------------------------------------------------------------------------- */

/* A span whose pages its owner had given back: kept by the owner, it would have come here next. */
static void note_hollow(struct arena *arena, size_t granules)
{
    region_lock(&arena->lock);
    allowance_gave_back(&arena->allowance, granules << GRANULE_SHIFT);
    region_unlock(&arena->lock);
}

static void give_back(struct span *span)
{
    struct arena *arena = arena_for_free(span);
    uint32_t index = span_index(span);
    size_t granules = span->granules, room = span->room;
    if (unlikely(os_locks_memory()))
        os_unlock_memory(granule_start(index), granules << GRANULE_SHIFT);
    bool emptied = span->emptied || (span->moved && moved_renew(index, granules));
    if (span->moved)
        moved_ended();
    if (emptied) {
        if (span->hollow)
            note_hollow(arena, granules);
        account_discharge(granules);
        arena_insert_clean(ground(), index, granules);
    } else {
        arena_keep(arena, index, granules);
    }
    if (room != 0)
        arena_insert_clean(ground(), index + (uint32_t)granules, room);
    runs_purge_surplus(arena, granules);
}

/* ---- by signal handlers ------------------------------------------------------------------------ */

/* The lock's holder may be this very thread, interrupted: whoever calls next does the rest. */
static void defer(struct span *span)
{
    uint32_t index = span_index(span);
    span->next = atomic_load_explicit(&region.deferred, memory_order_relaxed);
    /* release: pairs with the acquire in free_deferred, which may be another thread's */
    while (!atomic_compare_exchange_weak_explicit(&region.deferred, &span->next, index,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

static void free_deferred(void)
{
    if (likely(atomic_load_explicit(&region.deferred, memory_order_relaxed) == 0))
        return;
    uint32_t index = atomic_exchange_explicit(&region.deferred, 0, memory_order_acquire);
    while (index != 0) {
        struct span *span = span_at(index);
        index = span->next;
        give_back(span);
    }
}

/* ---- the interface ----------------------------------------------------------------------------- */

void region_free(struct span *span)
{
    ASSERT(span_kind(span) >= SPAN_META);
    os_child_look();
    span_set_pool(span, NULL);
    span_set_kind(span, SPAN_NONE);
    if (unlikely(region_is_interrupted())) {
        defer(span);
        return;
    }
    free_deferred();
    give_back(span);
}

struct span *region_alloc(size_t granules, size_t align, size_t room, enum span_kind kind,
                          bool *zero)
{
    os_child_look();
    if (unlikely(region_is_interrupted()) || granules > GRANULES_MAX / 2 ||
        align > GRANULES_MAX / 2)
        return NULL;
    free_deferred();
    struct arena *arena = arena_of_thread();
    struct request request = { granules, align, room < GRANULES_MAX / 8 ? room : 0 };
    uint32_t index = take(arena, &request, zero);
    return index != 0 ? make_span(arena, index, &request, kind) : NULL;
}
