/* SPDX-License-Identifier: MIT */
/* theap.c: caches of free blocks, and blocks on their way to other theaps.
 *
 * The caches' size is found as the program runs. A bin's lists start short. They are doubled when
 * the bin runs dry, unless it was only just started: the program allocates in longer waves than it
 * holds. They are halved when many times what they hold was freed past the full bin with no need of
 * a block in between: the program gives up more than it will want back soon. All of a theap's lists
 * together are widened by GROW_MOST, and by less where there are many theaps.
 *
 * What is freed past a full bin and a spare list goes to the slabs, which are opened for it
 * (open_slab.h). */
#include "heap/theap.h"

#include "heap/adopt.h"
#include "heap/open_slab.h"
#include "heap/purge.h"
#include "heap/random.h"
#include "heap/slab.h"
#include "heap/theap_medium.h"
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
    GROW_LEAST = 2 * 1024 * 1024,
    GROW_MOST = 8 * 1024 * 1024,
    GROW_SHARED = 10 * 1024 * 1024, /* divided among all theaps */
    FIRST_MOST = 8,                 /* blocks of the first list of a bin */
    GIVEN_SMALL =
        32, /* lists freed past a full bin, after which it is made narrower; for blocks up to */
    GIVEN_LONG = 1, /* NARROW_SMALL bytes, and for longer ones */
    SHUFFLED = 64,
    LONG_BLOCK = 1024,         /* posted blocks of at least so many bytes wait for the owner ... */
    POSTED_LEAST = 512 * 1024, /* ... until there are so many, or ... */
    POSTED_SHARE = 8,          /* ... more than such a part of the owner's medium spans */
    POKE_BYTES = 256 * 1024    /* freed bytes after which the purge is told */
};

struct theap_settings theap_settings;
_Atomic uint32_t theap_tick;
struct theap theap_none = { .tag = (uint64_t)THEAP_NONE << TAG_SHIFT,
                            .bins = { [0 ... SIZE_CLASSES - 1] = { .free = BLOCK_END } } };
THREAD_WORDS_AT_START = { .theap_fast = &theap_none,
                          .own = &own_slabs_none,
                          .at_hand = &pool_none };

static void free_emptied(uint32_t index)
{
    while (index != 0) {
        struct span *span = span_at(index);
        index = span->next;
        region_free(span);
    }
}

/* The lock is held before and after, but not in between. */
static size_t purge_slab(struct theap *theap)
{
    struct span *slab = span_at(theap->due);
    theap->due = slab->next;
    uint64_t units = slab_search(theap, slab);
    os_unlock(&theap->lock);
    size_t bytes = slab_discard(slab, units);
    os_lock(&theap->lock);
    allowance_gave_back(&theap->allowance, bytes);
    slab_unpin(theap, slab);
    return bytes;
}

/* Blocks that belong to other theaps by now. NULL: there are none. */
static void post_strays(struct block *block)
{
    while (block != NULL && block != BLOCK_END) {
        struct block *next = block_next(block);
        theap_post_block(tag_at(block) >> TAG_SHIFT, block);
        block = next;
    }
}

size_t theap_unlock_and_free(struct theap *theap)
{
    size_t purged = 0;
    while (unlikely(theap->due != 0))
        purged += purge_slab(theap);
    while (unlikely(theap->medium.due != 0))
        purged += theap_purge_medium(theap);
    uint32_t emptied = theap->emptied, emptied_medium = theap->medium.emptied;
    struct block *strays = theap->strays;
    theap->emptied = theap->medium.emptied = 0;
    theap->strays = NULL;
    os_unlock(&theap->lock);
    free_emptied(emptied);
    medium_free_emptied(emptied_medium);
    post_strays(strays);
    return purged;
}

static uint16_t clamp(size_t n, uint16_t least, uint16_t most)
{
    return n < least ? least : n > most ? most : (uint16_t)n;
}

static void reset_bin(struct bin *bin)
{
    bin->most = clamp(START_BYTES / bin_bytes(bin), START_LEAST, START_MOST);
    bin_set_list(bin, BLOCK_END, 0);
}

void theap_init(struct theap *theap, uint32_t number)
{
    block_draw_key();
    theap->tag = (uint64_t)number << TAG_SHIFT;
    theap->cache.room = CACHE_CELLS;
    theap->large.single_writer = true;
    theap->posted_most = POSTED_LEAST;
    theap->medium.tag = (uint32_t)theap->tag + TAG_MEDIUM;
    for (size_t size = 0; size < SMALL_LIMIT; size++)
        theap->bin_code[size] = (uint8_t)(size_class_of(size) * sizeof(struct bin) / BIN_STEP);
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        theap->bins[size_class].magic = size_class_magic(size_class);
        theap->bins[size_class].units = (uint16_t)(size_class_bytes(size_class) / 16);
        reset_bin(&theap->bins[size_class]);
    }
}

/* ---- cache -------------------------------------------------------------------------------- */

static void narrow(struct theap *theap, struct bin *bin)
{
    size_t size = bin_bytes(bin);
    uint16_t narrower = bin->most / 2;
    size_t shrunk = 2 * narrower * size;
    if (narrower < (size <= NARROW_SMALL ? NARROW_LEAST : 1))
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

/* Unless the lists are as long as they may be. */
static void widen(struct theap *theap, struct bin *bin)
{
    size_t size = bin_bytes(bin);
    uint16_t wider = (uint16_t)(2 * bin->most);
    size_t grown = theap->grown + 2 * bin->most * size; /* both lists */
    if (wider > clamp(WIDE_BYTES / size, WIDE_LEAST, WIDE_MOST) || grown > grow_most())
        return;
    theap->grown = grown;
    bin->most = wider;
}

/* The list to go on with when the bin's is used up. */
static struct chain fetch_list(struct theap *theap, struct bin *bin, bool zero_wanted, bool *zero)
{
    struct bin_history *history = &theap->history[bin_class(theap, bin)];
    if (history->used)
        widen(theap, bin);
    uint32_t wanted = history->used || bin->most < FIRST_MOST ? bin->most : FIRST_MOST;
    *history = (struct bin_history){ .used = true };
    os_lock(&theap->lock);
    theap_drain(theap);
    adopt_slab(theap, bin_class(theap, bin));
    struct chain chain = slab_take(theap, bin_class(theap, bin), zero_wanted ? 1 : wanted, zero);
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
    theap_release_cached(theap);
}

struct block *theap_refill(struct theap *theap, struct bin *bin, bool zero_wanted, bool *zero)
{
    note_activity(theap);
    struct chain chain = { take_spare(bin), NULL, bin->spare_count };
    if (chain.first == NULL)
        chain = open_slab_take(theap, bin_class(theap, bin));
    if (chain.first == NULL)
        chain = fetch_list(theap, bin, zero_wanted, zero);
    if (chain.first == NULL)
        return NULL;
    if (unlikely(theap_settings.shuffle))
        chain.first = shuffle(chain.first);
    bin_set_list(bin, block_next(chain.first), chain.count - 1);
    return chain.first;
}

void theap_poke(struct theap *theap, size_t bytes)
{
    theap->freed_bytes += bytes;
    if (likely(theap->freed_bytes < POKE_BYTES))
        return;
    theap->freed_bytes = 0;
    purge_poke();
}

/* The program gives up far more than it takes: the spare list goes too, and lists are shorter from now
 * on. */
static void give_up_spare(struct theap *theap, struct bin *bin)
{
    struct block *spare = take_spare(bin);
    theap->history[bin_class(theap, bin)].given = 0;
    narrow(theap, bin);
    if (spare != NULL)
        slab_give(theap, spare);
}

static uint32_t given_lists(const struct bin *bin)
{
    return bin_bytes(bin) <= NARROW_SMALL ? GIVEN_SMALL : GIVEN_LONG;
}

static void note_given(struct theap *theap, struct bin *bin, uint32_t count)
{
    struct bin_history *history = &theap->history[bin_class(theap, bin)];
    history->given += count;
    if (unlikely(history->given >= (uint32_t)bin->most * given_lists(bin)))
        give_up_spare(theap, bin);
}

/* A block back to its slab, with all that the slab took while it was open; NULL: it was not. */
static void give_block(struct theap *theap, struct bin *bin, struct open_slab *open,
                       struct block *block)
{
    uint32_t count = 0;
    os_lock(&theap->lock);
    if (open == NULL || !open_slab_go_on(theap, open, block)) {
        count = 1 + (open != NULL ? open_slab_close(theap, open) : 0);
        slab_give_one(theap, block);
        note_given(theap, bin, count);
    }
    open_slab_tend(theap, bin_class(theap, bin));
    theap_unlock(theap);
    theap_poke(theap, (size_t)count * bin_bytes(bin));
}

static void make_spare(struct theap *theap, struct bin *bin)
{
    note_activity(theap);
    bin->spare_count = (uint16_t)bin_count(bin);
    struct block *full = bin->free;
    bin_set_list(bin, BLOCK_END, 0);
    /* in this order, so that the child of a fork in between does not find a list twice */
    atomic_signal_fence(memory_order_seq_cst);
    put_spare(bin, full);
}

/* The bin is the class's, and full. */
static void overflow(struct theap *theap, struct bin *bin, struct block *block)
{
    if (atomic_load_explicit(&bin->spare, memory_order_relaxed) == NULL)
        make_spare(theap, bin);
    if (!bin_is_full(bin)) /* a signal handler may have filled it meanwhile */
        bin_push(bin, block);
    else if (!open_slab_with(theap, bin, block))
        give_block(theap, bin, NULL, block);
}

void theap_overflow(struct theap *theap, struct bin *bin, struct block *block)
{
    struct open_slab *open = open_slab_of(theap, bin);
    ASSERT(thread_words()->busy);
    os_child_look();
    if (open == NULL)
        overflow(theap, bin, block);
    else
        give_block(theap, &theap->bins[open->slab->size_class], open, block);
}

void theap_overflow_alone(struct theap *theap, struct bin *bin, struct block *block)
{
    bool *busy = &thread_words()->busy;
    if (*busy) { /* a signal handler frees */
        theap_post_block(theap_number(theap), block);
        return;
    }
    *busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    theap_overflow(theap, bin, block);
    atomic_signal_fence(memory_order_seq_cst);
    *busy = false;
}

/* ---- slabs that share a place --------------------------------------------------------------- */

static bool leads_to_open_slab(const struct theap *theap, size_t granule)
{
    struct bin *bin = own_bin(theap->own, own_place(granule_start(granule)));
    return bin != &theap->own->none && open_slab_of(theap, bin) != NULL;
}

static void take_places(const struct theap *theap, const struct bin *bin, const struct span *slab)
{
    for (uint32_t i = 0; i < slab->granules; i++) {
        size_t granule = span_index(slab) + i;
        const char *last = last_of(granule);
        if (last >= span_start(slab) && !leads_to_open_slab(theap, granule))
            own_slabs_take(theap->own, granule, last, bin);
    }
}

void theap_take_places(struct theap *theap, const struct bin *bin, const struct block *block)
{
    bool *busy = &thread_words()->busy;
    theap->clashes = 0;
    if (*busy || theap->own == NULL)
        return;
    *busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    os_child_look();
    os_lock(&theap->lock);
    take_places(theap, bin, slab_of(block));
    theap_unlock(theap);
    atomic_signal_fence(memory_order_seq_cst);
    *busy = false;
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
    uint32_t owner = batch->owner, bytes = batch->bytes;
    remove_batch(&theap->outgoing, batch);
    *batch = (struct outgoing){ 0 };
    theap_post(threads_theap(owner), chain, bytes);
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
    open_slab_close_all(theap);
    for (struct bin *bin = theap->bins; bin < theap->bins + SIZE_CLASSES; bin++) {
        slab_give(theap, bin->free);
        reset_bin(bin);
    }
    memset(theap->history, 0, sizeof theap->history);
    theap_release_spares(theap, true);
    medium_release_empty(&theap->medium);
    theap->grown = 0;
    theap_unlock(theap);
}

/* ---- remote frees ------------------------------------------------------------------------- */

void theap_post_block(uint32_t owner, struct block *block)
{
    struct chain chain = { NULL, NULL, 0 };
    chain_push(&chain, block);
    theap_post(threads_theap(owner), chain, 0);
}

void theap_free_remote(struct theap *theap, uint32_t owner, size_t bytes, struct block *block)
{
    struct outgoing *batch = batch_for(theap, owner);
    if (unlikely(batch == NULL)) {
        theap_post_block(owner, block);
        return;
    }
    chain_push(&batch->chain, block);
    batch->bytes += (uint32_t)bytes;
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
        atomic_store_explicit(&bin->spare, NULL, memory_order_relaxed);
        reset_bin(bin);
    }
    open_slab_forget_all(theap);
    theap->grown = 0;
    theap->cache = (struct medium_cache){ .room = CACHE_CELLS };
    atomic_store_explicit(&theap->inbox, NULL, memory_order_relaxed);
    atomic_store_explicit(&theap->posted, 0, memory_order_relaxed);
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

static void push_inbox(struct theap *theap, struct chain chain, size_t bytes)
{
    atomic_fetch_add_explicit(&theap->posted, bytes, memory_order_relaxed);
    struct block *head = atomic_load_explicit(&theap->inbox, memory_order_relaxed);
    do
        block_link(chain.last, head != NULL ? head : BLOCK_END);
    /* release: the owner reads the links and the slabs' owners after its acquire in theap_drain */
    while (!atomic_compare_exchange_weak_explicit(&theap->inbox, &head, chain.first,
                                                  memory_order_release, memory_order_relaxed));
}

/* Batches of long blocks are short, so the lock would be taken for each few of them; and with the lock
 * there is little to do for such a block. An owner that goes on allocating takes them in soon. */
static bool may_wait(const struct theap *theap, const struct chain *chain, size_t bytes)
{
    return bytes >= (size_t)chain->count * LONG_BLOCK &&
           !atomic_load_explicit(&theap->idle, memory_order_relaxed) &&
           atomic_load_explicit(&theap->posted, memory_order_relaxed) + bytes <=
               atomic_load_explicit(&theap->posted_most, memory_order_relaxed);
}

void theap_post(struct theap *theap, struct chain chain, size_t bytes)
{
    /* Better here than by the owner: the blocks are in this processor's caches. */
    if (theap->broken || may_wait(theap, &chain, bytes) || !os_try_lock(&theap->lock)) {
        push_inbox(theap, chain, bytes);
    } else {
        slab_give(theap, chain.first);
        theap_drain(theap);
        theap_unlock(theap);
    }
    purge_poke();
}

/* Nobody else empties the inbox while the lock is held, so what the first look has seen is there. */
void theap_drain(struct theap *theap)
{
    ASSERT(os_lock_is_mine(&theap->lock));
    if (atomic_load_explicit(&theap->inbox, memory_order_relaxed) == NULL)
        return;
    atomic_store_explicit(&theap->posted, 0, memory_order_relaxed);
    atomic_store_explicit(&theap->posted_most,
                          POSTED_LEAST + (theap->medium.cells << CELL_SHIFT) / POSTED_SHARE,
                          memory_order_relaxed);
    slab_give(theap, atomic_exchange_explicit(&theap->inbox, NULL, memory_order_acquire));
}
