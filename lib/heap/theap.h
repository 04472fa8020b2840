/* SPDX-License-Identifier: MIT */
/* theap.h: the part of a heap that one thread allocates from: a cache of free blocks for each size
 * class, over slabs that only this theap cuts blocks from.
 *
 *     malloc / free of the owner  ->  cache         no lock, no atomic
 *     cache empty, cache full     ->  slabs         theap->lock, for a batch of blocks
 *     free by another thread      ->  its `outgoing`, then a batch into the slabs, or into the inbox
 *
 * The cache belongs to the thread, the slabs to the lock. So whoever wants memory back (a trim, the
 * background purge, the owner of none) can take apart a theap whose thread sleeps: all but the
 * blocks in its cache, which are bounded in number and bytes. */
#ifndef BARROW_HEAP_THEAP_H
#define BARROW_HEAP_THEAP_H

#include "heap/block.h"
#include "heap/size_class.h"
#include "os/lock.h"

enum {
    TAG_SHIFT = 8,        /* a slab's tag: theap number << 8 | size class */
    THEAP_NONE = 0xffffff /* number of the theap that no slab belongs to */
};

/* How full a slab is. Blocks are taken from the fullest first, so that the others can run empty. */
enum group { GROUP_FULL, GROUP_MOST, GROUP_SOME, GROUP_FEW, GROUP_EMPTY, GROUPS };

/* Blocks of one other theap, freed by this thread and not yet given back. */
struct outgoing {
    uint32_t owner; /* number; 0: none */
    uint32_t bytes;
    struct chain chain;
};

enum { OUTGOING_SLOTS = 8, OUTGOING_BLOCKS = 32, OUTGOING_BYTES = 16 * 1024 };

struct theap {
    /* -- the owning thread's, no other thread may touch it -- */
    struct block *cache[SIZE_CLASSES];
    int32_t room[SIZE_CLASSES];     /* blocks that may yet be freed before the cache is looked at */
    uint32_t magic[SIZE_CLASSES];   /* size_class_magic */
    uint8_t class_of[SMALL_UNITS];  /* size_class_of((n - 1) * 16 + 1) for n = size in 16 bytes */
    uint32_t tag;                   /* number << TAG_SHIFT */
    uint16_t most[SIZE_CLASSES];    /* blocks that the cache may hold */
    uint8_t flushed[SIZE_CLASSES];  /* the cache was last changed by a flush, not by a refill */
    size_t grown;                   /* bytes by which the caches have been widened, see theap.c */
    size_t freed_bytes;             /* given back since the purge was last told */
    struct outgoing outgoing[OUTGOING_SLOTS];
    /* counted only when statistics are on; atomic since others read them */
    _Atomic uint64_t allocations, allocated_bytes, frees;

    /* -- anybody's, under the lock -- */
    struct os_lock lock ALIGNED(CACHE_LINE);
    uint32_t groups[SIZE_CLASSES][GROUPS]; /* slabs: index of the first, 0 for none */
    bool broken; /* another thread was changing it when the process forked: never used again */

    /* -- anybody's, without -- */
    _Atomic(struct block *) inbox ALIGNED(CACHE_LINE); /* blocks freed by others; a stack */

    /* -- threads.c's -- */
    struct theap *next_idle;
    bool idle;
};

/* The calling thread's theap as the fast paths see it: never NULL. It is theap_none, whose caches are
 * empty and whose tag matches no slab, in a thread that has none yet or none any more, and in all
 * threads when calls are counted: then every call takes the slow path. */
extern THREAD_LOCAL struct theap *theap_fast;
extern struct theap theap_none;

void theap_init(struct theap *theap, uint32_t number);

ALWAYS_INLINE uint32_t theap_number(const struct theap *theap)
{
    return theap->tag >> TAG_SHIFT;
}

/* A block of that class, its cache being empty: takes a batch from the slabs. NULL when there is no
 * memory. With zero_wanted, *zero tells whether the block but for its first 16 bytes reads as zero.
 * Owner only. */
struct block *theap_refill(struct theap *theap, unsigned class, bool zero_wanted, bool *zero);

/* The cache has taken as many blocks as it may: gives the older ones back. Owner only. */
void theap_overflow(struct theap *theap, unsigned class);

/* Frees a block that belongs to another theap. Owner of `theap` only. */
void theap_free_remote(struct theap *theap, uint32_t owner, unsigned class, struct block *block);

/* Gives back all that the caches and outgoing batches hold. Owner only, or when there is none. */
void theap_flush(struct theap *theap);

/* Gives a chain of blocks, all of them the theap's, back to it. Any thread. */
void theap_post(struct theap *theap, struct chain chain);

/* Takes in what others have posted. Any thread that holds the lock. */
void theap_drain(struct theap *theap);

#endif
