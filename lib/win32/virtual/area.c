/* SPDX-License-Identifier: MIT */
/* area.c: the table of areas, and the choice of addresses for them.
 *
 * Windows hands out addresses at multiples of 64 KiB; the kernel does not. Each reservation is
 * asked for right below the one before, which is aligned and mostly free, so that one mmap is
 * enough and the kernel can merge neighbours into one mapping; when it is not free, 64 KiB more are
 * mapped and cut to size. */
#include "win32/virtual/area.h"

#include "win32/host/host_map.h"
#include "win32/host/host_maps.h"
#include "win32/host/meta.h"

#include <errno.h>

static struct tree_node *areas;
static uint64_t changes;

/* Areas that are gone for the program and still mapped, by address. */
static struct tree_node *leftovers;

/* Memory that is only reserved and memory that is committed at once grow downwards from places of
 * their own, so that each finds its like beside it. 0: nothing placed yet. */
#define APART_MOST ((uintptr_t)8 << 40)
static uintptr_t committed_below, reserved_below;

/* A committed area that ends inside a granule is a mapping by itself, with a hole behind it, and a
 * process may have 65,530 mappings. Beyond this many, areas fill their last granule, so that
 * neighbours merge; the price is that an overrun of less than 64 KiB is not caught there. */
#define RAGGED_MOST 16384
static size_t ragged_count;

static struct area *as_area(struct tree_node *node)
{
    return (struct area *)node;
}

struct area *area_spanning(uintptr_t address)
{
    struct area *area = as_area(tree_floor(areas, address));
    return area != NULL && address - area_base(area) < area->span ? area : NULL;
}

struct area *area_find(uintptr_t address)
{
    struct area *area = as_area(tree_floor(areas, address));
    return area != NULL && address - area_base(area) < area->size ? area : NULL;
}

void area_each(void (*visit)(struct area *area))
{
    for (struct tree_node *at = tree_above(areas, 0); at != NULL; at = tree_above(areas, at->key))
        visit(as_area(at));
}

static uintptr_t next_start(struct tree_node *tree, uintptr_t address)
{
    struct tree_node *node = tree_above(tree, address);
    return node != NULL ? node->key : UINTPTR_MAX;
}

static uintptr_t previous_end(struct tree_node *tree, uintptr_t address)
{
    struct area *area = as_area(tree_floor(tree, address));
    return area != NULL ? area_base(area) + area->span : 0;
}

uintptr_t area_next_start(uintptr_t address)
{
    uintptr_t area = next_start(areas, address), leftover = next_start(leftovers, address);
    return area < leftover ? area : leftover;
}

uintptr_t area_previous_end(uintptr_t address)
{
    uintptr_t area = previous_end(areas, address), leftover = previous_end(leftovers, address);
    return area > leftover ? area : leftover;
}

uintptr_t area_leftover_end(uintptr_t address)
{
    uintptr_t end = previous_end(leftovers, address);
    return end > address ? end : 0;
}

uint64_t area_changes(void)
{
    return changes;
}

void area_set_protect(struct area *area, uintptr_t start, uintptr_t end, DWORD protect)
{
    interval_map_set(&area->protect, start, end, protect);
    changes++;
}

void area_insert(struct area *area)
{
    changes++;
    area->ragged = !is_aligned(area->span, GRANULE_BYTES);
    ragged_count += area->ragged;
    tree_insert(&areas, &area->node);
}

size_t area_bitmap_bytes(const struct area *area)
{
    return (area->size / PAGE_BYTES + 63) / 64 * sizeof(uint64_t);
}

uint64_t *area_bitmap_new(const struct area *area)
{
    return meta_alloc(area_bitmap_bytes(area));
}

/* All that an area has beside its record. */
static void take_out(struct area *area)
{
    changes++;
    ragged_count -= area->ragged;
    tree_remove(&areas, &area->node);
    interval_map_clear(&area->protect);
    meta_free(area->marks, area_bitmap_bytes(area));
    meta_free(area->kept, area_bitmap_bytes(area));
    meta_free(area->opened, area_bitmap_bytes(area));
}

void area_remove(struct area *area)
{
    take_out(area);
    meta_free(area, sizeof(*area));
}

bool area_unmap(uintptr_t base, size_t span)
{
    if (host_unmap(base, span) != 0)
        return false;
    if (base == committed_below)
        committed_below = base + round_up(span, GRANULE_BYTES);
    if (base == reserved_below)
        reserved_below = base + round_up(span, GRANULE_BYTES);
    return true;
}

/* Unmaps what is left over, until the kernel refuses again. */
static void unmap_leftovers(void)
{
    while (leftovers != NULL && area_unmap(leftovers->key, as_area(leftovers)->span)) {
        struct area *gone = as_area(leftovers);
        tree_remove(&leftovers, &gone->node);
        meta_free(gone, sizeof(*gone));
    }
}

static DWORD map_error(int error)
{
    return error == EEXIST ? ERROR_INVALID_ADDRESS : ERROR_NOT_ENOUGH_MEMORY;
}

/* Maps a granule more than needed and gives back what lies before and behind. */
static int map_and_trim(uintptr_t *base, size_t size, unsigned access, uintptr_t alignment)
{
    uintptr_t raw = 0;
    size_t more = size + alignment - PAGE_BYTES;
    int error = host_map_anonymous(&raw, more, access, OS_NEAR);
    if (error != 0)
        return error;
    *base = round_up(raw, alignment);
    if (*base != raw)
        host_unmap(raw, *base - raw);
    if (raw + more != *base + size)
        host_unmap(*base + size, raw + more - (*base + size));
    return 0;
}

/* Further down, as far as an address space of 39 bits allows too. */
static uintptr_t apart_from(uintptr_t place)
{
    uintptr_t eighth = round_down(place / 8, GRANULE_BYTES);
    return place - (eighth < APART_MOST ? eighth : APART_MOST);
}

/* Where the kernel puts the first, the others follow; what is only reserved, further down. */
static uintptr_t first_place(bool committed)
{
    uintptr_t probe = 0;
    if (host_map_anonymous(&probe, GRANULE_BYTES, OS_NONE, OS_NEAR) != 0)
        return 0;
    host_unmap(probe, GRANULE_BYTES);
    probe = round_down(probe, GRANULE_BYTES);
    return committed ? probe : apart_from(probe);
}

static uintptr_t candidate(size_t size, bool committed)
{
    uintptr_t *below = committed ? &committed_below : &reserved_below;
    size_t room = round_up(size, GRANULE_BYTES);
    if (*below == 0)
        *below = first_place(committed);
    return *below > room + LOWEST_ADDRESS ? *below - room : 0;
}

uintptr_t area_candidate(size_t size)
{
    return candidate(size, true);
}

void area_placed(uintptr_t base)
{
    committed_below = base;
}

/* The place of what is only reserved has run into something, and the kernel's own choice lies among
 * what is committed: so the place moves further down. */
static int map_apart(uintptr_t *base, size_t size, uintptr_t taken)
{
    host_unmap(*base, size);
    *base = apart_from(taken);
    return host_map_anonymous(base, size, OS_NONE, OS_NEAR);
}

static int map_anywhere(uintptr_t *base, size_t size, unsigned access)
{
    bool committed = access != OS_NONE;
    uintptr_t asked = *base = candidate(size, committed);
    int error = host_map_anonymous(base, size, access, OS_NEAR);
    if (error == 0 && *base != asked && asked != 0 && !committed)
        error = map_apart(base, size, asked);
    if (error == 0 && !is_aligned(*base, GRANULE_BYTES)) {
        host_unmap(*base, size);
        error = map_and_trim(base, size, access, GRANULE_BYTES);
    }
    if (error == 0)
        *(committed ? &committed_below : &reserved_below) = *base;
    return error;
}

/* After a refusal: would the addresses alone have been granted? Then it was memory that lacks. */
static bool address_space_left(size_t size)
{
    uintptr_t probe = 0;
    return host_map_anonymous(&probe, size, OS_NONE, OS_NEAR) == 0 && host_unmap(probe, size) == 0;
}

DWORD area_map(uintptr_t *base, size_t size, unsigned access, size_t *span)
{
    unmap_leftovers();
    *span = ragged_count < RAGGED_MOST || access == OS_NONE ? size : round_up(size, GRANULE_BYTES);
    int error = *base == 0 ? map_anywhere(base, *span, access)
                           : host_map_anonymous(base, *span, access, OS_AT);
    if (error == EEXIST && *span != size) {
        *span = size;
        error = host_map_anonymous(base, size, access, OS_AT);
    }
    if (error == ENOMEM && access != OS_NONE && address_space_left(size))
        return ERROR_COMMITMENT_LIMIT;
    return error != 0 ? map_error(error) : 0;
}

DWORD area_map_hold(uintptr_t *base, size_t size)
{
    int error = *base == 0 ? map_anywhere(base, size, OS_NONE)
                           : host_map_anonymous(base, size, OS_NONE, OS_AT);
    return error != 0 ? map_error(error) : 0;
}

/* The first gap at or above lowest that takes size bytes; highest is the last byte allowed. */
static bool find_gap(uintptr_t lowest, uintptr_t highest, size_t size, uintptr_t alignment,
                     uintptr_t *found)
{
    uintptr_t at = round_up(lowest, alignment);
    struct host_mapping mapping;
    enum host_maps_age age = OS_MAPS_NOW;
    while (at >= lowest && at <= highest && highest - at >= size - 1) {
        int error = host_mapping_at(at, age, &mapping);
        if (error == ENOENT || (error == 0 && mapping.start - at >= size && mapping.start > at)) {
            *found = at;
            return true;
        }
        if (error != 0)
            return false;
        at = round_up(mapping.end, alignment);
        age = OS_MAPS_SAME;
    }
    return false;
}

DWORD area_map_within(uintptr_t *base, size_t size, unsigned access, uintptr_t lowest,
                      uintptr_t highest, uintptr_t alignment)
{
    int error = EEXIST;
    if (lowest == LOWEST_ADDRESS && highest == HIGHEST_ADDRESS) {
        error = map_and_trim(base, size, access, alignment);
        return error != 0 ? map_error(error) : 0;
    }
    while (error == EEXIST) { /* another thread may take the gap meanwhile */
        if (!find_gap(lowest, highest, size, alignment, base))
            return ERROR_NOT_ENOUGH_MEMORY;
        error = host_map_anonymous(base, size, access, OS_AT);
    }
    return error != 0 ? map_error(error) : 0;
}

void area_retire(struct area *area)
{
    uintptr_t base = area_base(area);
    bool is_view = area->section != NULL;
    take_out(area);
    if (area_unmap(base, area->span)) {
        meta_free(area, sizeof(*area));
        unmap_leftovers();
        return;
    }
    if (!is_view)
        host_map_discard(base, area->span);
    tree_insert(&leftovers, &area->node);
}
