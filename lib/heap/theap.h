/* SPDX-License-Identifier: MIT */
/* theap.h: the part of a heap that one thread allocates from: a cache of free blocks for each size
 * class, over slabs that only this theap cuts blocks from.
 *
 *     malloc / free of the owner  ->  cache (bins)  no lock, no atomic
 *     bin empty, bin full         ->  slabs         theap->lock, for a batch of blocks
 *     longer than SMALL_MAX       ->  medium blocks theap->lock, see theap_medium.h
 *     free by another thread      ->  its outgoing, then a batch to where they are from, or the inbox
 *
 * The lists in use belong to the thread, the slabs to the lock, a bin's spare list to whoever takes
 * it. So who wants memory back (a trim, the background purge) can take apart a theap whose thread
 * sleeps: all but the lists in use, which are bounded in number and bytes. */
#ifndef BARROW_HEAP_THEAP_H
#define BARROW_HEAP_THEAP_H

#include "heap/bin.h"
#include "heap/own_slabs.h"
#include "medium/medium.h"
#include "os/lock.h"
#include "os/thread_words.h"
#include "region/allowance.h"
#include "region/large.h"

/* A span's tag: the number of its theap, and the offset of its size class's bin, or TAG_MEDIUM. */
enum {
    TAG_SHIFT = 12,
    TAG_BIN = (1 << TAG_SHIFT) - 1,
    THEAP_NONE = (1 << 20) - 1, /* number of the theap that no slab belongs to */
    BINS_SIZE = SIZE_CLASSES * sizeof(struct bin),
    TAG_MEDIUM = BINS_SIZE,
    BIN_STEP = 8
};

_Static_assert(TAG_MEDIUM <= TAG_BIN && sizeof(struct bin) % BIN_STEP == 0,
               "a tag's low bits are a bin's offset");

ALWAYS_INLINE bool tag_is_medium(uint32_t tag)
{
    return (tag & TAG_BIN) == TAG_MEDIUM;
}

/* How full a slab is. Blocks are taken from the fullest first, so that the others can run empty; from
 * a nearly full one only when there is no memory for another slab. */
enum group { GROUP_FULL, GROUP_NEARLY, GROUP_MOST, GROUP_SOME, GROUP_FEW, GROUP_EMPTY, GROUPS };

/* Medium blocks that the owner has freed and may want again, a few of each length. Only the owner puts
 * one there; whoever exchanges a slot for 0 has its block. */
enum {
    CACHED_LEAST = 5, /* in cells */
    CACHED_MOST = 64,
    CACHED_LENGTHS = CACHED_MOST + 1 - CACHED_LEAST,
    CACHE_SLOTS = 4,
    CACHE_CELLS = 32, /* beside a share of what is in use */
    CACHE_SHARE = 16
};

struct medium_cache {
    int32_t room;                  /* cells that it may hold more, but for ... */
    _Atomic uint32_t stolen;       /* those that others took */
    uint8_t count[CACHED_LENGTHS]; /* slots that the owner has filled; others read it as a hint */
    _Atomic uint32_t slots[CACHED_LENGTHS][CACHE_SLOTS]; /* see place_word */
};

/* Blocks of one other theap, freed by this thread and not yet given back. */
struct outgoing {
    uint32_t owner; /* number; 0: there are none */
    uint32_t bytes;
    struct chain chain;
    struct outgoing *next, *prev; /* in the order in which they were begun */
};

/* A batch for each owner, in leaves that are made when they are needed. The leaves of owners beyond the
 * first 16,384 are in a table of its own. No two owners share a place. */
enum {
    OUTGOING_BLOCKS = 128,
    OUTGOING_BYTES = 32 * 1024,
    OUTGOING_TOTAL = 2 * 1024 * 1024, /* divided among all batches, when there are many */
    OWNERS_SHIFT = 8,
    OWNERS_LEAF = 1 << OWNERS_SHIFT,
    OWNERS_LEAVES = 64,
    OWNERS_LEAVES_ALL = (THEAP_NONE >> OWNERS_SHIFT) + 1
};

struct outgoing_batches {
    struct outgoing *leaves[OWNERS_LEAVES];
    struct outgoing **more; /* of OWNERS_LEAVES_ALL, the first ones unused; NULL: not made yet */
    struct outgoing *first, *last; /* those that have blocks */
    uint32_t count;                /* of them */
    uint32_t most;                 /* bytes that each may have */
};

/* What a bin has been through; its owner's. */
struct bin_history {
    uint32_t given; /* blocks given back since some were fetched */
    bool used;      /* a list has been fetched before */
};

struct open_slab;

struct theap {
    /* -- the owning thread's, no other thread may touch it -- */
    struct bin bins[SIZE_CLASSES];
    uint8_t bin_code[SMALL_LIMIT]; /* for a size, which bin: its offset divided by BIN_STEP */
    struct bin_history history[SIZE_CLASSES];
    struct own_slabs *own;                                 /* NULL: there was no memory for it */
    struct open_slab *open[SIZE_CLASSES], *unused_records; /* open_slab.h */
    uint64_t tag;                                          /* number << TAG_SHIFT */
    size_t grown;               /* bytes by which the caches have been widened, see theap.c */
    size_t freed_bytes;         /* given back since the purge was last told */
    uint32_t clashes;           /* see theap_note_clash */
    _Atomic uint32_t active_at; /* tick of the last change of a spare list; others read it */
    struct outgoing_batches outgoing;
    /* counted only when statistics are on; atomic since others read them */
    _Atomic uint64_t allocations, allocated_bytes, frees;
    struct large_account large; /* less than nothing, if others' blocks are freed here */

    _Atomic uint32_t working; /* the thread is on a slow path; see hold.h */
    struct medium_cache cache;

    /* -- anybody's, under the lock -- */
    _Alignas(CACHE_LINE) struct os_lock lock;
    uint32_t groups[SIZE_CLASSES][GROUPS]; /* slabs: index of the first, 0 for none */
    size_t circulating;                    /* bytes of slabs' blocks that start in no hole */
    size_t listed;                         /* bytes of free blocks on slabs' lists */
    size_t open_bytes;          /* the same in open slabs, when they were last looked at */
    struct allowance allowance; /* for theap_free_bytes */
    struct medium medium;
    size_t cache_used; /* cells in use when the room of the cache was seen to */
    size_t look_at;   /* bytes free at which to look whether that is too much, see theap_medium.c */
    uint32_t emptied; /* slabs' spans to be freed when the lock is released, by `next` */
    uint32_t due;     /* slabs to be searched for free pages then, linked the same way */
    struct block *strays; /* given back here, but their slabs were adopted: to be posted to the new
                             owners when the lock is released; NULL when there is none */
    uint32_t pinned;      /* slabs that are due, or whose pages are on their way back */
    bool broken; /* never used again: another thread was changing it when a signal handler forked
                         that had interrupted a call of this library */

    /* -- anybody's, without -- */
    _Alignas(CACHE_LINE) _Atomic(struct block *) inbox; /* blocks freed by others; a stack */
    _Atomic size_t posted;      /* bytes in it, as far as they were told; nearly */
    _Atomic size_t posted_most; /* up to which long blocks are left there */

    /* -- threads.c's -- */
    struct theap *next_idle;
    /* No thread has the theap: there is nothing to tend in it but its inbox. Others read it as a hint; for
     * who holds the lock it is certain, since a thread takes the theap over under that. */
    _Atomic bool idle;
};

/* The calling thread's theap as the fast paths see it: never NULL. It is theap_none, whose caches
 * are empty and whose tag matches no slab, in a thread that has none yet or none any more, and in
 * all threads when calls are counted or checked: then every call takes the slow path. */
extern struct theap theap_none HIDDEN;

ALWAYS_INLINE struct theap *theap_fast(void)
{
    return thread_words()->theap_fast;
}

/* theap_fast's table. */
ALWAYS_INLINE struct own_slabs *theap_own_fast(void)
{
    return thread_words()->own;
}

struct theap_settings {
    bool shuffle; /* lists of fresh blocks are in random order */
};

extern struct theap_settings theap_settings;

/* Counts the ticks of purge.c; any recent value will do. */
extern _Atomic uint32_t theap_tick;

/* The same where there is something to do. */
size_t theap_unlock_and_free(struct theap *theap);

/* Releases the lock, and then does what must not be done with it: frees spans that became empty,
 * gives back pages that were found to be free, and posts blocks that are others'. Returns the bytes of the latter. */
ALWAYS_INLINE size_t theap_unlock(struct theap *theap)
{
    uint32_t spans = theap->due | theap->emptied | theap->medium.due | theap->medium.emptied;
    if (unlikely(spans != 0 || theap->strays != NULL))
        return theap_unlock_and_free(theap);
    os_unlock(&theap->lock);
    return 0;
}

/* Memory that is free, in slabs and between medium blocks; the lock is held. */
ALWAYS_INLINE size_t theap_free_bytes(const struct theap *theap)
{
    return theap->listed + theap->open_bytes + medium_idle(&theap->medium);
}

/* Whether that is more than the allowance. */
ALWAYS_INLINE bool theap_has_too_much_free(const struct theap *theap)
{
    size_t free = theap_free_bytes(theap);
    size_t live = theap->circulating + medium_resident(&theap->medium) - free;
    return free > allowance_limit(&theap->allowance, live);
}

void theap_init(struct theap *theap, uint32_t number);

ALWAYS_INLINE uint32_t theap_number(const struct theap *theap)
{
    return (uint32_t)(theap->tag >> TAG_SHIFT);
}

ALWAYS_INLINE struct bin *theap_bin(struct theap *theap, size_t offset)
{
    return (struct bin *)(void *)((char *)theap->bins + offset);
}

/* The bin for blocks of up to that size, which is less than SMALL_LIMIT. */
ALWAYS_INLINE struct bin *theap_small_bin(struct theap *theap, size_t size)
{
    return theap_bin(theap, (size_t)theap->bin_code[size] * BIN_STEP);
}

ALWAYS_INLINE uint32_t theap_tag(const struct theap *theap, unsigned size_class)
{
    return (uint32_t)theap->tag + size_class * (uint32_t)sizeof(struct bin);
}

ALWAYS_INLINE bool theap_owns(const struct theap *theap, uint32_t tag)
{
    return tag >> TAG_SHIFT == theap_number(theap);
}

ALWAYS_INLINE unsigned bin_class(const struct theap *theap, const struct bin *bin)
{
    return (unsigned)(bin - theap->bins);
}

/* The owner has given back so many bytes: the purge is told from time to time. No lock is held. */
void theap_poke(struct theap *theap, size_t bytes);

/* A block for that bin, whose list is empty: takes a batch from the slabs. NULL when there is no
 * memory. With zero_wanted, *zero tells whether the block but for its first 16 bytes reads as zero.
 * Owner only. */
struct block *theap_refill(struct theap *theap, struct bin *bin, bool zero_wanted, bool *zero);

/* Frees a block of the theap's own whose bin is full, be it its class's or an open slab's: the list
 * becomes the spare one or, if there is a spare one already, the block goes back to its slab. Owner
 * only, on a slow path: heap_set_busy. */
void theap_overflow(struct theap *theap, struct bin *bin, struct block *block);

/* The same for an owner that is on no slow path yet. */
void theap_overflow_alone(struct theap *theap, struct bin *bin, struct block *block);

/* A block of the theap's own, whose class's bin that is, was found by the page map. After a few of them the
 * block's slab gets the places that lead to other slabs, see own_slabs.h. Owner only. */
void theap_take_places(struct theap *theap, const struct bin *bin, const struct block *block);

ALWAYS_INLINE void theap_note_clash(struct theap *theap, const struct bin *bin,
                                    const struct block *block)
{
    enum { CLASHES_MOST = 8 }; /* two slabs that are used in turn must not take them at each free */
    if (unlikely(++theap->clashes == CLASHES_MOST))
        theap_take_places(theap, bin, block);
}

/* Frees a block of that many bytes that belongs to another theap. Owner of `theap` only. */
void theap_free_remote(struct theap *theap, uint32_t owner, size_t bytes, struct block *block);

/* Where the leaf with an owner's batch is noted; NULL: that place is not made yet. */
ALWAYS_INLINE struct outgoing **theap_outgoing_leaf(struct theap *theap, uint32_t owner)
{
    uint32_t leaf = owner >> OWNERS_SHIFT;
    ASSERT(leaf < OWNERS_LEAVES_ALL);
    if (likely(leaf < OWNERS_LEAVES))
        return &theap->outgoing.leaves[leaf];
    return theap->outgoing.more != NULL ? &theap->outgoing.more[leaf] : NULL;
}

/* The batch for an owner's blocks, empty if its number is 0; NULL: not made yet. */
ALWAYS_INLINE struct outgoing *theap_outgoing(struct theap *theap, uint32_t owner)
{
    struct outgoing **leaf = theap_outgoing_leaf(theap, owner);
    return likely(leaf != NULL && *leaf != NULL) ? &(*leaf)[owner % OWNERS_LEAF] : NULL;
}

/* The same, if it is nothing but one more for a batch that is not full; else false. */
ALWAYS_INLINE bool theap_gather(struct theap *theap, uint32_t owner, uint32_t block_bytes,
                                struct block *block)
{
    struct outgoing *outgoing = theap_outgoing(theap, owner);
    if (unlikely(outgoing == NULL))
        return false;
    uint32_t bytes = outgoing->bytes + block_bytes;
    if (outgoing->owner != owner || outgoing->chain.count >= OUTGOING_BLOCKS - 1 ||
        bytes >= theap->outgoing.most || thread_words()->busy)
        return false;
    thread_words()->busy = true; /* for a signal handler that frees */
    atomic_signal_fence(memory_order_seq_cst);
    chain_push(&outgoing->chain, block);
    outgoing->bytes = bytes;
    atomic_signal_fence(memory_order_seq_cst);
    thread_words()->busy = false;
    return true;
}

/* The same for one block, straight to its theap. Any thread. */
void theap_post_block(uint32_t owner, struct block *block);

/* Gives back all that the caches and outgoing batches hold. Owner only, or when there is none. */
void theap_flush(struct theap *theap);

/* After that, where the thread ends: its batches' memory is for other theaps. */
void theap_leave_leaves(struct theap *theap);

/* Gives back the spare lists of a theap whose thread has not been on its slow paths for a tick or,
 * with `all`, in any case. Any thread that holds the lock. */
void theap_release_spares(struct theap *theap, bool all);

/* Gives a chain of blocks, all of them the theap's, back to it: at once or, if the lock is not free or the
 * blocks are long, by its inbox. `bytes`: of all of them, or 0. Any thread. */
void theap_post(struct theap *theap, struct chain chain, size_t bytes);

/* After fork, for the theap of a thread that is not here: forgets the blocks that were on their way
 * to other theaps, for they may be half posted. */
void theap_forget_outgoing(struct theap *theap);

/* The same for those that were on their way to one owner. */
void theap_forget_batch(struct theap *theap, uint32_t owner);

/* Empties the bins and the inbox: their blocks are about to be found by other means. */
void theap_forget_lists(struct theap *theap);

/* Takes in what others have posted. Any thread that holds the lock. */
void theap_drain(struct theap *theap);

#endif
