/* SPDX-License-Identifier: MIT */
/* page_map.c: leaves of the page map are made here. Room for them is reserved for one, then for one,
 * two, four and more at once, so that they take few mappings; leaves in one mapping are 2 MiB apart:
 *
 *     | guard | descriptors, 1 MiB, aligned to 1 MiB | tags, 256 KiB | struct leaf_info | ... | guard |
 *
 * A leaf is readable, writable memory from the start: only the pages of granules in use are touched.
 * Where memory is charged for when it is committed (OS_RECOMMITS), a leaf's tags are committed with the
 * leaf, since any address may lead to them, and its descriptors by parts as regions come. So what the
 * map is charged with follows the heap. */
#include "region/page_map.h"

#include "os/lock.h"
#include "os/vm.h"

enum { LEAVES_AT_ONCE = 16 };

#define GUARD_BYTES ((size_t)GRANULE_SIZE)
#define LEAF_BYTES  (LEAF_SPANS_BYTES + LEAF_TAGS_BYTES + GRANULE_SIZE)
#define LEAF_STRIDE (2 * LEAF_SPANS_BYTES)

struct region_map region_map;

static _Atomic size_t leaves, reserved;

/* Room for leaves. A thread exchanges it out, takes one, and puts the rest back. */
static _Atomic uintptr_t room;
static _Atomic size_t room_leaves;

static char *reserve_leaves(size_t count)
{
    size_t bytes = (count - 1) * LEAF_STRIDE + LEAF_BYTES + 2 * GUARD_BYTES;
    char *guard = os_reserve_aligned(bytes, LEAF_SPANS_BYTES, GUARD_BYTES);
    if (guard == NULL)
        return NULL;
    if (!OS_RECOMMITS && !os_commit(guard + GUARD_BYTES, bytes - 2 * GUARD_BYTES)) {
        os_release(guard, bytes);
        return NULL;
    }
    os_exclude_from_dumps(guard, bytes); /* mostly untouched, and of no use without the process */
    atomic_fetch_add_explicit(&reserved, bytes, memory_order_relaxed);
    return guard + GUARD_BYTES;
}

/* Room for one leaf. Threads that need some at the same time may each reserve their own. */
static char *take_room(void)
{
    /* acquire and release: the count belongs to the room */
    char *spans = (char *)atomic_exchange_explicit(&room, 0, memory_order_acquire);
    size_t left = atomic_load_explicit(&room_leaves, memory_order_relaxed);
    if (spans == NULL) {
        size_t made = atomic_load_explicit(&leaves, memory_order_relaxed);
        left = made < 2 ? 1 : made < LEAVES_AT_ONCE ? made : LEAVES_AT_ONCE;
        spans = reserve_leaves(left);
        if (spans == NULL && left > 1)
            spans = reserve_leaves(left = 1);
    }
    if (spans != NULL && left > 1) {
        atomic_store_explicit(&room_leaves, left - 1, memory_order_relaxed);
        atomic_store_explicit(&room, (uintptr_t)spans + LEAF_STRIDE, memory_order_release);
    }
    return spans;
}

static void set_bit(_Atomic uint64_t *bits, size_t n)
{
    /* release: pairs with the acquire in next_bit, so who finds the leaf finds it in the root */
    atomic_fetch_or_explicit(&bits[n / 64], 1ULL << n % 64, memory_order_release);
}

/* The first bit that is set at `n` or behind it, and below `end`; else `end`. */
static size_t next_bit(const _Atomic uint64_t *bits, size_t n, size_t end)
{
    while (n < end) {
        uint64_t rest =
            atomic_load_explicit(&bits[n / 64], memory_order_acquire) & (~0ULL << n % 64);
        if (rest != 0)
            return (n & ~(size_t)63) + lowest_bit(rest);
        n = (n | 63) + 1;
    }
    return end;
}

static size_t next_leaf(size_t n)
{
    size_t end = round_up(n, 64), leaf = next_bit(region_map.leaves, n, end);
    if (leaf < end || end == LEAVES_MAX)
        return leaf;
    size_t word = next_bit(region_map.words, end / 64, LEAVES_MAX / 64);
    return next_bit(region_map.leaves, word * 64, LEAVES_MAX);
}

/* The tags, and what follows them. */
static bool commit_tags(char *tags)
{
    return os_recommit(tags, round_up(LEAF_TAGS_BYTES + sizeof(struct leaf_info), os_page_size()));
}

static bool commit_part(size_t granule)
{
    char *part = (char *)span_at(granule);
    return os_recommit(part, PART_GRANULES * sizeof(struct span));
}

static bool make_leaf(size_t number)
{
    uintptr_t none = 0;
    char *spans = take_room();
    if (spans == NULL || !commit_tags(spans + LEAF_SPANS_BYTES))
        return false; /* without memory for its tags, that room is lost */
    char *tags = spans + LEAF_SPANS_BYTES;
    ((struct leaf_info *)(void *)(tags + LEAF_TAGS_BYTES))->first =
        (uint32_t)(number << LEAF_SHIFT);
    atomic_fetch_add_explicit(&leaves, 1, memory_order_relaxed);
    /* release: pairs with granule_is_ours. Another thread may have been first; this leaf is lost then,
     * and costs address space alone. */
    atomic_compare_exchange_strong_explicit(&region_map.root[number], &none,
                                            (uintptr_t)tags - (uintptr_t)region_map.no_tags,
                                            memory_order_release, memory_order_relaxed);
    return true;
}

static bool has_leaf(size_t granule)
{
    /* acquire: as in granule_is_ours */
    return atomic_load_explicit(&region_map.root[granule >> LEAF_SHIFT], memory_order_acquire) != 0;
}

bool page_map_cover(uint32_t first, size_t granules)
{
    size_t end = first + granules;
    for (size_t at = first & ~(size_t)(PART_GRANULES - 1); at < end; at += PART_GRANULES) {
        if (!has_leaf(at) && !make_leaf(at >> LEAF_SHIFT))
            return false;
        if (!commit_part(at))
            return false;
        set_bit(&leaf_of(at)->covered, at % LEAF_GRANULES / PART_GRANULES);
        set_bit(region_map.leaves, at >> LEAF_SHIFT);
        set_bit(region_map.words, at >> LEAF_SHIFT >> 6);
    }
    return true;
}

/* The first part of the leaf at `part` or behind it that is covered; else the number of its parts. */
static size_t next_covered(size_t leaf, size_t part)
{
    struct leaf_info *info = leaf_of(leaf << LEAF_SHIFT);
    return next_bit(&info->covered, part, LEAF_PARTS);
}

size_t page_map_next(size_t granule)
{
    granule++;
    size_t part = granule % LEAF_GRANULES / PART_GRANULES;
    for (size_t leaf = next_leaf(granule >> LEAF_SHIFT); leaf < LEAVES_MAX;
         leaf = next_leaf(leaf + 1)) {
        if (leaf != granule >> LEAF_SHIFT)
            part = 0;
        part = next_covered(leaf, part);
        size_t first = (leaf << LEAF_SHIFT) + part * PART_GRANULES;
        if (part < LEAF_PARTS)
            return first > granule ? first : granule;
    }
    return GRANULES_MAX;
}

size_t page_map_bytes(void)
{
    return atomic_load_explicit(&reserved, memory_order_relaxed);
}

struct span *region_find(const void *address)
{
    size_t granule = granule_of(address), head = granule;
    if (!granule_is_ours(granule))
        return NULL;
    while (granule_is_ours(head) && span_kind(span_at(head)) == SPAN_NONE)
        head--;
    if (!granule_is_ours(head) || head + span_at(head)->granules <= granule)
        return NULL;
    return span_at(head);
}
