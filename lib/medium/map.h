/* SPDX-License-Identifier: MIT */
/* map.h: the record of one medium span, apart from the span: where its blocks and free runs start, how
 * long they are, and which of its pages may hold memory.
 *
 * A span is divided into cells of 1 KiB. Blocks and free runs are whole cells, and one begins where
 * the one before it ends. `state` says of each cell what starts there. So one byte tells whether an
 * address starts a block that the program has; no look at the block itself is needed.
 *
 * From an address to its map: the granule's tag says that it is a medium span, and the word beside the
 * tag is the number of the map. Maps are never freed, so whoever comes by a
 * wild address finds a map, and then that its span lies elsewhere.
 *
 * Who may touch what: all fields belong to the lock of the theap that owns the span, but for `state`
 * of a block: the thread that frees it turns CELL_LIVE into CELL_PASSED without the lock. */
#ifndef BARROW_MEDIUM_MAP_H
#define BARROW_MEDIUM_MAP_H

#include "region/page_map.h"

#include <stdatomic.h>

enum {
    CELL_SHIFT = 10,
    CELL_SIZE = 1 << CELL_SHIFT,
    GRANULE_CELLS = GRANULE_SIZE / CELL_SIZE,
    MAP_GRANULES = 16, /* the longest span */
    MAP_CELLS_SHIFT = 10,
    MAP_CELLS = 1 << MAP_CELLS_SHIFT,
    MAP_PAGE_SHIFT = 12, /* pages are counted in these, whatever the system's are */
    PAGE_CELLS = 1 << (MAP_PAGE_SHIFT - CELL_SHIFT),
    MAP_PAGES = MAP_CELLS / PAGE_CELLS,
    MAP_LEAF = 512,
    MAP_LEAVES = 2048,
    MAPS_MAX = MAP_LEAF * MAP_LEAVES
};

_Static_assert(MAP_GRANULES *GRANULE_CELLS == MAP_CELLS, "a map is as long as the longest span");

/* What starts at a cell. Both kinds of free runs are in the index of their kind (free_runs.h). */
enum cell_state {
    CELL_INSIDE, /* nothing */
    CELL_CLEAN,  /* a free run; those of its pages that lie inside it hold no memory */
    CELL_DIRTY,  /* a free run; it may hold memory */
    CELL_PINNED, /* a free run in no index: its pages are on their way back to the system */
    CELL_LIVE,   /* a block that the program has */
    CELL_PASSED  /* a block that the program has freed: in a cache, a batch or an inbox */
};

/* Of cells at which something starts. */
struct cell {
    uint32_t next, prev; /* free run: its neighbours in the index; see struct place. 0: none */
    uint16_t length;     /* in cells */
    uint16_t before;     /* length of what ends where this starts; 0 at the span's start */
};

struct medium_map {
    uintptr_t start; /* of the span; 0 when there is none. Read without the lock */
    uint32_t cells;  /* the span's length. Read without the lock */
    uint32_t number;
    uint32_t next, prev; /* number of the owner's next map; or of the next one that is in store */
    /* Pages that hold no memory; all of them lie inside free runs. */
    uint32_t frontier; /* the first of those that none has been used behind */
    uint32_t holes;    /* how many there are before it */
    bool zero;         /* all of them read as zero */
    uint64_t
        touched[MAP_PAGES / 64]; /* pages before the frontier that do hold memory, one bit each */
    _Atomic uint8_t state[MAP_CELLS];
    _Alignas(1 << MAP_PAGE_SHIFT) struct cell cell[MAP_CELLS]; /* own pages, see maps_purge */
};

/* A cell of a map. As one word: the map's number, and the cell in the low bits. */
struct place {
    struct medium_map *map; /* NULL: none */
    uint32_t cell;
};

typedef _Atomic(struct medium_map *) map_slot;
extern _Atomic(map_slot *) medium_maps[MAP_LEAVES] HIDDEN;

/* A map without a span; NULL when there is no memory for one. Any thread, no lock. */
struct medium_map *map_take(void);

/* Puts one in store for all threads. Nothing starts at any of its cells. Any thread, no lock. */
void map_put(struct medium_map *map);

/* Gives pages of maps in store back to the system: all of them, or, of a few maps, those that are more
 * than the region's free memory calls for. Any thread, no lock. */
void maps_purge(bool all);

/* NULL for a number that was never given out. */
ALWAYS_INLINE struct medium_map *map_by_number(uint32_t number)
{
    if (unlikely(number >= MAPS_MAX))
        return NULL;
    /* acquire, both: pairs with the release in make_map, so the map is seen initialised */
    map_slot *leaf = atomic_load_explicit(&medium_maps[number / MAP_LEAF], memory_order_acquire);
    return unlikely(leaf == NULL)
               ? NULL
               : atomic_load_explicit(&leaf[number % MAP_LEAF], memory_order_acquire);
}

ALWAYS_INLINE uint32_t place_word(struct place place)
{
    return place.map->number << MAP_CELLS_SHIFT | place.cell;
}

/* A word that place_word has made. */
ALWAYS_INLINE struct place place_at(uint32_t word)
{
    uint32_t number = word >> MAP_CELLS_SHIFT;
    /* relaxed, both: who has the word has the map */
    map_slot *leaf = atomic_load_explicit(&medium_maps[number / MAP_LEAF], memory_order_relaxed);
    struct medium_map *map = atomic_load_explicit(&leaf[number % MAP_LEAF], memory_order_relaxed);
    return (struct place){ map, word % MAP_CELLS };
}

ALWAYS_INLINE struct cell *cell_of(struct place place)
{
    return &place.map->cell[place.cell];
}

ALWAYS_INLINE enum cell_state state_of(struct place place)
{
    /* relaxed: of a block in use it changes only when its owner frees it */
    return atomic_load_explicit(&place.map->state[place.cell], memory_order_relaxed);
}

ALWAYS_INLINE void set_state(struct place place, enum cell_state state)
{
    /* release: the length is there first, for repair.c */
    atomic_store_explicit(&place.map->state[place.cell], (uint8_t)state, memory_order_release);
}

ALWAYS_INLINE char *place_address(struct place place)
{
    return (char *)place.map->start + ((size_t)place.cell << CELL_SHIFT);
}

ALWAYS_INLINE size_t place_bytes(struct place place)
{
    return (size_t)cell_of(place)->length << CELL_SHIFT;
}

/* The cell that holds an address of a medium span, by what stands beside its tag; map NULL where the
 * granule is none any more. Any thread, no lock. */
ALWAYS_INLINE struct place place_by(uint32_t number, const void *address)
{
    struct medium_map *map = map_by_number(number);
    if (unlikely(map == NULL))
        return (struct place){ NULL, 0 };
    size_t distance = (uintptr_t)address - READ_RACY(map->start);
    size_t cell = distance >> CELL_SHIFT;
    return (struct place){ likely(cell < READ_RACY(map->cells)) ? map : NULL, (uint32_t)cell };
}

ALWAYS_INLINE struct place place_of(const void *address)
{
    return place_by(map_number_of(granule_of(address)), address);
}

/* How many pages of the span hold no memory. */
ALWAYS_INLINE uint32_t map_untouched(const struct medium_map *map)
{
    return map->cells / PAGE_CELLS - map->frontier + map->holes;
}

/* Whether the program has a block that starts at the address, which the place was found by. Any thread, no
 * lock, and what is said of a block in use is right. */
ALWAYS_INLINE bool map_has_in_use(struct place place, const void *address)
{
    return likely(place.map != NULL) && likely((uintptr_t)address % CELL_SIZE == 0) &&
           likely(state_of(place) == CELL_LIVE);
}

/* The same for any address of a medium span, in use or free: the place at which starts what holds it.
 * The owner's lock is held. */
struct place map_holder(const void *address);

#endif
