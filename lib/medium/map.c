/* SPDX-License-Identifier: MIT */
/* map.c: maps by number, in a table of two levels that only ever grows, so that reading it takes no
 * lock; and two stacks of those that have no span now, whose pages have stayed or have gone back. A head
 * counts the changes beside the number, so that a map that was taken and put back meanwhile is not mistaken
 * for the one that was there.
 *
 * As many keep their pages as there may be spans among the free memory that stays: who takes one of these
 * again without a fault finds a map for it without one. */
#include "medium/map.h"

#include "os/vm.h"
#include "region/region.h"

_Atomic(map_slot *) medium_maps[MAP_LEAVES];

/* A count of changes, and the number of the first map; 0: none. */
typedef _Atomic uint64_t map_stack;

static map_stack whole, bare;

/* How many are on `whole`, or are about to be, or were a moment ago: so never less, even in the child of a
 * fork. */
static _Atomic uint32_t whole_count;

static _Atomic uint32_t made; /* 0 is no map's number, and what free granules have for one */

/* Two threads may make one for the same place; the second one's is lost, 4 KiB. */
static map_slot *make_leaf(uint32_t number)
{
    map_slot *leaf = region_meta(MAP_LEAF * sizeof *leaf), *there = NULL;
    if (leaf == NULL)
        return NULL;
    /* release: pairs with map_by_number */
    if (atomic_compare_exchange_strong_explicit(&medium_maps[number / MAP_LEAF], &there, leaf,
                                                memory_order_acq_rel, memory_order_acquire))
        return leaf;
    return there;
}

static struct medium_map *make_map(void)
{
    enum { PAGE = 1 << MAP_PAGE_SHIFT };
    uintptr_t memory = (uintptr_t)region_meta(sizeof(struct medium_map) + PAGE);
    if (memory == 0)
        return NULL;
    struct medium_map *map = (struct medium_map *)round_up(memory, PAGE);
    uint32_t number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    if (number >= MAPS_MAX)
        return NULL;
    map_slot *leaf = atomic_load_explicit(&medium_maps[number / MAP_LEAF], memory_order_acquire);
    if (leaf == NULL && (leaf = make_leaf(number)) == NULL)
        return NULL;
    map->number = number;
    /* release: pairs with map_by_number */
    atomic_store_explicit(&leaf[number % MAP_LEAF], map, memory_order_release);
    return map;
}

/* ---- in store ---------------------------------------------------------------------------------- */

static bool set_head(map_stack *stack, uint64_t *head, uint32_t number)
{
    uint64_t wanted = ((*head >> 32) + 1) << 32 | number;
    /* release and acquire: the `next` of a map in store was written by who put it there */
    return atomic_compare_exchange_weak_explicit(stack, head, wanted, memory_order_acq_rel,
                                                 memory_order_acquire);
}

static struct medium_map *pop(map_stack *stack)
{
    uint64_t head = atomic_load_explicit(stack, memory_order_acquire);
    while ((uint32_t)head != 0) {
        struct medium_map *map = map_by_number((uint32_t)head);
        /* may be another's by now; then the head has changed */
        if (set_head(stack, &head, LOAD_RELAXED(&map->next)))
            return map;
    }
    return NULL;
}

static void push(map_stack *stack, struct medium_map *map)
{
    uint64_t head = atomic_load_explicit(stack, memory_order_relaxed);
    do
        STORE_RELAXED(&map->next, (uint32_t)head);
    while (!set_head(stack, &head, map->number));
}

static struct medium_map *pop_whole(void)
{
    struct medium_map *map = pop(&whole);
    if (map != NULL)
        atomic_fetch_sub_explicit(&whole_count, 1, memory_order_relaxed);
    return map;
}

static void push_whole(struct medium_map *map)
{
    atomic_fetch_add_explicit(&whole_count, 1, memory_order_relaxed);
    push(&whole, map);
}

static void push_bare(struct medium_map *map)
{
    if (os_page_size() == 1 << MAP_PAGE_SHIFT)
        os_discard(map->cell, sizeof map->cell);
    push(&bare, map);
}

struct medium_map *map_take(void)
{
    struct medium_map *map = pop_whole();
    if (map == NULL)
        map = pop(&bare);
    return map != NULL ? map : make_map();
}

static size_t may_stay(void)
{
    enum { ALWAYS = 2 };
    return ALWAYS + region_dirty() / ((size_t)MAP_GRANULES << GRANULE_SHIFT);
}

void map_put(struct medium_map *map)
{
    push_whole(map);
    maps_purge(false);
}

void maps_purge(bool all)
{
    enum { AT_ONCE = 2 };
    size_t most = all ? 0 : may_stay();
    for (int i = 0; all || i < AT_ONCE; i++) {
        struct medium_map *map = NULL;
        if (atomic_load_explicit(&whole_count, memory_order_relaxed) > most)
            map = pop_whole();
        if (map == NULL)
            return;
        push_bare(map);
    }
}

struct place map_holder(const void *address)
{
    struct place place = place_of(address);
    while (place.map != NULL && place.cell != 0 && state_of(place) == CELL_INSIDE)
        place.cell--;
    return place;
}
