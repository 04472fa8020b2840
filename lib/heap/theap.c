/* SPDX-License-Identifier: MIT */
/* The caches' size is found as the program runs. A cache starts small. When it overflows and then runs
 * dry, the program frees and allocates in longer waves than the cache holds, and it is doubled; a
 * theap's caches together are widened by GROW_MOST at most. */
#include "heap/theap.h"

#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"

#include <string.h>

enum {
    START_BYTES = 8 * 1024, /* what a cache holds at the start, but 2 blocks at least ... */
    START_BLOCKS = 64,      /* ... and this many at most */
    WIDE_BYTES = 512 * 1024,
    WIDE_BLOCKS = 1024,
    WIDE_LEAST = 8,
    GROW_MOST = 1024 * 1024,
    POKE_BYTES = 256 * 1024 /* freed bytes after which the purge is told */
};

struct theap theap_none = { .tag = (uint32_t)THEAP_NONE << TAG_SHIFT };
THREAD_LOCAL struct theap *theap_fast = &theap_none;

static uint32_t clamp(size_t n, uint32_t least, uint32_t most)
{
    return n < least ? least : n > most ? most : (uint32_t)n;
}

static uint32_t start_blocks(unsigned class)
{
    return clamp(START_BYTES / size_class_bytes(class), 2, START_BLOCKS);
}

static uint32_t wide_blocks(unsigned class)
{
    return clamp(WIDE_BYTES / size_class_bytes(class), WIDE_LEAST, WIDE_BLOCKS);
}

void theap_init(struct theap *theap, uint32_t number)
{
    theap->tag = number << TAG_SHIFT;
    for (unsigned n = 0; n < SMALL_UNITS; n++)
        theap->class_of[n] = (uint8_t)size_class_of(n * 16);
    for (unsigned class = 0; class < SIZE_CLASSES; class++) {
        theap->magic[class] = size_class_magic(class);
        theap->most[class] = (uint16_t)start_blocks(class);
        theap->room[class] = theap->most[class];
    }
}

/* ---- cache -------------------------------------------------------------------------------- */

static void widen(struct theap *theap, unsigned class)
{
    uint32_t most = theap->most[class], wider = 2 * most;
    size_t bytes = most * size_class_bytes(class);
    if (wider > wide_blocks(class) || theap->grown + bytes > GROW_MOST)
        return;
    theap->most[class] = (uint16_t)wider;
    theap->grown += bytes;
}

struct block *theap_refill(struct theap *theap, unsigned class, bool zero_wanted, bool *zero)
{
    if (theap->flushed[class]) {
        theap->flushed[class] = false;
        widen(theap, class);
    }
    uint32_t most = theap->most[class];
    os_lock(&theap->lock);
    theap_drain(theap);
    struct chain chain = slab_take(theap, class, zero_wanted ? 1 : most / 2, zero);
    os_unlock(&theap->lock);
    if (chain.first == NULL)
        return NULL;
    theap->cache[class] = chain.first->next;
    theap->room[class] = (int32_t)(chain.count > most / 2 ? most / 2 : most - chain.count);
    return chain.first;
}

static void give_back(struct theap *theap, struct block *first, size_t bytes)
{
    os_lock(&theap->lock);
    slab_give(theap, first);
    os_unlock(&theap->lock);
    theap->freed_bytes += bytes;
    if (theap->freed_bytes >= POKE_BYTES) {
        theap->freed_bytes = 0;
        purge_poke();
    }
}

void theap_overflow(struct theap *theap, unsigned class)
{
    uint32_t most = theap->most[class], keep = most / 2;
    struct block *last = theap->cache[class];
    uint32_t kept = 1;
    for (; kept < keep && last->next != NULL; kept++)
        last = last->next;
    struct block *rest = last->next;
    theap->room[class] = (int32_t)(most - kept);
    if (rest == NULL)
        return; /* frees and allocations were in step: it is not that full */
    last->next = NULL;
    theap->flushed[class] = true;
    /* what is freed in between is not counted here: an estimate is enough for the purge */
    give_back(theap, rest, keep * size_class_bytes(class));
}

static void post_outgoing(struct outgoing *outgoing)
{
    struct chain chain = outgoing->chain;
    uint32_t owner = outgoing->owner;
    *outgoing = (struct outgoing){ 0 };
    theap_post(threads_theap(owner), chain);
}

void theap_flush(struct theap *theap)
{
    for (unsigned i = 0; i < OUTGOING_SLOTS; i++)
        if (theap->outgoing[i].owner != 0)
            post_outgoing(&theap->outgoing[i]);
    os_lock(&theap->lock);
    theap_drain(theap);
    for (unsigned class = 0; class < SIZE_CLASSES; class++) {
        slab_give(theap, theap->cache[class]);
        theap->cache[class] = NULL;
        theap->most[class] = (uint16_t)start_blocks(class);
        theap->room[class] = theap->most[class];
        theap->flushed[class] = false;
    }
    theap->grown = 0;
    os_unlock(&theap->lock);
}

/* ---- remote frees ------------------------------------------------------------------------- */

void theap_free_remote(struct theap *theap, uint32_t owner, unsigned class, struct block *block)
{
    struct outgoing *outgoing = &theap->outgoing[owner % OUTGOING_SLOTS];
    if (outgoing->owner != owner) {
        if (outgoing->owner != 0)
            post_outgoing(outgoing);
        outgoing->owner = owner;
    }
    chain_push(&outgoing->chain, block);
    outgoing->bytes += (uint32_t)size_class_bytes(class);
    if (outgoing->chain.count >= OUTGOING_BLOCKS || outgoing->bytes >= OUTGOING_BYTES)
        post_outgoing(outgoing);
}

static void push_inbox(struct theap *theap, struct chain chain)
{
    struct block *head = atomic_load_explicit(&theap->inbox, memory_order_relaxed);
    do
        chain.last->next = head;
    /* release: the owner reads the links and the slabs' owners after its acquire in theap_drain */
    while (!atomic_compare_exchange_weak_explicit(&theap->inbox, &head, chain.first,
                                                  memory_order_release, memory_order_relaxed));
}

void theap_post(struct theap *theap, struct chain chain)
{
    /* Better here than by the owner: the blocks are in this processor's caches. */
    if (theap->broken || !os_try_lock(&theap->lock)) {
        push_inbox(theap, chain);
        return;
    }
    slab_give(theap, chain.first);
    os_unlock(&theap->lock);
    purge_poke();
}

void theap_drain(struct theap *theap)
{
    if (atomic_load_explicit(&theap->inbox, memory_order_relaxed) == NULL)
        return;
    slab_give(theap, atomic_exchange_explicit(&theap->inbox, NULL, memory_order_acquire));
}
