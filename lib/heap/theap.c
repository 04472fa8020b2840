/* SPDX-License-Identifier: MIT */
/* The caches' size is found as the program runs. A bin's lists start short. They are doubled when
 * the bin runs dry, unless it was only just started: the program allocates in longer waves than it
 * holds. They are halved when the bin has given a whole list back and overflows again with no need
 * of a block in between: the program gives up more than it will want back soon. All of a theap's
 * lists together are widened by GROW_MOST, and by less where there are many theaps.
 *
 * Long lists are fetched and given back by quarters: a program whose waves are a little longer than
 * what the bin holds then moves little, not a list in each wave. */
#include "heap/theap.h"

#include "heap/purge.h"
#include "heap/random.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "os/child.h"
#include "private/pool.h"
#include "region/region.h"

#include <string.h>

enum {
    START_BYTES = 4 * 1024, /* what a list may hold at the start, but ... */
    START_LEAST = 1,
    START_MOST = 32,
    WIDE_BYTES = 256 * 1024, /* what it may come to hold */
    WIDE_LEAST = 4,
    WIDE_MOST = 1024,
    NARROW_LEAST = 16, /* lists of blocks up to NARROW_SMALL bytes are not made shorter than this */
    NARROW_SMALL = 1024,
    GROW_LEAST = 3 * 1024 * 1024,
    GROW_MOST = 8 * 1024 * 1024,
    GROW_SHARED = 48 * 1024 * 1024, /* divided among all theaps */
    PART_LEAST = 16,                /* blocks that it pays to fetch or give back at once */
    SHUFFLED = 64,
    POKE_BYTES = 256 * 1024 /* freed bytes after which the purge is told */
};

struct theap_settings theap_settings;
_Atomic uint32_t theap_tick;
struct theap theap_none = { .tag = (uint64_t)THEAP_NONE << TAG_SHIFT,
                            .bins = { [0 ... SIZE_CLASSES - 1] = { .free = BLOCK_END } } };
THREAD_WORDS_AT_START = { .theap_fast = &theap_none, .at_hand = &pool_none };

static void free_emptied(uint32_t index)
{
    while (index != 0) {
        struct span *span = span_at(index);
        index = span->next;
        region_free(span);
    }
}

size_t theap_unlock(struct theap *theap)
{
    size_t purged = 0;
    for (;;) {
        uint32_t emptied = theap->emptied, due = theap->due;
        uint64_t units = 0;
        theap->emptied = 0;
        if (unlikely(due != 0)) {
            theap->due = span_at(due)->next;
            units = slab_search(theap, span_at(due));
        }
        os_unlock(&theap->lock);
        free_emptied(emptied);
        if (likely(due == 0))
            return purged;
        size_t bytes = slab_discard(span_at(due), units);
        purged += bytes;
        os_lock(&theap->lock);
        allowance_gave_back(&theap->allowance, bytes);
        slab_unpin(theap, span_at(due));
    }
}

static uint16_t clamp(size_t n, uint16_t least, uint16_t most)
{
    return n < least ? least : n > most ? most : (uint16_t)n;
}

static void reset_bin(struct bin *bin)
{
    bin->most = clamp(START_BYTES / bin_bytes(bin), START_LEAST, START_MOST);
    bin->room = bin->most;
    bin->used = false;
    bin->flushed = 0;
}

void theap_init(struct theap *theap, uint32_t number)
{
    block_draw_keys();
    theap->tag = (uint64_t)number << TAG_SHIFT;
    for (unsigned n = 0; n < SMALL_UNITS; n++)
        theap->bin_of[n] = (uint16_t)(size_class_of(n * 16) * sizeof(struct bin));
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        theap->reach[size_class] = size_class_reach(size_class, size_class_starts(size_class));
        theap->bins[size_class].free = BLOCK_END;
        theap->bins[size_class].magic = size_class_magic(size_class);
        theap->bins[size_class].units = (uint16_t)(size_class_bytes(size_class) / 16);
        reset_bin(&theap->bins[size_class]);
    }
}

/* ---- cache -------------------------------------------------------------------------------- */

static void narrow(struct theap *theap, struct bin *bin)
{
    size_t size = bin_bytes(bin);
    uint16_t narrower = bin->most / 2; /* 0: of two lists that are full each has one block */
    size_t shrunk = 2 * narrower * size;
    if (size <= NARROW_SMALL && narrower < NARROW_LEAST)
        return;
    bin->most = narrower;
    theap->grown = theap->grown > shrunk ? theap->grown - shrunk : 0;
}

static size_t grow_most(void)
{
    /* threads come and go between the two looks */
    uint32_t theaps = threads_theaps(), idle = threads_idle_theaps();
    size_t share = GROW_SHARED / (theaps > idle ? theaps - idle : 1);
    return share < GROW_LEAST ? GROW_LEAST : share > GROW_MOST ? GROW_MOST : share;
}

/* False when the lists are as long as they may be. */
static bool widen(struct theap *theap, struct bin *bin)
{
    size_t size = bin_bytes(bin);
    uint16_t wider = (uint16_t)(bin->most == 0 ? 1 : 2 * bin->most);
    size_t grown = theap->grown + 2 * bin->most * size; /* both lists */
    if (wider > clamp(WIDE_BYTES / size, WIDE_LEAST, WIDE_MOST) || grown > grow_most())
        return false;
    theap->grown = grown;
    bin->most = wider;
    return true;
}

/* How many blocks to fetch or to give back at once. */
static uint32_t part_of(const struct bin *bin)
{
    return bin->most < 4 * PART_LEAST ? bin->most : bin->most / 4u;
}

/* The list to go on with when the bin's is used up. */
static struct chain fetch_list(struct theap *theap, struct bin *bin, bool zero_wanted, bool *zero)
{
    uint32_t wanted = !bin->used || widen(theap, bin) ? bin->most : part_of(bin);
    wanted += wanted == 0;
    bin->used = true;
    bin->flushed = 0;
    os_lock(&theap->lock);
    theap_drain(theap);
    unsigned own = bin_class(theap, bin);
    unsigned from = bin_bytes(bin) > SMALL_MAX ? slab_lender(theap, own) : own;
    /* one, if it is a larger class's: the bin is to keep blocks of its own */
    struct chain chain = slab_take(theap, from, zero_wanted || from != own ? 1 : wanted, zero);
    theap_unlock(theap);
    return chain;
}

/* Puts up to SHUFFLED blocks at the head of the list in any order, each as likely as any other.
 * Few, for the program's stack may be small. */
static struct block *shuffle(struct block *list)
{
    struct block *blocks[SHUFFLED];
    uint32_t n = 0;
    for (; list != BLOCK_END && n < SHUFFLED; list = block_next(list))
        blocks[n++] = list;
    while (n > 0) {
        uint32_t i = random_below(n);
        block_link(blocks[i], list);
        list = blocks[i];
        blocks[i] = blocks[--n];
    }
    return list;
}

static void note_activity(struct theap *theap)
{
    atomic_store_explicit(&theap->active_at,
                          atomic_load_explicit(&theap_tick, memory_order_relaxed),
                          memory_order_relaxed);
}

/* The list is the caller's then; NULL: there was none, or another thread was faster. Any thread. */
static struct block *take_spare(struct bin *bin)
{
    /* spares the exchange, which waits for all that the program has stored before. That there is a list
     * is no promise: only the exchange tells who has it. */
    if (atomic_load_explicit(&bin->spare, memory_order_relaxed) == NULL)
        return NULL;
    /* acquire: pairs with put_spare, for the links may be another thread's work */
    return atomic_exchange_explicit(&bin->spare, NULL, memory_order_acquire);
}

/* There is none: only the owner ever puts one there. */
static void put_spare(struct bin *bin, struct block *list)
{
    /* release: who takes the list follows its links */
    atomic_store_explicit(&bin->spare, list != BLOCK_END ? list : NULL, memory_order_release);
}

void theap_release_spares(struct theap *theap, bool all)
{
    ASSERT(os_lock_is_mine(&theap->lock));
    uint32_t tick = atomic_load_explicit(&theap_tick, memory_order_relaxed);
    if (!all && tick - atomic_load_explicit(&theap->active_at, memory_order_relaxed) <= 1)
        return;
    for (struct bin *bin = theap->bins; bin < theap->bins + SIZE_CLASSES; bin++) {
        struct block *list = take_spare(bin);
        if (list != NULL)
            slab_give(theap, list);
    }
}

struct block *theap_refill(struct theap *theap, struct bin *bin, bool zero_wanted, bool *zero)
{
    note_activity(theap);
    struct chain chain = { take_spare(bin), NULL, bin->spare_count };
    if (chain.first == NULL)
        chain = fetch_list(theap, bin, zero_wanted, zero);
    bin->room = bin->most;
    if (chain.first == NULL)
        return NULL;
    if (unlikely(theap_settings.shuffle))
        chain.first = shuffle(chain.first);
    bin->room -= (int32_t)chain.count - 1;
    bin->free = block_next(chain.first);
    return chain.first;
}

static void give_back(struct theap *theap, struct block *first, size_t bytes)
{
    os_lock(&theap->lock);
    slab_give(theap, first);
    theap_unlock(theap);
    theap->freed_bytes += bytes;
    if (theap->freed_bytes >= POKE_BYTES) {
        theap->freed_bytes = 0;
        purge_poke();
    }
}

/* How many blocks of the older of two full lists to give back; all, and shorter lists from now on,
 * when a whole list went the same way before. */
static uint32_t surplus_of(struct theap *theap, struct bin *bin)
{
    uint32_t count = bin->spare_count, part = part_of(bin);
    if (bin->flushed * part >= bin->most) {
        narrow(theap, bin);
        return count;
    }
    bin->flushed++;
    return part < count ? part : count;
}

void theap_overflow(struct theap *theap, struct bin *bin)
{
    if (os_lock_is_mine(&theap->lock))
        return; /* a signal handler frees: the list grows longer */
    os_child_look();
    note_activity(theap);
    struct block *old = take_spare(bin), *kept = BLOCK_END;
    uint32_t surplus = 0, rest = 0;
    uint16_t most = bin->most;
    if (old != NULL) {
        surplus = surplus_of(theap, bin);
        rest = bin->spare_count - surplus;
        if (rest > 0)
            kept = slab_cut(old, surplus);
    }
    /* not before here, for a signal handler may have taken from the list or freed to it */
    atomic_signal_fence(memory_order_seq_cst);
    struct block *full = bin->free;
    bin->free = kept;
    bin->spare_count = (uint16_t)(most - bin->room);
    bin->room = bin->most - (int32_t)rest;
    /* in this order, so that the child of a fork in between does not find a list twice */
    put_spare(bin, full);
    if (old != NULL)
        give_back(theap, old, surplus * bin_bytes(bin));
}

/* ---- batches ------------------------------------------------------------------------------ */

static void share(struct outgoing_batches *batches)
{
    uint32_t most = OUTGOING_TOTAL / (batches->count != 0 ? batches->count : 1);
    batches->most = most < OUTGOING_BYTES ? most : OUTGOING_BYTES;
}

static void remove_batch(struct outgoing_batches *batches, const struct outgoing *batch)
{
    if (batch->prev != NULL)
        batch->prev->next = batch->next;
    else
        batches->first = batch->next;
    if (batch->next != NULL)
        batch->next->prev = batch->prev;
    else
        batches->last = batch->prev;
    batches->count--;
    share(batches);
}

static void append_batch(struct outgoing_batches *batches, struct outgoing *batch, uint32_t owner)
{
    *batch = (struct outgoing){ .owner = owner, .prev = batches->last };
    if (batches->last != NULL)
        batches->last->next = batch;
    else
        batches->first = batch;
    batches->last = batch;
    batches->count++;
    share(batches);
}

/* The batch's place is empty before its blocks are elsewhere, for the child of a fork in between. */
static void post_outgoing(struct theap *theap, struct outgoing *batch)
{
    struct chain chain = batch->chain;
    uint32_t owner = batch->owner;
    remove_batch(&theap->outgoing, batch);
    *batch = (struct outgoing){ 0 };
    theap_post(threads_theap(owner), chain);
}

static unsigned leaf_places(const struct outgoing_batches *batches)
{
    return batches->more != NULL ? OWNERS_LEAVES_ALL : OWNERS_LEAVES;
}

static struct outgoing **leaf_place(struct outgoing_batches *batches, unsigned i)
{
    return i < OWNERS_LEAVES ? &batches->leaves[i] : &batches->more[i];
}

/* Leaves that ended threads have left, in a list through their first words; all else in them is zero.
 * Nobody waits for the lock: a signal handler may have interrupted its holder, and in the child of a fork
 * it may have none. */
static struct os_lock left_lock;
static void **left_leaves;

static struct outgoing *take_leaf(void)
{
    void **leaf = NULL;
    if (os_try_lock(&left_lock)) {
        leaf = left_leaves;
        if (leaf != NULL)
            left_leaves = *leaf;
        os_unlock(&left_lock);
    }
    if (leaf == NULL)
        return region_meta(OWNERS_LEAF * sizeof(struct outgoing));
    *leaf = NULL;
    return (struct outgoing *)(void *)leaf;
}

void theap_leave_leaves(struct theap *theap)
{
    ASSERT(theap->outgoing.first == NULL);
    if (!os_try_lock(&left_lock))
        return; /* for the theap's next thread */
    for (unsigned i = 0; i < leaf_places(&theap->outgoing); i++) {
        struct outgoing **place = leaf_place(&theap->outgoing, i);
        void **leaf = (void **)(void *)*place;
        if (leaf == NULL)
            continue;
        *place = NULL;
        *leaf = left_leaves;
        left_leaves = leaf;
    }
    os_unlock(&left_lock);
}

static bool make_leaf(struct theap *theap, uint32_t owner)
{
    struct outgoing_batches *batches = &theap->outgoing;
    if (owner >> OWNERS_SHIFT >= OWNERS_LEAVES && batches->more == NULL)
        batches->more = region_meta(OWNERS_LEAVES_ALL * sizeof *batches->more);
    struct outgoing **leaf = theap_outgoing_leaf(theap, owner);
    if (leaf != NULL && *leaf == NULL)
        *leaf = take_leaf();
    return leaf != NULL && *leaf != NULL;
}

/* The batch for that owner, which may be empty; NULL when there is no memory for it. */
static struct outgoing *batch_for(struct theap *theap, uint32_t owner)
{
    struct outgoing *batch = theap_outgoing(theap, owner);
    if (unlikely(batch == NULL)) {
        if (!make_leaf(theap, owner))
            return NULL;
        batch = theap_outgoing(theap, owner);
    }
    ASSERT(batch->owner == 0 || batch->owner == owner);
    if (batch->owner == 0)
        append_batch(&theap->outgoing, batch, owner);
    return batch;
}

void theap_flush(struct theap *theap)
{
    while (theap->outgoing.first != NULL)
        post_outgoing(theap, theap->outgoing.first);
    os_lock(&theap->lock);
    theap_drain(theap);
    for (struct bin *bin = theap->bins; bin < theap->bins + SIZE_CLASSES; bin++) {
        slab_give(theap, bin->free);
        bin->free = BLOCK_END;
        reset_bin(bin);
    }
    theap_release_spares(theap, true);
    theap->grown = 0;
    theap_unlock(theap);
}

/* ---- remote frees ------------------------------------------------------------------------- */

void theap_post_block(uint32_t owner, struct block *block)
{
    struct chain chain = { NULL, NULL, 0 };
    chain_push(&chain, block);
    theap_post(threads_theap(owner), chain);
}

void theap_free_remote(struct theap *theap, uint32_t owner, const struct bin *bin,
                       struct block *block)
{
    struct outgoing *batch = batch_for(theap, owner);
    if (unlikely(batch == NULL)) {
        theap_post_block(owner, block);
        return;
    }
    chain_push(&batch->chain, block);
    batch->bytes += bin_bytes(bin);
    if (batch->chain.count >= OUTGOING_BLOCKS || batch->bytes >= theap->outgoing.most)
        post_outgoing(theap, batch);
}

void theap_forget_batch(struct theap *theap, uint32_t owner)
{
    struct outgoing *batch = theap_outgoing(theap, owner);
    if (batch == NULL || batch->owner != owner)
        return;
    remove_batch(&theap->outgoing, batch);
    *batch = (struct outgoing){ 0 };
}

void theap_forget_lists(struct theap *theap)
{
    for (struct bin *bin = theap->bins; bin < theap->bins + SIZE_CLASSES; bin++) {
        bin->free = BLOCK_END;
        atomic_store_explicit(&bin->spare, NULL, memory_order_relaxed);
        reset_bin(bin);
    }
    theap->grown = 0;
    atomic_store_explicit(&theap->inbox, NULL, memory_order_relaxed);
}

/* The leaves stay: there may be one more that the thread was about to note. */
void theap_forget_outgoing(struct theap *theap)
{
    struct outgoing_batches *batches = &theap->outgoing;
    for (unsigned i = 0; i < leaf_places(batches); i++)
        if (*leaf_place(batches, i) != NULL)
            memset(*leaf_place(batches, i), 0, OWNERS_LEAF * sizeof(struct outgoing));
    batches->first = batches->last = NULL;
    batches->count = 0;
}

static void push_inbox(struct theap *theap, struct chain chain)
{
    struct block *head = atomic_load_explicit(&theap->inbox, memory_order_relaxed);
    do
        block_link(chain.last, head != NULL ? head : BLOCK_END);
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
    theap_unlock(theap);
    purge_poke();
}

/* Nobody else empties the inbox while the lock is held, so what the first look has seen is there. */
void theap_drain(struct theap *theap)
{
    ASSERT(os_lock_is_mine(&theap->lock));
    if (atomic_load_explicit(&theap->inbox, memory_order_relaxed) == NULL)
        return;
    slab_give(theap, atomic_exchange_explicit(&theap->inbox, NULL, memory_order_acquire));
}
