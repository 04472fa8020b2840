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
#define STEP_MIN   MIB
#define STEP_MAX   (64 * MIB)
#define SLACK      (16 * MIB) /* address space beyond twice what is committed that may stay, ... */
#define SLACK_MAX  (48 * MIB) /* ... and at which some goes back */
#define HOLE_MIN   (MIB >> GRANULE_SHIFT)
#define HOLE_SHARE 8 /* a hole inside a region is at least this part of all: they stay few */

/* ---- reserve --------------------------------------------------------------------------------- */

static size_t region_size(size_t needed, bool alone)
{
    size_t first = region_settings.reserve != 0 ? region_settings.reserve : REGION_MIN;
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
    region_lock(&ground()->lock);
    runs_insert(&ground()->reserved, start + 1, end - start - 2);
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
    uint32_t index = runs_take(&ground()->reserved, granules, 1);
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
    runs_insert(&ground()->reserved, index, granules);
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
    size_t all = count(&region.reserved);
    size_t bound = 2 * (count(&region.committed) << GRANULE_SHIFT) + slack;
    return all > bound ? all - bound : 0;
}

static size_t longest(const struct run_set *set, uint32_t *index)
{
    *index = runs_longest(set);
    return *index != 0 ? span_at(*index)->granules : 0;
}

/* Takes up to `max` granules from an end of the longest run of the ground, where a guard is if there
 * is one: a hole there makes no mapping more. The whole run where the system takes back whole
 * reservations only. */
static size_t take_hole(size_t max, size_t min, uint32_t *start)
{
    uint32_t clean, reserved;
    size_t clean_length = longest(&ground()->clean, &clean);
    size_t reserved_length = longest(&ground()->reserved, &reserved);
    bool is_clean = clean_length > reserved_length;
    struct run_set *set = is_clean ? &ground()->clean : &ground()->reserved;
    uint32_t index = is_clean ? clean : reserved;
    size_t length = is_clean ? clean_length : reserved_length;
    bool at_start = index != 0 && is_guard(index - 1);
    bool at_end = index != 0 && is_guard(index + (uint32_t)length);
    if (length < HOLE_MIN || (!at_start && !at_end && length < min))
        return 0;
    if (!OS_RELEASES_PARTS && !(at_start && at_end))
        return 0;
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
    if (is_guard(start - 1))
        span_set_kind(span_at(--start), SPAN_NONE);
    else if (make_guard(start))
        start++;
    if (is_guard(end))
        span_set_kind(span_at(end++), SPAN_NONE);
    else if (make_guard(end - 1))
        end--;
    size_t bytes = (size_t)(end - start) << GRANULE_SHIFT;
    add(&region.reserved, -bytes);
    os_release(granule_start(start), bytes);
}

/* `min`: the shortest hole inside a region. */
static void give_back(size_t left, size_t min)
{
    while (left != 0) {
        uint32_t start = 0;
        region_lock(&ground()->lock);
        size_t taken = take_hole(left, min, &start);
        region_unlock(&ground()->lock);
        if (taken == 0)
            return;
        release(start, start + (uint32_t)taken);
        left -= taken < left ? taken : left;
    }
}

void grow_give_back(void)
{
    size_t min = count(&region.reserved) / HOLE_SHARE >> GRANULE_SHIFT;
    give_back(surplus(SLACK_MAX) != 0 ? surplus(SLACK) >> GRANULE_SHIFT : 0, min);
}

void grow_give_all_back(void)
{
    give_back(count(&region.reserved) >> GRANULE_SHIFT, HOLE_MIN);
}
