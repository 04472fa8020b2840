/* SPDX-License-Identifier: MIT */
/* layout.h: where the heap's structures lie in memory, told to who reads a process from outside.
 *
 *     ELF note "barrow", type 1  ->  struct heap_layout  ->  region_layout, threads_layout, medium_layout,
 *                                                           slots_layout
 *
 * The note (heap/layout.c) is in a segment that the program headers name, so that a reader finds it
 * in the process's memory alone: without symbols, without files, in a program linked statically too.
 * The layouts are constants and cost nothing. They give addresses and offsets, so that a reader needs
 * no headers of the library; LAYOUT_VERSION changes when a reader would have to do anything else.
 *
 * A reader stops nobody and takes no lock. So each word that it reads is a true one of that moment,
 * and lists and lengths must be followed with a bound. */
#ifndef BARROW_DIAG_LAYOUT_H
#define BARROW_DIAG_LAYOUT_H

#include <stdint.h>

#define LAYOUT_MAGIC     "barrow layout 1"
#define LAYOUT_NOTE_NAME "barrow"

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_NOTE_TYPE = 1, /* its contents: a 64-bit distance from them to struct heap_layout */
    LAYOUT_CLASSES = 128  /* size classes, at most */
};

/* Kinds of what is at a granule; `kinds` of region_layout translates the library's numbers. */
enum layout_kind {
    LAYOUT_NONE,     /* no head of a span or run */
    LAYOUT_RESERVED, /* free: address space without memory */
    LAYOUT_CLEAN,    /* free: reads as zero, without memory */
    LAYOUT_DIRTY,    /* free: may hold memory */
    LAYOUT_GUARD,
    LAYOUT_META, /* the library's own */
    LAYOUT_LOST,
    LAYOUT_SLAB,   /* malloc's blocks of one size class */
    LAYOUT_POOL,   /* a private heap's */
    LAYOUT_LARGE,  /* one block: malloc's, or a private heap's */
    LAYOUT_MEDIUM, /* malloc's blocks of any lengths, see struct medium_layout */
    LAYOUT_KINDS
};

/* The page map and the account. Addresses unless they say otherwise. */
struct region_layout {
    /* root[address >> root_shift]: the distance of a leaf's tags from no_tags, 0 for no leaf. The
     * leaf's descriptors are spans_before bytes before its tags. One descriptor a granule. */
    const void *root, *no_tags;
    uint64_t roots, spans_before;
    uint32_t root_shift, granule_shift;
    /* At covered_behind bytes behind the tags, a word of 64 bits: bit n is set if any of the n-th
     * 64th of the leaf's granules may be in use. */
    uint32_t covered_behind;
    uint32_t span_size;
    /* offsets in a descriptor, all of 32 bits but for holes and heap (64), kind and size_class (8) */
    uint16_t kind, size_class, granules, used, holes, heap, pool, large_size;
    uint8_t kinds[16]; /* enum layout_kind of each value of the field `kind` */
    /* words of the account: granules */
    const void *committed, *committed_peak;
    /* bytes */
    const void *purged, *reserved, *meta, *commit_limit;
    /* a number */
    const void *reservations;
};

/* The theaps of malloc's threads. */
struct threads_layout {
    /* leaves[number >> leaf_shift][number % 2^leaf_shift]: a theap, or NULL. Numbers begin at 1. */
    const void *leaves;
    const void *count, *idle_count; /* 32 bits: theaps made; of these, without a thread */
    uint32_t leaf_shift, theap_size;
    /* in a theap */
    uint16_t idle; /* 8 bits: it has no thread */
    uint16_t allocations, allocated_bytes, frees;
    /* the caches: `classes` bins at offset `bins`, bin_size bytes each */
    uint16_t bins, bin_size;
    /* in a bin: blocks cached = limit - room / 2^room_shift, and spare_count more if spare is not 0 */
    uint16_t room, limit, spare, spare_count; /* 64, 16, 64, 16 bits */
    uint32_t room_shift;
    /* Slabs that take their own blocks back: at offset `open` a pointer for each class, NULL or to a record in a ring.
     * A record begins with a bin, and has a pointer to the next one at open_next. */
    uint16_t open, open_next;
};

/* The map of a medium span. Its number is beside the tag of each of the span's granules:
 * leaves[number >> leaf_shift][number % 2^leaf_shift] is a map, or NULL. */
struct medium_layout {
    uint32_t tag_size; /* bytes from one granule's tag to the next one's */
    uint32_t number;   /* offset of the number behind the tag; 32 bits */
    const void *leaves;
    uint32_t leaf_shift, map_size;
    uint32_t most; /* cells that a map has */
    uint32_t cell_shift;
    /* in a map: the span's address (64 bits) and cells (32); a byte for each cell, which says what
     * starts there; and a record for each, where the length of what starts there is, in cells (16) */
    uint16_t start, cells, states, records, record_size, length;
    uint8_t live,
        passed; /* states: of a block that the program has; of one in a cache or on its way */
};

/* Private heaps. */
struct slots_layout {
    const void *first; /* a pointer to the first heap, or NULL */
    uint16_t next, name, name_size, slot, serialized;
    uint16_t charged, charged_peak, limit, maximum, refused;
    uint16_t start,
        end; /* of a heap with a reservation: its first address, and the one behind its last */
    uint16_t pool_heap; /* in a pool: pointer to its heap */
    /* In a heap: pointer to its bounded part, or NULL; there, in units: how far it is committed, the
     * most that was, and what of it holds no memory. */
    uint16_t bounded, frontier, reached, given_back, unit;
};

struct heap_layout {
    char magic[16]; /* LAYOUT_MAGIC */
    uint32_t version, size;
    char library[16]; /* the library's version, as text */
    const struct region_layout *region;
    const struct threads_layout *threads;
    const struct medium_layout *medium;
    const struct slots_layout *slots;
    const void *refused; /* 64 bits: calls of malloc and its kin that got no memory */
    /* A word: a free block's two words a and b have b = a ^ key; the highest byte of b is free_byte. */
    const void *block_key;
    uint32_t free_byte;
    uint32_t classes;
    uint32_t block_bytes[LAYOUT_CLASSES]; /* of malloc's size classes */
};

#endif
