/* SPDX-License-Identifier: MIT */
/* map.c: maps by number, in a table of two levels that only ever grows, so that reading it takes no
 * lock. */
#include "medium/map.h"

#include "region/region.h"

_Atomic(map_slot *) medium_maps[MAP_LEAVES];

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

struct medium_map *map_make(void)
{
    struct medium_map *map = region_meta(sizeof *map);
    if (map == NULL)
        return NULL;
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

struct place map_holder(const void *address)
{
    struct place place = place_of(address);
    while (place.map != NULL && place.cell != 0 && state_of(place) == CELL_INSIDE)
        place.cell--;
    return place;
}
