/* SPDX-License-Identifier: MIT */
/* page_map.c: leaves of the page map are made here. Room is reserved for one, for a second, as a
 * small heap may need, and then for 16 at once, so that they take few mappings; these are 2 MiB apart:
 *
 *     | guard | descriptors, 1 MiB, aligned to 1 MiB | tags, 256 KiB | struct leaf_info | ... | guard |
 *
 * What the map is charged with, or a limit for data (RLIMIT_DATA) counts, follows the heap: a leaf's tags
 * are committed when it is made, since any address may lead to them, and its descriptors by parts as
 * regions come. The leaves of a large heap on Linux are committed whole. */
#include "region/page_map.h"

#include "os/lock.h"
#include "os/vm.h"

enum { LEAVES_AT_ONCE = 16 };

#define GUARD_BYTES ((size_t)GRANULE_SIZE)
#define LEAF_BYTES  (LEAF_SPANS_BYTES + LEAF_TAGS_BYTES + GRANULE_SIZE)
#define LEAF_STRIDE (2 * LEAF_SPANS_BYTES)

struct region_map region_map;

static _Atomic size_t leaves, reserved;

/* Room for leaves. Who covers, and only one thread does, exchanges it out, takes one, and puts the rest
 * back; so the child of a fork has it or not. */
static _Atomic uintptr_t room;
static _Atomic size_t room_leaves;

static char *reserve_leaves(size_t count)
{
    size_t bytes = (count - 1) * LEAF_STRIDE + LEAF_BYTES + 2 * GUARD_BYTES;
    char *guard = os_reserve_aligned(bytes, LEAF_SPANS_BYTES, GUARD_BYTES);
    if (guard == NULL)
        return NULL;
    os_exclude_from_dumps(guard, bytes);
    atomic_fetch_add_explicit(&reserved, bytes, memory_order_relaxed);
    return guard + GUARD_BYTES;
}

/* Room for one leaf, the last of its mapping or not. */
static char *take_room(bool *is_last)
{
    char *spans = (char *)atomic_exchange_explicit(&room, 0, memory_order_relaxed);
    size_t left = atomic_load_explicit(&room_leaves, memory_order_relaxed);
    if (spans == NULL) {
        size_t made = atomic_load_explicit(&leaves, memory_order_relaxed);
        left = made < 2 ? 1 : LEAVES_AT_ONCE;
        spans = reserve_leaves(left);
        if (spans == NULL && left > 1)
            spans = reserve_leaves(left = 1);
    }
    *is_last = left == 1;
    if (spans != NULL && left > 1) {
        atomic_store_explicit(&room_leaves, left - 1, memory_order_relaxed);
        atomic_store_explicit(&room, (uintptr_t)spans + LEAF_STRIDE, memory_order_relaxed);
    }
    return spans;
}

/* Memory of the map that reads as zero. It is mostly untouched, and of no use without the process. */
static bool commit(char *address, size_t bytes)
{
    if (OS_RECOMMITS)
        return os_recommit(address, bytes);
    if (!os_commit(address, bytes))
        return false;
    os_exclude_from_dumps(address, bytes);
    return true;
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

/* The tags, and what follows them. Where that costs nothing, also what lies between this leaf and the
 * next one, so that both are one mapping. */
static bool commit_tags(char *tags, bool is_last)
{
    size_t used = round_up(LEAF_TAGS_BYTES + sizeof(struct leaf_info), os_page_size());
    return commit(tags, OS_RECOMMITS || is_last ? used : LEAF_STRIDE - LEAF_SPANS_BYTES);
}

/* A leaf of a large heap is committed at once: parts would be mappings of their own. */
static bool commit_leaf(char *spans, bool is_last, bool at_once)
{
    return (!at_once || OS_RECOMMITS || commit(spans, LEAF_SPANS_BYTES)) &&
           commit_tags(spans + LEAF_SPANS_BYTES, is_last);
}

static bool make_leaf(size_t number)
{
    bool is_last = false, at_once = atomic_load_explicit(&leaves, memory_order_relaxed) >= 2;
    if (atomic_load_explicit(&leaves, memory_order_relaxed) == 0)
        os_exclude_from_dumps(&region_map, sizeof region_map);
    char *spans = take_room(&is_last);
    if (spans == NULL || !commit_leaf(spans, is_last, at_once))
        return false; /* without memory for its tags, that room is lost */
    char *tags = spans + LEAF_SPANS_BYTES;
    struct leaf_info *info = (struct leaf_info *)(void *)(tags + LEAF_TAGS_BYTES);
    info->first = (uint32_t)(number << LEAF_SHIFT);
    info->is_whole = at_once && !OS_RECOMMITS;
    atomic_fetch_add_explicit(&leaves, 1, memory_order_relaxed);
    /* release: pairs with granule_is_ours */
    atomic_store_explicit(&region_map.root[number], (uintptr_t)tags - (uintptr_t)region_map.no_tags,
                          memory_order_release);
    return true;
}

static bool has_leaf(size_t granule)
{
    /* relaxed: only who covers makes leaves */
    return atomic_load_explicit(&region_map.root[granule >> LEAF_SHIFT], memory_order_relaxed) != 0;
}

/* The first granule behind `at` from which on descriptors are committed, or another leaf's, or which is
 * not wanted; `at` itself if they are there. */
static size_t end_of_uncovered(size_t at, size_t end, size_t grain)
{
    size_t leaf = at >> LEAF_SHIFT;
    bool covered = false;
    for (; at < end && at >> LEAF_SHIFT == leaf; at += grain) {
        for (size_t part = at; part < at + grain; part += PART_GRANULES)
            covered |= part_is_covered(part);
        if (covered)
            break;
    }
    return at;
}

/* The descriptors of [at, end), in whole pages, as far as they are missing. */
static bool commit_parts(size_t at, size_t end)
{
    size_t page = os_page_size() / sizeof(struct span);
    size_t grain = page > PART_GRANULES ? page : PART_GRANULES;
    for (at &= ~(grain - 1); at < end;) {
        size_t to = leaf_of(at)->is_whole ? at : end_of_uncovered(at, end, grain);
        if (to != at && !commit((char *)span_at(at), (to - at) * sizeof(struct span)))
            return false;
        at = to != at ? to : at + grain;
    }
    return true;
}

bool page_map_cover(uint32_t first, size_t granules)
{
    size_t end = first + granules, start = first & ~(size_t)(PART_GRANULES - 1);
    for (size_t at = start; at < end; at = (at | (LEAF_GRANULES - 1)) + 1)
        if (!has_leaf(at) && !make_leaf(at >> LEAF_SHIFT))
            return false;
    for (size_t at = start, to; at < end; at = to) {
        to = (at | (LEAF_GRANULES - 1)) + 1;
        if (!commit_parts(at, to < end ? to : end))
            return false;
    }
    for (size_t at = start; at < end; at += PART_GRANULES) {
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
