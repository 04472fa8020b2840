/* SPDX-License-Identifier: MIT */
/* grow.c: a region is reserved when no free run will do. Each is three quarters of what is
 * committed, 4 MiB to 4 GiB, so that a heap of any size has few, and address space stays in proportion
 * to the heap. Its first and its last granule are guards, never accessible:
 *
 *     | guard | granules, reserved, then committed from the front in steps | guard |
 *
 * What lies between two guards is a piece. A region that the system puts right beside a piece is joined
 * with it, and the guards between become free granules: so a heap of any size has few mappings.
 *
 * Address space goes back when there is more than twice what is committed, in this order: pieces that
 * are free as a whole, of any size, so that small ones do not pile up; ends of free runs at guards, the
 * longest first; holes inside pieces. A hole makes one mapping more. Its edges are guards in name: a
 * granule at each side that is not used any more, for the hole behind it is not accessible anyway. Where
 * blocks that stay are spread over a large heap, the holes that may be made without further ado
 * (MAPPINGS_FEW) do not suffice; more are made only as long as there is four times what is committed.
 *
 * A second thread that needs a region while one is being reserved takes one of its own, as small as
 * will do, and so need not wait. What a thread has reserved a region for is handed to it before others
 * see the rest. */
#include "region/grow.h"

#include "diag/message.h"
#include "os/process.h"
#include "region/arena.h"

#define REGION_MIN (4 * MIB)
#define REGION_MAX (4096 * MIB)
/* What an option may make of the first region: the tables of a larger one take seconds, or are charged for. */
#define COMMIT_MAX  (64 * 1024 * MIB)
#define RESERVE_MAX (OS_RECOMMITS ? 256 * MIB : COMMIT_MAX)
#define REGION_FEW  MIB /* where another thread is reserving one */
#define STEP_MIN    (MIB / 4)
#define STEP_MAX    (64 * MIB)
#define SLACK       (16 * MIB) /* address space beyond the bound that may stay, ... */
#define SLACK_MAX   (48 * MIB) /* ... and at which some goes back */
#define HOLE_MIN    (MIB >> GRANULE_SHIFT)

enum {
    FEW = 2,             /* the bound, in multiples of what is committed, with few mappings ... */
    MANY = 4,            /* ... and with many */
    MAPPINGS_FEW = 36,   /* beyond, holes are made inside pieces for the second bound only */
    MAPPINGS_MAX = 8192, /* an eighth of what Linux allows a process */
    HOLE_SHARE = 64,     /* with few mappings, a hole is at least this part of what should go */
    HOLES_AT_ONCE = 16
};

/* ---- pieces: the ground's lock is held --------------------------------------------------------- */

static bool is_last_guard(uint32_t index)
{
    return is_guard(index) && span_get(&span_at(index)->head) == 0;
}

enum side { FIRST, LAST };

/* `head` tells the side; `room` whether the system lets the granule be accessed. */
static void guard_set(uint32_t index, enum side side, bool accessible)
{
    struct span *guard = span_at(index);
    guard->granules = 1;
    guard->room = accessible;
    span_set(&guard->head, side == FIRST ? index : 0);
    span_set_both(guard, SPAN_GUARD, GROUND);
    add(&region.mappings, !accessible);
}

static void guard_drop(uint32_t index)
{
    ASSERT(is_guard(index));
    span_set_kind(span_at(index), SPAN_NONE);
    add(&region.mappings, (size_t)0 - (span_at(index)->room == 0));
}

/* The guard has lost its hole, or the end of address space that it stood at: it is free. */
static void guard_free(uint32_t index)
{
    bool accessible = span_at(index)->room != 0;
    guard_drop(index);
    runs_insert(accessible ? &ground()->clean : ground_reserved(), index, 1);
}

/* Mappings of pieces, about: reserved runs part what is committed. Any thread: a figure */
static size_t mappings(void)
{
    return count(&region.mappings) + 2 * (size_t)runs_count(&ground()->reserved);
}

static size_t length_of(uint32_t run)
{
    return run != 0 ? span_at(run)->granules : 0;
}

/* A piece is in the list by its first guard. */
static void piece_link(uint32_t guard)
{
    struct span *span = span_at(guard);
    span->prev = 0;
    span->next = region.pieces;
    if (span->next != 0)
        span_at(span->next)->prev = guard;
    region.pieces = guard;
    add(&region.mappings, 1);
}

static void piece_unlink(uint32_t guard)
{
    struct span *span = span_at(guard);
    if (span->next != 0)
        span_at(span->next)->prev = span->prev;
    if (span->prev != 0)
        span_at(span->prev)->next = span->next;
    else
        region.pieces = span->next;
    add(&region.mappings, (size_t)-1);
}

/* [start, end) is new address space, of which [index, index+taken) is in use; none if that is 0. */
static void piece_add(uint32_t start, uint32_t end, uint32_t index, size_t taken)
{
    bool below = OS_RELEASES_PARTS && is_guard(start - 1);
    bool above = OS_RELEASES_PARTS && is_guard(end);
    uint32_t from = below ? start : start + 1, to = above ? end : end - 1;
    if (below) {
        guard_free(start - 1);
    } else {
        guard_set(start, FIRST, false);
        piece_link(start);
    }
    if (above) {
        piece_unlink(end);
        guard_free(end);
    } else {
        guard_set(end - 1, LAST, false);
    }
    if (taken == 0)
        index = to;
    if (from < index)
        runs_insert(ground_reserved(), from, index - from);
    if (index + taken < to)
        runs_insert(ground_reserved(), index + (uint32_t)taken, to - index - taken);
}

/* ---- reserve --------------------------------------------------------------------------------- */

/* What a region is reserved for. */
struct need {
    size_t granules, align;
    size_t wished; /* granules to hand out, if there are as many */
    size_t taken;  /* handed out */
};

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t first_size(void)
{
    size_t wanted = region_settings.reserve != 0 ? region_settings.reserve : REGION_MIN;
    size_t reserve = min(wanted, RESERVE_MAX), commit = min(region_settings.commit, COMMIT_MAX);
    return reserve > commit ? reserve : commit;
}

static size_t region_size(size_t needed, bool alone)
{
    size_t size = (count(&region.committed) << GRANULE_SHIFT) / 4 * 3;
    size = size < REGION_MIN ? REGION_MIN : min(size, REGION_MAX);
    if (count(&region.regions) == 0)
        size = first_size();
    else if (!alone && size > REGION_FEW)
        size = REGION_FEW;
    return round_up(size > needed ? size : needed, GRANULE_SIZE);
}

/* [start, end) is reserved address space. Returns the first of the granules that are handed out. */
static uint32_t add_region(uint32_t start, uint32_t end, struct need *need)
{
    uint32_t index = (uint32_t)round_up(start + 1, need->align);
    size_t left = end - 1 - index;
    need->taken = need->wished < left ? need->wished : left;
    ASSERT(need->taken >= need->granules);
    add(&region.reserved, (size_t)(end - start) << GRANULE_SHIFT);
    add(&region.reservations, 1);
    add(&region.regions, 1);
    region_lock(&ground()->lock);
    piece_add(start, end, index, need->taken);
    region_unlock(&ground()->lock);
    return index;
}

/* The lock is held over system calls, but only those wait for it who need address space, too. */
static bool cover(uint32_t first, size_t granules)
{
    region_lock(&region.cover_lock);
    bool covered = page_map_cover(first, granules);
    region_unlock(&region.cover_lock);
    return covered;
}

/* The tables of a long span take time and memory themselves. So before they are made the system is asked
 * whether it would let the span be committed: mostly address space is granted without looking at its size. */
static bool may_commit(char *start, size_t granules)
{
    size_t bytes = granules << GRANULE_SHIFT;
    return bytes < REGION_MAX || (os_commit(start, bytes) && os_forbid(start, bytes));
}

static uint32_t reserve(size_t size, struct need *need)
{
    size_t total = size + 2 * GRANULE_SIZE;
    char *start = os_reserve_aligned(total, GRANULE_SIZE, 0);
    if (start == NULL)
        return 0;
    size_t first = granule_of(start), granules = total >> GRANULE_SHIFT;
    if (first + granules > GRANULES_MAX || !may_commit(start + GRANULE_SIZE, need->granules) ||
        !cover((uint32_t)first, granules)) {
        os_release(start, total);
        return 0;
    }
    os_exclude_from_dumps(start, total);
    uint32_t index = add_region((uint32_t)first, (uint32_t)(first + granules), need);
    message_verbose(1, "reserved %zu KiB of address space, %zu MiB in all", size / KIB,
                    count(&region.reserved) / MIB);
    return index;
}

/* What the program asked to have committed at the start, as far as the limit allows it. */
static size_t commit_first(void)
{
    size_t bytes = region_settings.commit;
    if (region_settings.commit_limit != 0 && bytes > region_settings.commit_limit)
        bytes = region_settings.commit_limit;
    return round_up(bytes, GRANULE_SIZE) >> GRANULE_SHIFT;
}

/* Not more than what was refused makes likely: at a limit a call that fails asks the system for one
 * size, not for all from the largest down. */
static size_t likely_size(size_t size, size_t needed)
{
    size_t refused = count(&region.refused);
    if (refused != 0 && size >= refused)
        size = round_up(refused / 2, GRANULE_SIZE);
    return size > needed ? size : needed;
}

static uint32_t reserve_likely(size_t size, struct need *need)
{
    size_t refused = count(&region.refused);
    uint32_t index = reserve(size, need);
    if (index == 0)
        refused = size;
    else if (refused != 0)
        refused = refused < REGION_MAX ? 2 * refused : 0;
    atomic_store_explicit(&region.refused, refused, memory_order_relaxed);
    return index;
}

static uint32_t reserve_some(struct need *need, bool alone)
{
    size_t needed = (need->granules + need->align - 1) << GRANULE_SHIFT;
    size_t size = likely_size(region_size(needed, alone), needed);
    uint32_t index = reserve_likely(size, need);
    while (index == 0 && size > needed) {
        size = size / 2 > needed ? round_up(size / 2, GRANULE_SIZE) : needed;
        index = reserve_likely(size, need);
    }
    return index;
}

/* A short reserved run, if there are no long ones; it is in no list any more. */
static uint32_t take_tail(size_t *granules)
{
    enum { TAIL_SHARE = 32 };
    region_lock(&ground()->lock);
    uint32_t run = runs_longest(&ground()->reserved);
    *granules = length_of(run);
    if (*granules > count(&region.committed) / TAIL_SHARE)
        run = 0;
    if (run != 0)
        runs_remove(&ground()->reserved, run);
    region_unlock(&ground()->lock);
    return run;
}

/* What is left of other regions, too short for what is wanted, becomes clean memory, so that it parts no
 * mappings. */
static void commit_tails(void)
{
    size_t granules = 0;
    uint32_t run;
    while (!OS_RECOMMITS && (run = take_tail(&granules)) != 0 && grow_commit(run, granules))
        arena_insert_clean(ground(), run, granules);
}

uint32_t grow_reserve(size_t granules, size_t align, size_t wished, size_t *taken)
{
    if (granules > GRANULES_MAX / 2 || align > GRANULES_MAX / 2)
        return 0;
    /* acquire and release: one at a time, as of a lock that is only tried */
    bool alone = !atomic_exchange_explicit(&region.growing, true, memory_order_acquire);
    struct need need = { granules, align, wished, 0 };
    if (count(&region.regions) == 0 && need.wished < commit_first())
        need.wished = commit_first();
    if (alone)
        commit_tails();
    uint32_t index = reserve_some(&need, alone);
    *taken = need.taken;
    if (alone)
        atomic_store_explicit(&region.growing, false, memory_order_release);
    return index;
}

/* ---- commit ---------------------------------------------------------------------------------- */

size_t grow_step(size_t needed)
{
    size_t step = (count(&region.committed) << GRANULE_SHIFT) / 8;
    step = step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step;
    if (region_settings.commit_limit != 0 && step > region_settings.commit_limit)
        step = region_settings.commit_limit;
    size_t granules = round_up(step, GRANULE_SIZE) >> GRANULE_SHIFT;
    return granules > needed ? granules : needed;
}

bool grow_commit(uint32_t index, size_t granules)
{
    size_t bytes = granules << GRANULE_SHIFT;
    if (os_commit(granule_start(index), bytes)) {
        if (region_settings.huge_pages)
            os_advise_huge(granule_start(index), bytes, true);
        return true;
    }
    region_lock(&ground()->lock);
    runs_insert(ground_reserved(), index, granules);
    region_unlock(&ground()->lock);
    return false;
}

/* ---- give back ------------------------------------------------------------------------------- */

/* Granules of address space beyond so many times what is committed. */
static size_t surplus(size_t times, size_t slack)
{
    size_t all = count(&region.reserved) + page_map_bytes();
    size_t bound = times * (count(&region.committed) << GRANULE_SHIFT) + slack;
    return all > bound ? (all - bound) >> GRANULE_SHIFT : 0;
}

/* relaxed: who misses it looks the next time */
static bool may_have_free_piece(void)
{
    return atomic_load_explicit(&region.free_pieces, memory_order_relaxed);
}

static void note_free_pieces(bool may)
{
    atomic_store_explicit(&region.free_pieces, may, memory_order_relaxed);
}

static struct run_set *set_of(uint32_t run)
{
    return span_kind(span_at(run)) == SPAN_CLEAN ? &ground()->clean : &ground()->reserved;
}

static bool is_ground_run(uint32_t index)
{
    if (!granule_is_ours(index))
        return false;
    return span_is_run(span_at(index), SPAN_CLEAN, GROUND) ||
           span_is_run(span_at(index), SPAN_RESERVED, GROUND);
}

/* The last guard of the piece, if all between is free; else 0. */
static uint32_t end_of_free_piece(uint32_t guard)
{
    uint32_t at = guard + 1;
    while (is_ground_run(at))
        at += span_at(at)->granules;
    return is_last_guard(at) ? at : 0;
}

/* What was taken out of the lists, to go back. */
struct hole {
    uint32_t start;
    size_t granules; /* 0: there is none */
};

static struct hole take_free_piece(void)
{
    uint32_t guard = may_have_free_piece() ? region.pieces : 0, end = 0;
    while (guard != 0 && (end = end_of_free_piece(guard)) == 0)
        guard = span_at(guard)->next;
    if (guard == 0) {
        note_free_pieces(false);
        return (struct hole){ 0, 0 };
    }
    for (uint32_t at = guard + 1; at != end;) {
        uint32_t next = at + span_at(at)->granules;
        runs_remove(set_of(at), at);
        at = next;
    }
    piece_unlink(guard);
    guard_drop(guard);
    guard_drop(end);
    return (struct hole){ guard, end + 1 - guard };
}

static bool is_at_guard(uint32_t run)
{
    return is_guard(run - 1) || is_guard(run + span_at(run)->granules);
}

static uint32_t longer(uint32_t a, uint32_t b)
{
    return length_of(a) > length_of(b) ? a : b;
}

/* The run to take a hole from, of which `max` granules should go; 0 when there is none. First one at a
 * guard: a hole there makes no mapping more. */
static uint32_t find_hole(size_t max)
{
    enum { LOOKS = 64 };
    const struct run_set *clean = &ground()->clean, *reserved = ground_reserved();
    uint32_t end = longer(runs_longest_of(clean, is_at_guard, LOOKS),
                          runs_longest_of(reserved, is_at_guard, LOOKS));
    if (length_of(end) >= HOLE_MIN)
        return end;
    size_t least = HOLE_MIN;
    if (mappings() < MAPPINGS_FEW)
        least = max / HOLE_SHARE > HOLE_MIN ? max / HOLE_SHARE : HOLE_MIN;
    else if (mappings() > MAPPINGS_MAX || surplus(MANY, SLACK_MAX) == 0)
        return 0;
    uint32_t run = longer(runs_longest(clean), runs_longest(reserved));
    return length_of(run) >= least + 2 ? run : 0;
}

/* Takes up to `max` granules, from the end of a run of the ground where a guard is if there is one. The
 * hole takes that guard along. At its other edge its own granule becomes one. */
static struct hole take_end(size_t max)
{
    uint32_t run = find_hole(max);
    if (run == 0)
        return (struct hole){ 0, 0 };
    struct run_set *set = set_of(run);
    bool accessible = set->kind == SPAN_CLEAN;
    size_t length = length_of(run), taken = length > max && max >= HOLE_MIN ? max : length;
    bool at_start = is_guard(run - 1), at_end = is_guard(run + (uint32_t)length);
    uint32_t rest = (uint32_t)(length - taken), start = at_start && !at_end ? run : run + rest;
    uint32_t end = start + (uint32_t)taken;
    runs_remove(set, run);
    if (rest != 0)
        runs_insert(set, start == run ? end : run, rest);
    at_start = is_guard(start - 1);
    at_end = is_guard(end);
    if (at_start) {
        piece_unlink(start - 1);
        guard_drop(--start);
    } else {
        guard_set(start++, LAST, accessible);
    }
    if (at_end) {
        guard_drop(end++);
    } else {
        guard_set(--end, FIRST, accessible);
        piece_link(end);
    }
    note_free_pieces(true);
    return (struct hole){ start, end - start };
}

static _Atomic uint64_t refused_until; /* milliseconds. relaxed: who misses it is refused, too */

static bool is_refused(void)
{
    uint64_t until = atomic_load_explicit(&refused_until, memory_order_relaxed);
    return until != 0 && os_milliseconds() < until;
}

/* The system has not taken it, as where the process may have no more mappings. */
static void keep_hole(struct hole hole)
{
    enum { PAUSE = 1000 };
    region_lock(&ground()->lock);
    piece_add(hole.start, hole.start + (uint32_t)hole.granules, 0, 0);
    region_unlock(&ground()->lock);
    atomic_store_explicit(&refused_until, os_milliseconds() + PAUSE, memory_order_relaxed);
}

static bool give_hole_back(size_t left)
{
    region_lock(&ground()->lock);
    struct hole hole = take_free_piece();
    if (hole.granules == 0 && left != 0 && OS_RELEASES_PARTS)
        hole = take_end(left);
    region_unlock(&ground()->lock);
    if (hole.granules == 0)
        return false;
    size_t bytes = hole.granules << GRANULE_SHIFT;
    if (!os_release(granule_start(hole.start), bytes)) {
        keep_hole(hole);
        return false;
    }
    add(&region.reserved, -bytes);
    return true;
}

static bool too_many_mappings(void)
{
    return mappings() > MAPPINGS_FEW && may_have_free_piece();
}

void grow_give_back(void)
{
    if ((surplus(FEW, SLACK_MAX) == 0 && !too_many_mappings()) || is_refused())
        return;
    for (int i = 0; i < HOLES_AT_ONCE; i++) {
        size_t left = surplus(FEW, SLACK);
        if ((left == 0 && !too_many_mappings()) || !give_hole_back(left))
            return;
    }
}

void grow_give_all_back(void)
{
    while (give_hole_back(count(&region.reserved) >> GRANULE_SHIFT))
        ;
}

void grow_after_fork(void)
{
    atomic_store_explicit(&region.mappings, 0, memory_order_relaxed);
    region.pieces = 0;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        const struct span *guard = span_at(i);
        if (span_kind(guard) != SPAN_GUARD)
            continue;
        add(&region.mappings, guard->room == 0);
        if (!is_last_guard((uint32_t)i))
            piece_link((uint32_t)i);
    }
}
