/* SPDX-License-Identifier: MIT */
/* The reservation, its frontier, its account; and the free runs' way back to the system.
 *
 * Two ways to have address space, one index over both. As a rule one reservation is made at first
 * use, and a frontier of committed memory grows in it: two mappings, however large the heap. Where
 * address space is limited (RLIMIT_AS), only the tables are reserved, for a window of addresses
 * some times the limit; memory is then mapped piece by piece inside that window. */
#include "region/region.h"

#include "diag/message.h"
#include "region/runs.h"

#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

#define RESERVE_LEAST (64 * MIB)
#define TABLE_STEP    (64 * KIB)  /* the tables are committed in steps of this many bytes */
#define COMMIT_STEP   MIB         /* the frontier grows by this much at least ... */
#define COMMIT_MOST   (64 * MIB)  /* ... and, beyond what is asked for, by this much at most */
#define DIRTY_LEAST   (256 * MIB) /* free memory up to here is kept for a tick or two */
#define TELL_LEAST    MIB         /* freed bytes that the purge is told of at once */
#define SHORT_SPAN    16          /* granules; see take_short */
#define WINDOW_TRIES  4096        /* places tried for a piece of memory */
#define META_SHARE    256         /* of the address space, for what the library keeps itself */
#define META_LEAST    (16 * MIB)
#define MOVED_MOST    12 /* spans with a mapping of their own: two mappings each */

/* Never accessible: before, between and behind the tables, the library's own room and the blocks.
 */
#define GUARD_SIZE GRANULE_SIZE

struct region_map region_map;
struct region_settings region_settings;
void (*region_on_freed)(void);

static struct {
    struct os_lock lock;
    bool made;
    bool windowed;         /* memory is mapped piece by piece, see above */
    size_t granules;       /* that there are addresses for */
    size_t committed_end;  /* granules below are readable and writable */
    size_t tags_committed; /* bytes */
    size_t spans_committed;
    size_t moved;
    bool moves_fail;       /* one lost its target: copying is safer */
    char *meta, *meta_end; /* committed memory of our own that is not in use yet */
    char *meta_start, *meta_top, *meta_limit; /* its room: committed up to meta_top; or NULL */
    /* the account; in bytes and pieces ... */
    _Atomic size_t reserved, reservations, meta_bytes;
    /* ... and in granules */
    _Atomic size_t committed, committed_peak, dirty, spans;
    _Atomic size_t purged_bytes;
    /* the run that a purge has in hand while the lock is not held */
    uint32_t purging;
    size_t purging_granules;
    /* spans freed by signal handlers that interrupted this room; linked by `next` */
    _Atomic uint32_t deferred;
} region;

/* One purge at a time. Taken before region.lock, and held while the system works. */
static struct os_lock purge_lock;

static size_t count(_Atomic size_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Counters are written under region.lock only; atomic so that others may read them at any time. */
static void add(_Atomic size_t *counter, size_t n)
{
    atomic_store_explicit(counter, count(counter) + n, memory_order_relaxed);
}

/* ---- address space ------------------------------------------------------------------------ */

static bool commit_table(void *table, size_t *committed, size_t bytes)
{
    if (bytes <= *committed)
        return true;
    size_t end = round_up(bytes, TABLE_STEP);
    if (!os_commit((char *)table + *committed, end - *committed))
        return false;
    *committed = end;
    return true;
}

static bool commit_tables(size_t granules)
{
    return commit_table(region_map.tags, &region.tags_committed, granules * sizeof(uint32_t)) &&
           commit_table(region_map.spans, &region.spans_committed, granules * sizeof(struct span));
}

static void set_frontier(size_t granules)
{
    /* release: pairs with granule_is_ours */
    atomic_store_explicit(&region_map.frontier, granules, memory_order_release);
}

static size_t frontier(void)
{
    return atomic_load_explicit(&region_map.frontier, memory_order_relaxed);
}

/* With guards before, between and behind. */
static size_t tables_size(size_t granules)
{
    return GUARD_SIZE + round_up(granules * sizeof(uint32_t), TABLE_STEP) + GUARD_SIZE +
           round_up(granules * sizeof(struct span), TABLE_STEP) + GUARD_SIZE;
}

static void place_tables(char *start, size_t granules)
{
    size_t tags = round_up(granules * sizeof(uint32_t), TABLE_STEP);
    region.granules = granules;
    region_map.tags = (_Atomic uint32_t *)(void *)(start + GUARD_SIZE);
    region_map.spans = (struct span *)(void *)(start + GUARD_SIZE + tags + GUARD_SIZE);
}

static bool reserve_whole(size_t size)
{
    size_t granules = size >> GRANULE_SHIFT;
    size_t meta = round_up(size / META_SHARE, GRANULE_SIZE);
    meta = meta < META_LEAST ? META_LEAST : meta;
    size_t front = tables_size(granules) + meta + GUARD_SIZE;
    size_t total = front + size + 2 * GUARD_SIZE;
    char *reservation = os_reserve(total);
    if (reservation == NULL)
        return false;
    char *start = (char *)round_up((uintptr_t)reservation, GRANULE_SIZE);
    place_tables(start, granules);
    /* so that a free of whatever address finds a tag: 0 */
    if (!os_allow_reading((void *)region_map.tags, granules * sizeof(uint32_t))) {
        os_release(reservation, total);
        return false;
    }
    region.meta_start = region.meta_top = start + tables_size(granules);
    region.meta_limit = region.meta_start + meta;
    region_map.base = (uintptr_t)start + front;
    add(&region.reserved, total);
    add(&region.reservations, 1);
    return true;
}

/* Addresses for four times what the process may have, around a place that the system likes. */
static bool reserve_window(size_t address_space)
{
    size_t granules = (address_space / GRANULE_SIZE) * 4;
    if (granules < RESERVE_LEAST >> GRANULE_SHIFT)
        granules = RESERVE_LEAST >> GRANULE_SHIFT;
    if (granules > os_reserve_wanted() >> GRANULE_SHIFT)
        granules = os_reserve_wanted() >> GRANULE_SHIFT;
    char *tables = os_reserve(tables_size(granules));
    if (tables == NULL)
        return false;
    place_tables(tables, granules);
    if (!commit_tables(granules)) {
        region.tags_committed = region.spans_committed = 0;
        os_release(tables, tables_size(granules));
        return false;
    }
    region.windowed = true;
    add(&region.reserved, tables_size(granules));
    add(&region.reservations, 1);
    uintptr_t middle = (uintptr_t)tables & ~(uintptr_t)(GRANULE_SIZE - 1);
    uintptr_t half = (uintptr_t)(granules / 2) << GRANULE_SHIFT;
    region_map.base = middle > half ? middle - half : GRANULE_SIZE;
    return true;
}

static bool make_reservation(void)
{
    size_t wanted = region_settings.reserve ? region_settings.reserve : os_reserve_wanted();
    size_t address_space = os_address_space_limit();
    wanted = round_up(wanted, GRANULE_SIZE);
    if (address_space < 2 * wanted)
        return reserve_window(address_space);
    for (; wanted >= RESERVE_LEAST; wanted /= 2)
        if (reserve_whole(wanted))
            return true;
    return reserve_window(16 * RESERVE_LEAST);
}

static void make_region(void)
{
    if (!make_reservation())
        return;
    region.made = true;
    region_map.limit = region.granules;
    message_verbose(1, "reserved %zu MiB of address space%s", count(&region.reserved) / MIB,
                    region.windowed ? " for its tables; memory is mapped piece by piece" : "");
    /* index 0 means "none" in all lists, so granule 0 is never a span */
    set_frontier(region.windowed ? region.granules : 1);
    region.committed_end = region.windowed ? region.granules : 0;
    if (region.windowed)
        runs_insert(1, region.granules - 1, SPAN_UNMAPPED);
}

/* ---- frontier ----------------------------------------------------------------------------- */

static size_t commit_step(size_t needed)
{
    size_t step = region.committed_end / 4;
    size_t least = COMMIT_STEP >> GRANULE_SHIFT, most = COMMIT_MOST >> GRANULE_SHIFT;
    if (region.committed_end == 0 && region_settings.commit != 0)
        step = round_up(region_settings.commit, GRANULE_SIZE) >> GRANULE_SHIFT;
    else
        step = step < least ? least : step > most ? most : step;
    step = step > needed ? step : needed;
    size_t left = region.granules - region.committed_end;
    return step < left ? step : left;
}

static bool commit_more(size_t granules)
{
    char *end = (char *)region_map.base + (region.committed_end << GRANULE_SHIFT);
    if (!os_commit(end, granules << GRANULE_SHIFT))
        return false;
    if (region_settings.huge_pages)
        os_advise_huge(end, granules << GRANULE_SHIFT, true);
    region.committed_end += granules;
    return true;
}

static bool commit_to(size_t end)
{
    if (end <= region.committed_end)
        return true;
    size_t needed = end - region.committed_end;
    return commit_more(commit_step(needed)) || commit_more(needed);
}

/* A piece of fresh memory inside the window. Addresses that the process has something else at are
 * forgotten, granule by granule, as they are met. */
static uint32_t map_piece(size_t granules)
{
    for (int tries = 0; tries < WINDOW_TRIES; tries++) {
        uint32_t place = runs_take(SPAN_UNMAPPED, granules, 1);
        if (place == 0)
            return 0;
        enum os_mapped mapped = os_map_at(span_start(span_at(place)), granules << GRANULE_SHIFT);
        if (mapped == OS_MAPPED) {
            add(&region.reserved, granules << GRANULE_SHIFT);
            add(&region.reservations, 1);
            return place;
        }
        if (mapped == OS_REFUSED) {
            runs_insert(place, granules, SPAN_UNMAPPED);
            return 0;
        }
        if (granules > 1)
            runs_insert(place + 1, granules - 1, SPAN_UNMAPPED);
    }
    return 0;
}

static uint32_t extend_window(size_t granules, size_t align)
{
    size_t piece = granules + align - 1;
    size_t comfortable = (4 * MIB) >> GRANULE_SHIFT;
    uint32_t start = piece < comfortable ? map_piece(comfortable) : 0;
    size_t mapped = start != 0 ? comfortable : piece;
    if (start == 0 && (start = map_piece(piece)) == 0)
        return 0;
    runs_insert(start, mapped, SPAN_CLEAN);
    return runs_take(SPAN_CLEAN, granules, align);
}

/* The last `room` granules are for later, and need not be committed if they can be then. */
static uint32_t extend_frontier(size_t granules, size_t align, size_t room)
{
    size_t unit = align << GRANULE_SHIFT;
    size_t end = frontier();
    size_t start = (round_up(region_map.base + (end << GRANULE_SHIFT), unit) - region_map.base) >>
                   GRANULE_SHIFT;
    if (granules > region.granules || start > region.granules - granules)
        return 0;
    if (!commit_tables(start + granules) ||
        !commit_to(start + granules - (OS_RECOMMITS ? room : 0)))
        return 0;
    set_frontier(start + granules);
    if (region.committed_end < start + granules)
        region.committed_end = start + granules;
    if (start > end)
        runs_insert((uint32_t)end, start - end, SPAN_CLEAN);
    return (uint32_t)start;
}

static uint32_t extend(size_t granules, size_t align)
{
    return region.windowed ? extend_window(granules, align) : extend_frontier(granules, align, 0);
}

/* ---- account ------------------------------------------------------------------------------ */

static bool fits_limit(size_t granules)
{
    if (region_settings.commit_limit == 0)
        return true;
    size_t most = region_settings.commit_limit >> GRANULE_SHIFT;
    return granules <= most && count(&region.committed) <= most - granules;
}

static void charge(size_t granules)
{
    add(&region.committed, granules);
    if (count(&region.committed) > count(&region.committed_peak))
        atomic_store_explicit(&region.committed_peak, count(&region.committed),
                              memory_order_relaxed);
}

/* ---- purge -------------------------------------------------------------------------------- */

static void insert_dirty(uint32_t index, size_t granules)
{
    runs_insert(index, granules, SPAN_YOUNG);
    add(&region.dirty, granules);
}

static bool is_unmapped_by_purge(size_t granules)
{
    return region.windowed && granules > SHORT_SPAN;
}

/* Enters and leaves with region.lock held, and lets it go while the system works if it may. False
 * when the system refuses, as it does for locked memory: the run then gets the other kind, out of
 * the way of those that are yet to be purged. */
static bool purge_run(uint32_t index, size_t granules, enum span_kind kind, bool may_unlock)
{
    span_set_kind(span_at(index), SPAN_PURGING);
    if (may_unlock) {
        region.purging = index;
        region.purging_granules = granules;
        os_unlock(&region.lock);
    }
    bool unmap = is_unmapped_by_purge(granules);
    bool done = unmap ? (os_release(span_start(span_at(index)), granules << GRANULE_SHIFT), true)
                      : os_purge(span_start(span_at(index)), granules << GRANULE_SHIFT);
    if (may_unlock) {
        os_lock(&region.lock);
        region.purging = 0;
    }
    span_set_kind(span_at(index), SPAN_NONE);
    runs_insert(index, granules,
                unmap              ? SPAN_UNMAPPED
                : done             ? SPAN_CLEAN
                : kind == SPAN_OLD ? SPAN_YOUNG
                                   : SPAN_OLD);
    if (!done)
        return false;
    if (unmap)
        add(&region.reserved, -(granules << GRANULE_SHIFT));
    add(&region.dirty, -granules);
    add(&region.committed, -granules);
    region_account_purge(granules << GRANULE_SHIFT);
    return true;
}

/* Goes over as much as there was at the start, whatever others free meanwhile. */
static size_t purge_kind(enum span_kind kind, bool may_unlock)
{
    uint32_t index;
    size_t granules, purged = 0, left = count(&region.dirty);
    while (left > 0 && (index = runs_take_any(kind, &granules)) != 0) {
        if (purge_run(index, granules, kind, may_unlock))
            purged += granules;
        left -= granules < left ? granules : left;
    }
    return purged << GRANULE_SHIFT;
}

static void age_runs(void)
{
    uint32_t index;
    size_t granules;
    while ((index = runs_take_any(SPAN_YOUNG, &granules)) != 0)
        runs_insert(index, granules, SPAN_OLD);
}

size_t region_purge(bool all)
{
    os_lock(&purge_lock);
    os_lock(&region.lock);
    size_t purged = purge_kind(SPAN_OLD, true);
    if (all)
        purged += purge_kind(SPAN_YOUNG, true);
    else
        age_runs();
    os_unlock(&region.lock);
    os_unlock(&purge_lock);
    return purged;
}

/* Free memory beyond this is given back at once, oldest first. */
static size_t dirty_most(void)
{
    size_t live = count(&region.committed) - count(&region.dirty);
    size_t least = DIRTY_LEAST >> GRANULE_SHIFT;
    return live / 2 > least ? live / 2 : least;
}

static bool purge_all_locked(void)
{
    return purge_kind(SPAN_OLD, false) + purge_kind(SPAN_YOUNG, false) > 0;
}

/* ---- spans -------------------------------------------------------------------------------- */

static uint32_t take_dirty(size_t granules, size_t align)
{
    uint32_t index = runs_take(SPAN_YOUNG, granules, align);
    if (index == 0)
        index = runs_take(SPAN_OLD, granules, align);
    if (index != 0)
        add(&region.dirty, -granules);
    return index;
}

/* A run of clean memory, ready for use but for its last `room` granules. */
static uint32_t take_recommitted(size_t granules, size_t align, size_t room)
{
    uint32_t index = runs_take(SPAN_CLEAN, granules + room, align);
    if (index == 0 || os_recommit(span_start(span_at(index)), granules << GRANULE_SHIFT))
        return index;
    runs_insert(index, granules + room, SPAN_CLEAN);
    return 0;
}

/* Where address space is scarce, a long run is better kept whole than made use of. */
static uint32_t take_short(size_t granules)
{
    if (!region.windowed || granules > SHORT_SPAN || !fits_limit(granules))
        return 0;
    uint32_t index = take_recommitted(granules, 1, 0);
    if (index != 0)
        charge(granules);
    return index;
}

static uint32_t take_clean(size_t granules, size_t align)
{
    if (!fits_limit(granules))
        return 0;
    uint32_t index = take_recommitted(granules, align, 0);
    if (index == 0)
        index = extend(granules, align);
    if (index != 0)
        charge(granules);
    return index;
}

static uint32_t take_with_room(size_t granules, size_t align, size_t room)
{
    uint32_t index = fits_limit(granules) ? take_recommitted(granules, align, room) : 0;
    if (index == 0 && fits_limit(granules) && !region.windowed &&
        (OS_RECOMMITS || !os_commit_is_strict()))
        index = extend_frontier(granules + room, align, room);
    if (index != 0)
        charge(granules);
    return index;
}

static void init_span(struct span *span, size_t granules, size_t room, enum span_kind kind)
{
    span->free = NULL;
    span->holes = 0;
    span->next = span->prev = 0;
    span_set(&span->head, 0);
    span_set(&span->owner, 0);
    span->free_count = 0;
    span->freed_at = span->least = 0;
    span->group = span->size_class = 0;
    span->grown = span->emptied = span->moved = span->zero_holes = false;
    span->granules = (uint32_t)granules;
    span->room = (uint32_t)room;
    atomic_store_explicit(&span->stirred, false, memory_order_relaxed);
    span_set_kind(span, kind);
    add(&region.spans, 1);
}

static struct span *alloc_locked(size_t granules, size_t align, size_t room, enum span_kind kind,
                                 bool *zero)
{
    if (!region.made)
        make_region();
    if (!region.made || granules >= region.granules || align >= region.granules)
        return NULL;
    *zero = true;
    uint32_t index = room != 0 ? take_with_room(granules, align, room) : 0;
    if (index == 0) {
        room = 0;
        index = align == 1 ? take_short(granules) : 0;
    }
    if (index == 0) {
        index = take_dirty(granules, align);
        *zero = index == 0;
        if (index == 0)
            index = take_clean(granules, align);
        if (index == 0 && purge_all_locked())
            index = take_clean(granules, align);
    }
    if (index == 0)
        return NULL;
    init_span(span_at(index), granules, room, kind);
    return span_at(index);
}

static void insert_emptied(uint32_t index, size_t granules)
{
    runs_insert(index, granules, SPAN_CLEAN);
    add(&region.committed, -granules);
}

/* The memory of [index, index+granules), which has a mapping of its own, becomes plain again. */
static void free_moved(uint32_t index, size_t granules)
{
    if (os_renew(span_start(span_at(index)), granules << GRANULE_SHIFT))
        insert_emptied(index, granules);
    else
        insert_dirty(index, granules);
}

static void free_locked(struct span *span)
{
    uint32_t index = span_index(span);
    size_t granules = span->granules, room = span->room;
    add(&region.spans, (size_t)-1);
    if (span->moved) {
        region.moved--;
        free_moved(index, granules);
    } else if (span->emptied) {
        insert_emptied(index, granules);
    } else {
        insert_dirty(index, granules);
    }
    if (room != 0)
        runs_insert(index + (uint32_t)granules, room, SPAN_CLEAN);
    if (count(&region.dirty) > dirty_most())
        purge_all_locked();
}

/* The lock's holder is this very thread, interrupted: whoever takes the lock next does the rest. */
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
        free_locked(span);
    }
}

void region_free(struct span *span)
{
    span_set_pool(span, NULL);
    span_set_kind(span, SPAN_NONE);
    if (unlikely(region_is_interrupted())) {
        defer(span);
        return;
    }
    os_lock(&region.lock);
    free_deferred();
    free_locked(span);
    os_unlock(&region.lock);
}

/* A purge has memory in hand that may be all there is: lets it finish. */
static void await_purge(void)
{
    os_unlock(&region.lock);
    os_lock(&purge_lock);
    os_unlock(&purge_lock);
    os_lock(&region.lock);
}

struct span *region_alloc(size_t granules, size_t align, size_t room, enum span_kind kind,
                          bool *zero)
{
    if (unlikely(region_is_interrupted()))
        return NULL;
    os_lock(&region.lock);
    free_deferred();
    struct span *span = alloc_locked(granules, align, room, kind, zero);
    if (span == NULL && region.purging != 0) {
        await_purge();
        span = alloc_locked(granules, align, room, kind, zero);
    }
    os_unlock(&region.lock);
    return span;
}

/* Takes `granules` right behind index: free ones, or fresh ones at the frontier. They fit the
 * limit. */
static bool take_behind(uint32_t index, size_t granules, bool *zero)
{
    if (index == frontier() && !region.windowed) {
        *zero = true;
        return extend_frontier(granules, 1, 0) != 0 && (charge(granules), true);
    }
    enum span_kind kind = runs_take_at(index, granules);
    *zero = kind == SPAN_CLEAN;
    if (kind == SPAN_CLEAN && !os_recommit(span_start(span_at(index)), granules << GRANULE_SHIFT)) {
        runs_insert(index, granules, SPAN_CLEAN);
        return false;
    }
    if (kind == SPAN_CLEAN)
        charge(granules);
    else if (kind != SPAN_NONE)
        add(&region.dirty, -granules);
    return kind != SPAN_NONE;
}

bool region_grow(struct span *span, size_t granules, bool *zero)
{
    size_t more = granules - span->granules;
    size_t from_room = more < span->room ? more : span->room;
    os_lock(&region.lock);
    *zero = true;
    bool done = fits_limit(more) &&
                os_recommit(span_start(span) + span_bytes(span), from_room << GRANULE_SHIFT);
    if (done && more > from_room)
        done = take_behind(span_index(span) + span->granules + span->room, more - from_room, zero);
    if (done) {
        charge(from_room);
        span->room -= (uint32_t)from_room;
        span->granules = (uint32_t)granules;
    }
    os_unlock(&region.lock);
    return done;
}

void region_shrink(struct span *span, size_t granules)
{
    uint32_t tail = span_index(span) + (uint32_t)granules;
    size_t cut = span->granules - granules, room = span->room;
    os_lock(&region.lock);
    span->granules = (uint32_t)granules;
    span->room = 0;
    if (span->moved)
        free_moved(tail, cut);
    else
        insert_dirty(tail, cut);
    if (room != 0)
        runs_insert(tail + (uint32_t)cut, room, SPAN_CLEAN);
    os_unlock(&region.lock);
}

/* Nobody must be given [span, span+granules) again: somebody else may have the addresses. */
static void lose_span(struct span *span)
{
    uint32_t behind = span_index(span) + span->granules;
    span_set_kind(span, SPAN_LOST);
    add(&region.spans, (size_t)-1);
    add(&region.committed, -(size_t)span->granules);
    if (span->room != 0)
        runs_insert(behind, span->room, SPAN_CLEAN);
}

enum os_moved region_move(struct span *from, struct span *to, size_t bytes)
{
    enum os_moved moved = OS_NOT_MOVED;
    os_lock(&region.lock);
    if (region.moved < MOVED_MOST && !region.moves_fail)
        moved = os_move(span_start(from), span_start(to), bytes);
    if (moved == OS_MOVED) {
        region.moved++;
        to->moved = true;
        from->emptied = true;
    } else if (moved == OS_TARGET_LOST) {
        region.moves_fail = true;
        lose_span(to);
    }
    os_unlock(&region.lock);
    return moved;
}

/* Where a whole reservation was made, such memory has a room of its own in it. */
static bool commit_meta(size_t bytes)
{
    size_t granules = bytes >> GRANULE_SHIFT;
    if (bytes > (size_t)(region.meta_limit - region.meta_top))
        return false;
    if (!fits_limit(granules))
        purge_all_locked();
    if (!fits_limit(granules) || !os_commit(region.meta_top, bytes))
        return false;
    if (region.meta_end != region.meta_top)
        region.meta = region.meta_top;
    region.meta_end = region.meta_top += bytes;
    add(&region.meta_bytes, bytes);
    charge(granules);
    return true;
}

/* Elsewhere, or when that is full, it is a span. */
static void map_meta(size_t bytes)
{
    bool zero;
    struct span *span = alloc_locked(bytes >> GRANULE_SHIFT, 1, 0, SPAN_META, &zero);
    if (span == NULL)
        return;
    region.meta = span_start(span);
    region.meta_end = region.meta + bytes;
    if (!zero)
        memset(region.meta, 0, bytes);
}

static void *take_meta(size_t size)
{
    if ((size_t)(region.meta_end - region.meta) < size) {
        size_t bytes = round_up(size, GRANULE_SIZE);
        if (!commit_meta(bytes))
            map_meta(bytes);
    }
    if ((size_t)(region.meta_end - region.meta) < size)
        return NULL;
    void *memory = region.meta;
    region.meta += size;
    return memory;
}

void *region_meta(size_t size)
{
    size = round_up(size, CACHE_LINE);
    os_lock(&region.lock);
    if (!region.made)
        make_region();
    void *memory = take_meta(size);
    if (memory == NULL && region.purging != 0 && !os_lock_is_mine(&purge_lock)) {
        await_purge();
        memory = take_meta(size);
    }
    os_unlock(&region.lock);
    return memory;
}

/* ---- questions ---------------------------------------------------------------------------- */

size_t region_committed(void)
{
    return count(&region.committed) << GRANULE_SHIFT;
}

size_t region_dirty(void)
{
    return count(&region.dirty) << GRANULE_SHIFT;
}

void region_freed(size_t bytes)
{
    if (region_on_freed != NULL && (bytes >= TELL_LEAST || region_dirty() >= TELL_LEAST))
        region_on_freed();
}

struct span *region_find(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    size_t head = granule;
    while (head > 0 && span_kind(span_at(head)) == SPAN_NONE)
        head--;
    if (head == 0 || head + span_at(head)->granules <= granule)
        return NULL;
    return span_at(head);
}

void region_account_purge(size_t bytes)
{
    atomic_fetch_add_explicit(&region.purged_bytes, bytes, memory_order_relaxed);
}

/* At any time: the peak may be read just before another thread sets it. */
void region_figures(struct region_figures *figures)
{
    size_t committed = count(&region.committed), peak = count(&region.committed_peak);
    figures->reserved = count(&region.reserved);
    figures->reservations = count(&region.reservations);
    figures->committed = committed << GRANULE_SHIFT;
    figures->committed_peak = (peak > committed ? peak : committed) << GRANULE_SHIFT;
    figures->purged = count(&region.purged_bytes);
    figures->spans = count(&region.spans);
    figures->meta = count(&region.meta_bytes);
}

bool region_is_interrupted(void)
{
    return os_lock_is_mine(&region.lock) || os_lock_is_mine(&purge_lock);
}

/* ---- fork --------------------------------------------------------------------------------- */

/* Another thread was at work here when the process forked, and does not exist in the child: what it
 * left may be half done. Spans in use are sound, for a span's head is written once it is taken. The
 * free runs are given up: the child goes on with fresh memory. */
static void abandon_free_runs(void)
{
    runs_forget();
    for (size_t i = 1; i < region.committed_end && i < frontier(); i++) {
        enum span_kind kind = span_kind(span_at(i));
        if (kind >= SPAN_UNMAPPED && kind <= SPAN_PURGING)
            span_set_kind(span_at(i), SPAN_NONE);
    }
    atomic_store_explicit(&region.dirty, 0, memory_order_relaxed);
    region.meta = region.meta_end = NULL;
}

/* Another thread had this run in hand. One that it was unmapping may be gone or not: if not, its
 * memory is lost, for in doubt nobody may be given it. */
static void inherit_purging(uint32_t index, size_t granules)
{
    span_set_kind(span_at(index), SPAN_NONE);
    if (!is_unmapped_by_purge(granules)) {
        runs_insert(index, granules, SPAN_YOUNG);
        return;
    }
    runs_insert(index, granules, SPAN_UNMAPPED);
    add(&region.reserved, -(granules << GRANULE_SHIFT));
    add(&region.dirty, -granules);
    add(&region.committed, -granules);
}

void region_after_fork(void)
{
    if (region_is_interrupted())
        return; /* a signal handler forked: the interrupted work goes on in the child */
    bool torn = os_lock_is_held(&region.lock);
    uint32_t purging = region.purging;
    os_lock_reset(&region.lock);
    os_lock_reset(&purge_lock);
    region.purging = 0;
    if (torn)
        abandon_free_runs();
    else if (purging != 0)
        inherit_purging(purging, region.purging_granules);
}
