/* SPDX-License-Identifier: MIT */
/* grow.c: a region is reserved when no free run will do. Each is half as large as what is
 * committed, 4 MiB to 4 GiB, so that a heap of any size has few, and address space stays in proportion
 * to the heap. Its first and its last granule are guards, never accessible:
 *
 *     | guard | granules, reserved, then committed from the front in steps | guard |
 *
 * Address space goes back when there is more than twice what is committed: the end of a clean or
 * reserved run, the longest first. Where the hole ends beside granules in use, its last granule stays
 * as their guard.
 *
 * A second thread that needs a region while one is being reserved takes one of its own, as small as
 * will do, and so need not wait. */
#include "region/grow.h"

#include "diag/message.h"
#include "region/arena.h"

#define REGION_MIN (4 * MIB)
#define REGION_MAX (4096 * MIB)
#define FIRST_MAX  (256 * MIB) /* where its tables are charged for */
#define STEP_MIN   MIB
#define STEP_MAX   (64 * MIB)
#define SLACK      (16 * MIB) /* address space beyond twice what is committed that may stay, ... */
#define SLACK_MAX  (48 * MIB) /* ... and at which some goes back */
#define HOLE_MIN   (MIB >> GRANULE_SHIFT)
#define PIECES_MAX 24 /* with so many pieces no hole is made inside one: mappings stay few */
#define HOLE_SHARE 32 /* a hole inside a piece is at least this part of what should go */

/* ---- reserve --------------------------------------------------------------------------------- */

static size_t region_size(size_t needed, bool alone)
{
    size_t first = region_settings.reserve != 0 ? region_settings.reserve : REGION_MIN;
    if (OS_RECOMMITS && first > FIRST_MAX)
        first = FIRST_MAX;
    size_t size = (count(&region.committed) << GRANULE_SHIFT) / 2;
    size = size < REGION_MIN ? REGION_MIN : size > REGION_MAX ? REGION_MAX : size;
    if (count(&region.regions) == 0)
        size = first > region_settings.commit ? first : region_settings.commit;
    else if (!alone && size > STEP_MIN)
        size = STEP_MIN;
    return round_up(size > needed ? size : needed, GRANULE_SIZE);
}

static void set_guard(uint32_t index)
{
    struct span *guard = span_at(index);
    guard->granules = 1;
    span_set_kind(guard, SPAN_GUARD);
}

/* [start, end) is reserved address space with a guard at either end. */
static void add_region(uint32_t start, uint32_t end)
{
    set_guard(start);
    set_guard(end - 1);
    add(&region.reserved, (size_t)(end - start) << GRANULE_SHIFT);
    add(&region.reservations, 1);
    add(&region.regions, 1);
    add(&region.pieces, 1);
    region_lock(&ground()->lock);
    runs_insert(ground_reserved(), start + 1, end - start - 2);
    region_unlock(&ground()->lock);
}

static bool reserve(size_t size)
{
    size_t total = size + 2 * GRANULE_SIZE;
    char *start = os_reserve_aligned(total, GRANULE_SIZE, 0);
    if (start == NULL)
        return false;
    size_t first = granule_of(start), granules = total >> GRANULE_SHIFT;
    if (first + granules > GRANULES_MAX || !page_map_cover((uint32_t)first, granules)) {
        os_release(start, total);
        return false;
    }
    os_exclude_from_dumps(start, total);
    add_region((uint32_t)first, (uint32_t)(first + granules));
    message_verbose(1, "reserved %zu KiB of address space, %zu MiB in all", size / KIB,
                    count(&region.reserved) / MIB);
    return true;
}

/* What the program asked to have committed at the start, as far as the limit allows it. */
static void commit_first(void)
{
    size_t bytes = region_settings.commit;
    if (region_settings.commit_limit != 0 && bytes > region_settings.commit_limit)
        bytes = region_settings.commit_limit;
    size_t granules = round_up(bytes, GRANULE_SIZE) >> GRANULE_SHIFT;
    if (granules == 0)
        return;
    region_lock(&ground()->lock);
    uint32_t index = runs_take(ground_reserved(), granules, 1);
    region_unlock(&ground()->lock);
    if (index != 0 && grow_commit(index, granules))
        arena_insert_clean(ground(), index, granules);
}

bool grow_reserve(size_t granules, size_t align)
{
    if (granules > GRANULES_MAX / 2 || align > GRANULES_MAX / 2)
        return false;
    size_t needed = (granules + align - 1) << GRANULE_SHIFT;
    /* acquire and release: one at a time, as of a lock that is only tried */
    bool alone = !atomic_exchange_explicit(&region.growing, true, memory_order_acquire);
    size_t size = region_size(needed, alone);
    bool done = reserve(size);
    while (!done && size > needed) {
        size = size / 2 > needed ? round_up(size / 2, GRANULE_SIZE) : needed;
        done = reserve(size);
    }
    if (done && alone && count(&region.regions) == 1)
        commit_first();
    if (alone)
        atomic_store_explicit(&region.growing, false, memory_order_release);
    return done;
}

/* ---- commit ---------------------------------------------------------------------------------- */

size_t grow_step(size_t needed)
{
    size_t step = (count(&region.committed) << GRANULE_SHIFT) / 4;
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

static bool is_guard(uint32_t index)
{
    return granule_is_ours(index) && span_kind(span_at(index)) == SPAN_GUARD;
}

/* Bytes of address space beyond the bound. */
static size_t surplus(size_t slack)
{
    size_t all = count(&region.reserved) + page_map_bytes();
    size_t bound = 2 * (count(&region.committed) << GRANULE_SHIFT) + slack;
    return all > bound ? all - bound : 0;
}

static bool is_at_guard(uint32_t run)
{
    return is_guard(run - 1) || is_guard(run + span_at(run)->granules);
}

static bool is_whole_piece(uint32_t run)
{
    return is_guard(run - 1) && is_guard(run + span_at(run)->granules);
}

static size_t length_of(uint32_t run)
{
    return run != 0 ? span_at(run)->granules : 0;
}

/* The run to take a hole from, of which `max` granules should go. First one at a guard: a hole there
 * makes no mapping more. Where the system takes back whole reservations only, a whole piece. */
static uint32_t find_hole(const struct run_set *set, size_t max)
{
    enum { LOOKS = 64 };
    if (!OS_RELEASES_PARTS)
        return runs_longest_of(set, is_whole_piece, LOOKS);
    uint32_t longest = runs_longest(set), end = runs_longest_of(set, is_at_guard, LOOKS);
    bool may_part = count(&region.pieces) < PIECES_MAX && length_of(longest) >= max / HOLE_SHARE;
    uint32_t run = end == 0 && may_part ? longest : end;
    return length_of(run) >= HOLE_MIN ? run : 0;
}

/* Takes up to `max` granules, from the end of a run of the ground where a guard is if there is one. */
static size_t take_hole(size_t max, uint32_t *start)
{
    uint32_t clean = find_hole(&ground()->clean, max), other = find_hole(&ground()->reserved, max);
    bool is_clean = length_of(clean) > length_of(other);
    struct run_set *set = is_clean ? &ground()->clean : &ground()->reserved;
    uint32_t index = is_clean ? clean : other;
    size_t length = length_of(index);
    if (length == 0)
        return 0;
    bool at_start = is_guard(index - 1), at_end = is_guard(index + (uint32_t)length);
    size_t taken = OS_RELEASES_PARTS && length > max && max >= HOLE_MIN ? max : length;
    uint32_t rest = (uint32_t)(length - taken);
    *start = at_start && !at_end ? index : index + rest;
    runs_remove(set, index);
    if (rest != 0)
        runs_insert(set, *start == index ? index + (uint32_t)taken : index, rest);
    return taken;
}

static bool make_guard(uint32_t index)
{
    if (!os_forbid(granule_start(index), GRANULE_SIZE))
        return false;
    os_exclude_from_dumps(granule_start(index), GRANULE_SIZE);
    set_guard(index);
    return true;
}

/* Gives [start, end) back. Its neighbours are guards, which go too, or need one, or are free. */
static void release(uint32_t start, uint32_t end)
{
    bool at_start = is_guard(start - 1), at_end = is_guard(end);
    if (at_start)
        span_set_kind(span_at(--start), SPAN_NONE);
    else if (make_guard(start))
        start++;
    if (at_end)
        span_set_kind(span_at(end++), SPAN_NONE);
    else if (make_guard(end - 1))
        end--;
    size_t bytes = (size_t)(end - start) << GRANULE_SHIFT;
    add(&region.reserved, -bytes);
    add(&region.pieces, (size_t)1 - at_start - at_end);
    os_release(granule_start(start), bytes);
}

static void give_back(size_t left)
{
    while (left != 0) {
        uint32_t start = 0;
        region_lock(&ground()->lock);
        size_t taken = take_hole(left, &start);
        region_unlock(&ground()->lock);
        if (taken == 0)
            return;
        release(start, start + (uint32_t)taken);
        left -= taken < left ? taken : left;
    }
}

/* One thread at a time, so that no two make holes side by side, each with its guard. */
static void give_back_alone(size_t left)
{
    if (left == 0 || atomic_exchange_explicit(&region.giving_back, true, memory_order_acquire))
        return;
    give_back(left);
    atomic_store_explicit(&region.giving_back, false, memory_order_release);
}

void grow_give_back(void)
{
    give_back_alone(surplus(SLACK_MAX) != 0 ? surplus(SLACK) >> GRANULE_SHIFT : 0);
}

void grow_give_all_back(void)
{
    give_back_alone(count(&region.reserved) >> GRANULE_SHIFT);
}
