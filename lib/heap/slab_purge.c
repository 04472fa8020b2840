/* SPDX-License-Identifier: MIT */
/* The search for holes: pages of a slab that hold free blocks only go back to the system, and the
 * blocks leave the free list first, for their links go with the pages. Of a block that is longer
 * than a page the inside goes too, and the block stays listed.
 *
 * What must stay true: a block that starts in a hole is not on the list, every other one that is
 * not in use is; and nothing that a block in use touches is given back. */
#include "heap/slab.h"
#include "heap/slab_unit.h"
#include "os/vm.h"
#include "region/region.h"

#include <string.h>

enum { BLOCKS_MOST = GRANULE_SIZE / 16 };

struct bitmap {
    uint64_t words[BLOCKS_MOST / 64];
};

static bool has_bit(const struct bitmap *map, size_t i)
{
    return map->words[i / 64] >> (i % 64) & 1;
}

static void set_bit(struct bitmap *map, size_t i)
{
    map->words[i / 64] |= 1ULL << (i % 64);
}

/* The blocks that hold nothing: those listed, and those that start in a hole. False when the list
 * has been written over: whoever takes from it next will say so. */
static bool map_free_blocks(const struct span *slab, struct bitmap *map)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    uint32_t capacity = size_class_capacity(slab->size_class);
    const char *start = span_start(slab);
    memset(map, 0, (capacity + 63) / 64 * sizeof map->words[0]);
    for (const struct block *block = slab->free; block != NULL; block = block_listed_link(block)) {
        if (unlikely(!block_is_listed(block)))
            return false;
        set_bit(map, (uint32_t)((const char *)block - start) / (uint32_t)size);
    }
    if (slab->holes != 0)
        for (uint32_t i = 0; i < capacity; i++)
            if (slab->holes >> (i * size / unit) & 1)
                set_bit(map, i);
    return true;
}

/* Whether no block that touches [from, to) is in use. */
static bool is_all_free(const struct bitmap *map, size_t from, size_t to, size_t size,
                        uint32_t capacity)
{
    for (size_t i = from / size; i * size < to && i < capacity; i++)
        if (!has_bit(map, i))
            return false;
    return true;
}

/* The free blocks that do not start in a hole, in order of address. */
static void relist(struct span *slab, const struct bitmap *map)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    char *start = span_start(slab);
    slab->free = NULL;
    slab->free_count = 0;
    for (uint32_t i = size_class_capacity(slab->size_class); i-- > 0;)
        if (has_bit(map, i) && !(slab->holes >> (i * size / unit) & 1))
            slab_push_listed(slab, (struct block *)(void *)(start + i * size));
}

/* Purges [from, to) of the slab if there is anything; returns its bytes. */
static size_t purge_range(const struct span *slab, size_t from, size_t to)
{
    return to > from && os_discard(span_start(slab) + from, to - from) ? to - from : 0;
}

/* Gives back, in runs of pages, what holds free blocks only: new holes, and the inside of long
 * blocks, where no block starts and so no link stands. */
static size_t purge_pages(const struct span *slab, const struct bitmap *map, size_t step,
                          uint64_t starts, uint64_t new_holes)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    uint32_t capacity = size_class_capacity(slab->size_class);
    size_t purged = 0, from = 0, to = 0;
    for (size_t at = 0; at < capacity * size; at += step) {
        uint64_t here = unit_bits(at / unit, step / unit) & starts;
        bool purge = ((here & new_holes) != 0 || here == 0) &&
                     is_all_free(map, at, at + step, size, capacity);
        if (!purge)
            continue;
        if (at != to) {
            purged += purge_range(slab, from, to);
            from = at;
        }
        to = at + step;
    }
    return purged + purge_range(slab, from, to);
}

static size_t purge_holes(struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    size_t step = unit > os_page_size() ? unit : os_page_size();
    uint32_t capacity = size_class_capacity(slab->size_class);
    uint64_t starts = all_holes(slab), before = slab->holes;
    struct bitmap map;
    if (!map_free_blocks(slab, &map))
        return 0;

    /* first the list, without what is about to vanish; then the memory */
    for (size_t at = 0; at < span_bytes(slab); at += step)
        if (is_all_free(&map, at, at + step, size, capacity))
            set_holes(slab, slab->holes | (unit_bits(at / unit, step / unit) & starts));
    slab_set_reach(slab);
    if (slab->holes == before && size <= step)
        return 0;
    relist(slab, &map);
    /* a block that starts in a hole may end in a page that was kept */
    slab->zero_holes = false;
    return purge_pages(slab, &map, step, starts, slab->holes & ~before);
}

size_t slab_purge(struct theap *theap, struct span *slab)
{
    atomic_store_explicit(&slab->stirred, false, memory_order_relaxed);
    if (slab->used == 0) {
        slab_free(theap, slab);
        return 0;
    }
    if (slab->free_count * size_class_bytes(slab->size_class) < os_page_size())
        return 0;
    size_t purged = purge_holes(slab);
    region_account_purge(purged);
    return purged;
}
