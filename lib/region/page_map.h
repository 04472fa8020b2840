/* SPDX-License-Identifier: MIT */
/* page_map.h: from any address to the tag and the descriptor of its granule, in two levels.
 *
 *     region_map.root[address >> 30]  ->  a leaf: 2^14 descriptors and 2^14 tags, one a granule
 *
 * A granule is 64 KiB, and its number is its address divided by that. The root costs nothing where
 * it is not touched; a leaf covers 1 GiB and is made when a region is first reserved there. Leaves
 * are never taken away, so a tag or descriptor, once there, can be read at any time.
 *
 * A root entry is the distance of its leaf's tags from a leaf of zeros, which is never written. So
 * an entry of zero, where there is no leaf, leads to tags of zero, and no path needs a test.
 *
 * Alignment of descriptors: a leaf's array of descriptors is as large as its alignment, so that a
 * descriptor's address tells its leaf, and the leaf tells the number of the descriptor's granule. */
#ifndef BARROW_REGION_PAGE_MAP_H
#define BARROW_REGION_PAGE_MAP_H

#include "os/compiler.h"
#include "os/vm.h"
#include "region/span.h"

enum {
    GRANULE_SHIFT = 16,
    GRANULE_SIZE = 1 << GRANULE_SHIFT,
    LEAF_SHIFT = 14, /* log2 of the granules that a leaf covers */
    LEAF_GRANULES = 1 << LEAF_SHIFT,
    LEAF_PARTS = 64, /* page_map_cover counts by these */
    PART_GRANULES = LEAF_GRANULES / LEAF_PARTS,
#if defined(__x86_64__) || defined(_M_X64)
    ADDRESS_BITS = 47,
#else
    ADDRESS_BITS = 48,
#endif
    LEAVES_MAX = 1 << (ADDRESS_BITS - GRANULE_SHIFT - LEAF_SHIFT)
};

/* Granule numbers are 32 bits long; 0 is never a granule of ours, and ends all lists. */
#define GRANULES_MAX ((size_t)1 << (ADDRESS_BITS - GRANULE_SHIFT))

#define LEAF_SPANS_BYTES ((size_t)LEAF_GRANULES * sizeof(struct span))
#define LEAF_TAGS_BYTES  ((size_t)LEAF_GRANULES * sizeof(struct granule_tag))

/* What a free by another thread than the owner, and the calls that ask for a size, read of a granule. */
struct granule_tag {
    /* which theap's slab, of which size class, or which theap's medium span; 0: neither is there */
    _Atomic uint32_t tag;
    union {
        /* slab: all its blocks that start in the granule up to this one are in circulation, and none
         * behind it; before the slab's first block where that can't be said, and the slab's descriptor
         * must be asked */
        const char *last;
        uint32_t map;  /* medium span: the number of its map, see medium/map.h */
        uint32_t word; /* an end of a kept run: the number of the word that holds it, see kept.h */
        /* private heap's slab of one granule: its pool's address, negated, so that it is no block's,
         * whatever a program takes for a handle; 0: there is none */
        uintptr_t minus_pool;
    };
};

/* What follows a leaf's tags. */
struct leaf_info {
    uint32_t first;           /* number of the leaf's first granule */
    bool is_whole;            /* all of its descriptors were committed with it */
    _Atomic uint64_t covered; /* bit n: page_map_cover has named one of the n-th 256 granules */
};

struct region_map {
    struct granule_tag no_tags[LEAF_GRANULES]; /* all zero, and never written */
    /* relaxed loads: a block's address reaches its reader by the program's own synchronisation, and
     * a wild address may find any state */
    _Atomic uintptr_t root[LEAVES_MAX];
    /* which leaves there are, and which words of that are not 0: a loop over all descriptors costs
     * nothing for address space that was never used */
    _Atomic uint64_t leaves[LEAVES_MAX / 64];
    _Atomic uint64_t words[LEAVES_MAX / 64 / 64];
};

extern struct region_map region_map HIDDEN;

/* Makes the leaves for [first, first + granules) where they are missing, and commits the descriptors.
 * False when the system refuses memory for them. One thread at a time. */
bool page_map_cover(uint32_t first, size_t granules);

/* The first granule after `granule` that may be in a region; GRANULES_MAX when there is none. It leads
 * a loop over all descriptors past those that were never in use. */
size_t page_map_next(size_t granule);

/* What the leaves take of address space, in bytes. */
size_t page_map_bytes(void);

/* The span that holds an address, by search: for messages and checks. NULL if there is none. */
struct span *region_find(const void *address);

ALWAYS_INLINE size_t granule_of(const void *address)
{
    return (uintptr_t)address >> GRANULE_SHIFT;
}

/* Whether an address of that granule can be the program's at all. */
ALWAYS_INLINE bool granule_has_tag(size_t granule)
{
    return granule < GRANULES_MAX;
}

ALWAYS_INLINE struct granule_tag *leaf_tags(size_t granule)
{
    uintptr_t distance =
        atomic_load_explicit(&region_map.root[granule >> LEAF_SHIFT], memory_order_relaxed);
    return (struct granule_tag *)((uintptr_t)region_map.no_tags + distance);
}

ALWAYS_INLINE struct leaf_info *leaf_of(size_t granule)
{
    return (struct leaf_info *)((uintptr_t)leaf_tags(granule) + LEAF_TAGS_BYTES);
}

/* acquire: who sees the bit sees the part committed */
ALWAYS_INLINE bool part_is_covered(size_t granule)
{
    uint64_t covered = atomic_load_explicit(&leaf_of(granule)->covered, memory_order_acquire);
    return covered >> (granule % LEAF_GRANULES / PART_GRANULES) & 1;
}

/* Whether the granule has a descriptor; any number. A leaf's descriptors are committed by parts. */
ALWAYS_INLINE bool granule_is_ours(size_t granule)
{
    /* acquire: who sees the leaf sees it initialised */
    return granule_has_tag(granule) &&
           atomic_load_explicit(&region_map.root[granule >> LEAF_SHIFT], memory_order_acquire) !=
               0 &&
           part_is_covered(granule);
}

/* The tag of a granule for which granule_has_tag is true; 0: no slab or medium span of malloc's is there. */
ALWAYS_INLINE uint32_t tag_of(size_t granule)
{
    /* relaxed: written before the slab's first block was handed out */
    return atomic_load_explicit(&leaf_tags(granule)[granule % LEAF_GRANULES].tag,
                                memory_order_relaxed);
}

/* Any value that it ever had while the block was in use will do. */
ALWAYS_INLINE const char *last_of(size_t granule)
{
    return READ_RACY(leaf_tags(granule)[granule % LEAF_GRANULES].last);
}

ALWAYS_INLINE uint32_t map_number_of(size_t granule)
{
    return READ_RACY(leaf_tags(granule)[granule % LEAF_GRANULES].map);
}

/* Of a granule whose tag is 0. Any number where it is no end of a kept run. */
ALWAYS_INLINE uint32_t kept_word_of(size_t granule)
{
    return LOAD_RELAXED(&leaf_tags(granule)[granule % LEAF_GRANULES].word);
}

ALWAYS_INLINE void kept_word_set(size_t granule, uint32_t word)
{
    STORE_RELAXED(&leaf_tags(granule)[granule % LEAF_GRANULES].word, word);
}

/* What there is of a granule for which granule_has_tag is true. */
ALWAYS_INLINE struct granule_tag *granule_entry(size_t granule)
{
    return &leaf_tags(granule)[granule % LEAF_GRANULES];
}

/* The address's tag; any address. */
ALWAYS_INLINE uint32_t tag_at(const void *address)
{
    size_t granule = granule_of(address);
    return likely(granule_has_tag(granule)) ? tag_of(granule) : 0;
}

/* By the span's owner: its theap's lock is held. */
ALWAYS_INLINE void tag_set(size_t granule, uint32_t tag)
{
    /* relaxed: the blocks reach other threads by the program's own synchronisation */
    atomic_store_explicit(&leaf_tags(granule)[granule % LEAF_GRANULES].tag, tag,
                          memory_order_relaxed);
}

ALWAYS_INLINE void last_set(size_t granule, const char *last)
{
    STORE_RELAXED(&leaf_tags(granule)[granule % LEAF_GRANULES].last, last);
}

ALWAYS_INLINE void map_number_set(size_t granule, uint32_t number)
{
    STORE_RELAXED(&leaf_tags(granule)[granule % LEAF_GRANULES].map, number);
}

/* What tag_of and span_at say, by one look at the root. Where there is no leaf the tag is 0, and
 * *span must not be used. */
ALWAYS_INLINE uint32_t tag_and_span(size_t granule, struct span **span)
{
    struct granule_tag *tags = leaf_tags(granule);
    *span = (struct span *)((uintptr_t)tags - LEAF_SPANS_BYTES) + granule % LEAF_GRANULES;
    return atomic_load_explicit(&tags[granule % LEAF_GRANULES].tag, memory_order_relaxed);
}

/* Whether a slab of one granule of the pool, which is not NULL, is there, by one look at the root; if not, *span must not be
 * used. */
ALWAYS_INLINE bool granule_is_of_pool(size_t granule, const struct pool *pool, struct span **span)
{
    struct granule_tag *tags = leaf_tags(granule);
    *span = (struct span *)((uintptr_t)tags - LEAF_SPANS_BYTES) + granule % LEAF_GRANULES;
    return READ_RACY(tags[granule % LEAF_GRANULES].minus_pool) == -(uintptr_t)pool;
}

/* NULL: none any more. By the pool that has the slab. */
ALWAYS_INLINE void granule_pool_set(size_t granule, const struct pool *pool)
{
    STORE_RELAXED(&granule_entry(granule)->minus_pool, -(uintptr_t)pool);
}

/* The descriptor of a granule that is ours. */
ALWAYS_INLINE struct span *span_at(size_t granule)
{
    uintptr_t spans = (uintptr_t)leaf_tags(granule) - LEAF_SPANS_BYTES;
    return (struct span *)spans + granule % LEAF_GRANULES;
}

ALWAYS_INLINE uint32_t span_index(const struct span *span)
{
    uintptr_t spans = (uintptr_t)span & ~(LEAF_SPANS_BYTES - 1);
    const struct leaf_info *leaf =
        (const struct leaf_info *)(spans + LEAF_SPANS_BYTES + LEAF_TAGS_BYTES);
    return leaf->first + (uint32_t)(((uintptr_t)span - spans) / sizeof(struct span));
}

ALWAYS_INLINE char *granule_start(size_t granule)
{
    return (char *)(granule << GRANULE_SHIFT);
}

ALWAYS_INLINE char *span_start(const struct span *span)
{
    return granule_start(span_index(span));
}

ALWAYS_INLINE size_t span_bytes(const struct span *span)
{
    return (size_t)span->granules << GRANULE_SHIFT;
}

#endif
