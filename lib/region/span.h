/* SPDX-License-Identifier: MIT */
/* span.h: the descriptor of a span, and the way from an address to it.
 *
 * Reservation, in granules of 64 KiB (the window):
 *
 *     | tags: 8 bytes a granule | spans: 64 bytes a granule | granules ... committed | reserved ...
 * | ^ tags                    ^ spans                     ^ base                   ^ frontier   ^
 * limit
 *
 * The tables are dense, so an address leads to its tag by subtract, shift, load, and to its
 * descriptor by one multiply more. Nothing of ours stands inside the memory that is handed out, but
 * for the links of free blocks.
 *
 * The tag alone serves the fast path of free(): it says at once which theap owns the slab and which
 * class its blocks have, for every granule of the slab. It is 0 for all that is not a slab. */
#ifndef BARROW_REGION_SPAN_H
#define BARROW_REGION_SPAN_H

#include "os/compiler.h"

#include <stdatomic.h>

enum { GRANULE_SHIFT = 16, GRANULE_SIZE = 1 << GRANULE_SHIFT };

/* What the granule at the head of a span, or of a run of free granules, is. All other granules have
 * SPAN_NONE, so that a stale descriptor is never mistaken for a head. */
enum span_kind {
    SPAN_NONE,
    SPAN_UNMAPPED, /* free; there is no memory at these addresses (see window.c) */
    SPAN_CLEAN,    /* free; reads as zero */
    SPAN_YOUNG,    /* free; may hold memory of the last use, freed since the last tick */
    SPAN_OLD,      /* free; the same, but it has waited for one tick already */
    SPAN_PURGING,  /* free; memory is on its way back to the system */
    SPAN_META,     /* the library's own */
    SPAN_LOST,     /* given up, see region_move; whose the addresses are now nobody knows */
    SPAN_SLAB,
    SPAN_POOL, /* a slab of a private heap */
    SPAN_LARGE
};

struct pool; /* of a private heap: see private/pool.h */
struct private_heap;

/* One cache line. Fields of slabs belong to the theap that owns the slab (its lock), those of pool
 * slabs to the pool's thread, all others to the region (region.lock), `kind`, `granules` and `head`
 * of a span in use to its owner. */
struct ALIGNED(CACHE_LINE) span {
    union {
        void *free; /* slab, pool slab: free blocks, in circulation; see heap/block.h,
                       private/freed.h */
        struct private_heap *heap; /* large: the heap; NULL for malloc's */
    };
    union {
        uint64_t holes; /* slab: units whose blocks are not in circulation, one bit each */
        size_t size;    /* large, of a heap: bytes asked for */
        struct {
            uint32_t cut_end; /* pool slab: bytes that have been cut into blocks so far */
            uint32_t hidden;  /* pool slab: see pool.c */
        };
    };
    struct pool *pool; /* pool slab: its pool; NULL in every other granule's descriptor */
    uint32_t next; /* free run: in its bin; slab: in its group; large: its heap's. 0 ends a list */
    uint32_t prev;
    uint32_t granules; /* of the head: length; a large span's room stands behind them */
    uint32_t head;     /* of a slab's every granule, and of a free run's last: the head's index */
    union {
        uint32_t free_count; /* slab: blocks on `free` */
        uint32_t countdown;  /* pool slab: frees until pool.c looks at it */
    };
    union {
        uint32_t
            used; /* slab: blocks in the program's hands or in a thread's cache; 0 when freed */
        uint32_t room; /* large: granules behind `granules`, kept clean for growth */
    };
    union {
        uint32_t owner; /* slab: number of the owning theap */
        uint32_t magic; /* pool slab: see size_class_magic; 0: longer than a granule */
    };
    _Atomic uint8_t kind; /* enum span_kind */
    uint8_t size_class;   /* slab */
    uint8_t group;        /* slab: how full it is, see slab.c */
    bool grown;           /* large: it has been moved in order to grow */
    bool emptied;         /* large: its pages have been moved out */
    bool moved;           /* large: its mapping is one of its own, see os_move */
    bool zero_holes;      /* slab: the memory in its holes reads as zero */
    _Atomic bool stirred; /* slab: blocks came back since the last search for holes */
    union {
        struct {
            uint16_t freed_at; /* slab: the tick at which blocks last came back, modulo 2^16 */
            uint16_t least;    /* slab: with fewer blocks in use it is of another group */
        };
        uint32_t size_most; /* pool slab: the most bytes that a block serves for */
    };
};

_Static_assert(sizeof(struct span) == CACHE_LINE, "a descriptor is one cache line");

/* What free() reads of a granule. */
struct granule_tag {
    _Atomic uint32_t tag; /* which theap's slab, of which size class; 0: no slab of malloc's */
    uint32_t reach;       /* tells starts of blocks in circulation, see heap/size_class.h; 0 when
                               the slab's descriptor must be asked */
};

/* Read by every free(); all but the frontier are written once, before the first block is handed
 * out. Every tag below the limit can be read; descriptors only below the frontier. */
struct region_map {
    uintptr_t base;
    size_t limit; /* granules that there are addresses for; 0 at first, so that nothing is ours */
    struct granule_tag *tags;
    struct span *spans;
    _Atomic size_t frontier; /* granules that have ever been in use lie below; it only rises */
};

extern struct region_map region_map HIDDEN;

/* The granule of an address; at or above the limit for all addresses outside. */
ALWAYS_INLINE size_t granule_of(const void *address)
{
    return ((uintptr_t)address - region_map.base) >> GRANULE_SHIFT;
}

ALWAYS_INLINE bool granule_has_tag(size_t granule)
{
    return granule < region_map.limit;
}

ALWAYS_INLINE bool granule_is_ours(size_t granule)
{
    /* acquire: who sees the frontier sees the descriptors below it */
    return granule < atomic_load_explicit(&region_map.frontier, memory_order_acquire);
}

ALWAYS_INLINE uint32_t tag_of(size_t granule)
{
    /* relaxed: written before the slab's first block was handed out */
    return atomic_load_explicit(&region_map.tags[granule].tag, memory_order_relaxed);
}

/* Any value that it ever had while the block was in use will do. */
ALWAYS_INLINE uint32_t reach_of(size_t granule)
{
    return READ_RACY(region_map.tags[granule].reach);
}

/* By the slab's owner: its theap's lock is held. */
ALWAYS_INLINE void tag_set(size_t granule, uint32_t tag)
{
    /* relaxed: the blocks reach other threads by the program's own synchronisation */
    atomic_store_explicit(&region_map.tags[granule].tag, tag, memory_order_relaxed);
}

ALWAYS_INLINE void reach_set(size_t granule, uint32_t reach)
{
    STORE_RELAXED(&region_map.tags[granule].reach, reach);
}

/* The address's tag; 0: no slab of malloc's is there. */
ALWAYS_INLINE uint32_t tag_at(const void *address)
{
    size_t granule = granule_of(address);
    return likely(granule_has_tag(granule)) ? tag_of(granule) : 0;
}

ALWAYS_INLINE struct span *span_at(size_t granule)
{
    return &region_map.spans[granule];
}

ALWAYS_INLINE uint32_t span_index(const struct span *span)
{
    return (uint32_t)(span - region_map.spans);
}

ALWAYS_INLINE char *span_start(const struct span *span)
{
    return (char *)region_map.base + ((size_t)span_index(span) << GRANULE_SHIFT);
}

ALWAYS_INLINE enum span_kind span_kind(const struct span *span)
{
    /* relaxed: decides only for whom it is stable, the owner of a block in the span */
    return atomic_load_explicit(&span->kind, memory_order_relaxed);
}

/* For whoever comes upon a span that may be another's: it is seen as it was made, or later. */
ALWAYS_INLINE enum span_kind span_kind_elsewhere(const struct span *span)
{
    return atomic_load_explicit(&span->kind, memory_order_acquire);
}

ALWAYS_INLINE void span_set_kind(struct span *span, enum span_kind kind)
{
    /* release: pairs with span_kind_elsewhere */
    atomic_store_explicit(&span->kind, (uint8_t)kind, memory_order_release);
}

/* relaxed, both: who looks at a head or owner that may be changing (the neighbour of a run, the
 * search for holes) decides by the kind and the lock of what it names */
ALWAYS_INLINE void span_set(uint32_t *field, uint32_t value)
{
    STORE_RELAXED(field, value);
}

ALWAYS_INLINE uint32_t span_get(const uint32_t *field)
{
    return LOAD_RELAXED(field);
}

/* relaxed, both: whoever frees a block finds the pool that it was allocated from; who asks about a
 * wild address may find any, and goes by the size word and the kind then */
ALWAYS_INLINE void span_set_pool(struct span *span, struct pool *pool)
{
    STORE_RELAXED(&span->pool, pool);
}

ALWAYS_INLINE struct pool *span_pool(const struct span *span)
{
    return READ_RACY(span->pool);
}

ALWAYS_INLINE size_t span_bytes(const struct span *span)
{
    return (size_t)span->granules << GRANULE_SHIFT;
}

#endif
