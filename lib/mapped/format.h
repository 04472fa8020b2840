/* SPDX-License-Identifier: MIT */
/* format.h: what is in the file of a mapped heap. README.md describes it for other readers.
 *
 *     0        struct mapped_identity: written once; magic, version, checksum
 *     4 KiB    struct mapped_state: the lock, and what concerns the heap as a whole
 *     8 KiB    struct bounded_journal
 *     16 KiB   roots
 *     32 KiB   caches
 *     112 KiB  a bit for each region that may have holes
 *     128 KiB  the engine's heap: struct bounded, lists, blocks
 *
 * Numbers are in the byte order of the processor, which the magic tells. No word is an address. */
#ifndef BARROW_MAPPED_FORMAT_H
#define BARROW_MAPPED_FORMAT_H

#include "mapped/engine.h"

#define MAPPED_MAGIC   0x70616548776f7242 /* "BrowHeap" on a little-endian processor */
#define MAPPED_VERSION 1

enum {
    MAPPED_STATE = 4 << 10,
    MAPPED_JOURNAL = 8 << 10,
    MAPPED_ROOTS = 16 << 10,
    MAPPED_CACHES = 32 << 10,
    MAPPED_HOLES = 112 << 10,
    MAPPED_HEAD = 128 << 10, /* where struct bounded is */

    MAPPED_ROOT_NAME = 56, /* bytes, with the 0 at the end */
    MAPPED_ROOT_COUNT = 256,
    MAPPED_CACHE_COUNT = 96,
    MAPPED_TYPE_NAME = 64,
    MAPPED_HOLE_BITS = 16 << 13, /* bits */
    MAPPED_PROCESSES = 4096
};

_Static_assert(MAPPED_HEAD - MAPPED_JOURNAL == JOURNAL_BEFORE, "the engine finds its journal");
_Static_assert(sizeof(struct bounded_journal) <= MAPPED_ROOTS - MAPPED_JOURNAL, "it has its place");

struct mapped_identity {
    uint64_t magic;
    uint32_t version;
    uint32_t page_size; /* of the system that made the file; information only */
    uint64_t head;      /* MAPPED_HEAD */
    uint64_t maximum;   /* bytes of the engine's heap, at most */
    uint64_t uuid[2];   /* random: a synced copy names the file it is of */
    uint64_t key, salt; /* the engine's, with which headers are masked */
    uint64_t checksum;  /* of all before it */
};

struct mapped_type {
    char name[MAPPED_TYPE_NAME];
    uint64_t version;
};

struct mapped_state {
    /* 0; else, in the lower half, the thread that has the lock, by its number in its process's
     * namespace, and the bits of the kernel's robust futexes: 0x80000000 somebody waits, 0x40000000
     * the owner died; in the upper half 1 more than the number of the owner's process */
    _Atomic uint64_t lock;
    _Atomic uint32_t held; /* no cache may be used */
    uint32_t closed;       /* 1: the last opening has put everything in order */
    uint32_t repairing;    /* 1: a repair was interrupted */
    uint32_t damaged;      /* 1: something was found that no program of ours writes */
    uint64_t pending;      /* unit of the block that the lock's owner's call is about, or 0 */
    uint64_t type_number;  /* the number's lowest bit: which of the two that follow counts */
    struct mapped_type types[2];
    uint64_t boot[2];        /* the boot of the system in which it was last open for writing */
    uint64_t openings;       /* ever */
    uint64_t recoveries;     /* interrupted changes that were undone or completed */
    uint64_t sync_number;    /* rises with each sync */
    uint64_t may_have_holes; /* 1: some bit of the holes may be set */
};

/* A name that is all zero: none. */
struct mapped_root {
    char name[MAPPED_ROOT_NAME];
    uint64_t unit;
};

/* Free blocks that one thread has for itself; see cache.c. */
struct mapped_cache {
    _Atomic uint32_t owner;         /* 1 more than the process's number; 0: nobody's */
    _Atomic uint32_t idle;          /* no thread of the process has it */
    _Atomic uint32_t working;       /* the thread is in it */
    uint32_t allowance;             /* units that it may still take */
    uint64_t pending;               /* unit of the block that its thread's call is about, or 0 */
    uint64_t lists[BOUNDED_CACHED]; /* by units: the first block's unit; 0: none */
    uint16_t counts[BOUNDED_CACHED];
};

enum { MAPPED_CACHE_BYTES = 768 };
_Static_assert(sizeof(struct mapped_cache) <= MAPPED_CACHE_BYTES, "the caches' distance");
_Static_assert(MAPPED_CACHES + MAPPED_CACHE_COUNT * MAPPED_CACHE_BYTES <= MAPPED_HOLES, "");
_Static_assert(MAPPED_HOLES + MAPPED_HOLE_BITS / 8 <= MAPPED_HEAD, "");
_Static_assert(sizeof(struct mapped_root) == 64, "roots are contiguous");
_Static_assert(sizeof(struct mapped_state) <= MAPPED_JOURNAL - MAPPED_STATE, "");

#endif
