/* SPDX-License-Identifier: MIT */
/* span.h: the descriptor of a span, a run of granules. The way from an address to it, and back, is
 * page_map.h's. Nothing of ours is kept inside the memory that is handed out, except for the links of
 * free blocks. */
#ifndef BARROW_REGION_SPAN_H
#define BARROW_REGION_SPAN_H

#include "os/compiler.h"

#include <stdatomic.h>

/* What the granule at the head of a span, or of a run of free granules, is. All other granules have
 * SPAN_NONE, so that a stale descriptor is never mistaken for a head. */
enum span_kind {
    SPAN_NONE,
    SPAN_RESERVED, /* free; address space without memory */
    SPAN_CLEAN,    /* free; reads as zero, and costs no memory */
    SPAN_DIRTY,    /* free; may hold memory of its last use */
    SPAN_PURGING,  /* free; a purge has it in hand, and it is in no list */
    SPAN_GUARD,    /* the first or the last granule of a piece of address space, never in use */
    SPAN_META,     /* the library's own */
    SPAN_LOST,     /* given up, see region_move; the addresses may be somebody else's */
    SPAN_SLAB,
    SPAN_MEDIUM, /* cut into blocks by the record that its granules' tags lead to, see medium/map.h */
    SPAN_POOL,   /* a slab of a private heap */
    SPAN_LARGE
};

struct pool; /* of a private heap: see private/pool.h */
struct private_heap;

/* One cache line. Fields of slabs belong to the theap that owns the slab (its lock), those of pool
 * slabs to the pool's thread, those of free runs to the lock of their arena; `kind`, `granules` and
 * `head` of a span in use to its owner.
 *
 * Kind and arena are one word, so that they are seen together: both change as granules go from one arena to
 * another, and the neighbour of a run, under another lock, must not see the arena as it was and the kind as
 * it is. A word with the kind of a free run and an arena is written under that arena's lock only, and so is
 * the next one: whoever finds it and holds the lock has the run. */
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
    uint32_t next; /* free run: in its bin; slab: in its group; large: its heap's; guard: the next
                      piece's. 0 ends a list */
    uint32_t prev;
    uint32_t granules; /* of the head: length; a large span's room stands behind them */
    uint32_t head; /* of a slab's every granule, and of a free run's last: the head's index; of a
                          guard: its own if it is the first of its piece, else 0 */
    union {
        uint32_t free_count; /* slab: blocks on `free` */
        uint32_t countdown;  /* pool slab: frees until pool.c looks at it */
    };
    union {
        uint32_t
            used; /* slab: blocks in the program's hands or in a thread's cache; 0 when freed */
        uint32_t room; /* large: granules behind `granules`, kept clean for growth; guard: 1 if it
                          may be accessed */
        uint32_t
            last; /* pool slab: where the last block starts that was cut, in bytes; 0 when freed */
    };
    union {
        uint32_t owner; /* slab: number of the owning theap */
        uint32_t magic; /* pool slab: see pool_class_magic; 0: longer than a granule */
    };
    _Atomic uint16_t kind_and_arena; /* enum span_kind in the low byte; the arena of a head, and of
                                        a free run's last granule, in the high one */
    uint8_t size_class;              /* slab */
    uint8_t group;                   /* slab: how full it is, see slab.c */
    bool grown : 1;                  /* large: it has been moved in order to grow */
    bool emptied : 1;                /* large, medium: it holds no memory any more */
    bool moved : 1;                  /* large: its mapping is one of its own, see os_move */
    bool hollow : 1;                 /* medium, on its way back: some pages have gone already */
    bool zero_holes;                 /* slab: the memory in its holes reads as zero */
    _Atomic bool stirred;            /* slab: blocks came back since the last search for holes */
    union {
        struct {
            uint16_t search_at; /* slab: with fewer blocks in use it is searched for free pages */
            uint16_t least;     /* slab: with fewer blocks in use it is looked at, see slab.c */
        };
        uint32_t size_most; /* pool slab: the most bytes that a block serves for */
    };
};

_Static_assert(sizeof(struct span) == CACHE_LINE, "a descriptor is one cache line");

ALWAYS_INLINE enum span_kind span_kind(const struct span *span)
{
    /* relaxed: decides only for whom it is stable, the owner of a block in the span */
    return (enum span_kind)(uint8_t)atomic_load_explicit(&span->kind_and_arena,
                                                         memory_order_relaxed);
}

/* For whoever comes upon a span that may be another's: it is seen as it was made, or later. */
ALWAYS_INLINE enum span_kind span_kind_elsewhere(const struct span *span)
{
    return (enum span_kind)(uint8_t)atomic_load_explicit(&span->kind_and_arena,
                                                         memory_order_acquire);
}

/* Whose it is; for its owner. */
ALWAYS_INLINE uint8_t span_arena(const struct span *span)
{
    return (uint8_t)(atomic_load_explicit(&span->kind_and_arena, memory_order_relaxed) >> 8);
}

ALWAYS_INLINE uint16_t span_word(enum span_kind kind, uint8_t arena)
{
    return (uint16_t)((unsigned)arena << 8 | (unsigned)kind);
}

/* Whether it is a run of that kind of that arena, whose lock is held; any granule that is ours. */
ALWAYS_INLINE bool span_is_run(const struct span *span, enum span_kind kind, uint8_t arena)
{
    /* relaxed: if it is, it was written under the lock */
    return atomic_load_explicit(&span->kind_and_arena, memory_order_relaxed) ==
           span_word(kind, arena);
}

/* By whoever has the granule. */
ALWAYS_INLINE void span_set_both(struct span *span, enum span_kind kind, uint8_t arena)
{
    /* release: pairs with span_kind_elsewhere */
    atomic_store_explicit(&span->kind_and_arena, span_word(kind, arena), memory_order_release);
}

ALWAYS_INLINE void span_set_kind(struct span *span, enum span_kind kind)
{
    span_set_both(span, kind, span_arena(span));
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

#endif
