/* SPDX-License-Identifier: MIT */
#include "heap/threads.h"

#include "diag/layout.h"
#include "heap/open_slab.h"
#include "heap/process.h"
#include "heap/slab.h"
#include "heap/theap_repair.h"
#include "os/child.h"
#include "os/thread.h"
#include "region/region.h"

enum { TABLE_SHIFT = 12, TABLE = 1 << TABLE_SHIFT, TABLES = 4096 };

/* The table grows by leaves and is only ever added to, so reading needs no lock. */
static _Atomic(_Atomic(struct theap *) *) leaves[TABLES];
static _Atomic uint32_t theaps; /* made so far */
static _Atomic uint32_t idle_theaps;

static struct os_lock lock; /* of the table's growth and of the list of idle theaps */
static struct theap *idle;

static struct theap *spare;
static struct os_lock spare_lock;

static bool calls_are_slow, calls_are_counted;

const struct threads_layout threads_layout = {
    .leaves = leaves,
    .count = &theaps,
    .idle_count = &idle_theaps,
    .leaf_shift = TABLE_SHIFT,
    .theap_size = sizeof(struct theap),
    .idle = offsetof(struct theap, idle),
    .allocations = offsetof(struct theap, allocations),
    .allocated_bytes = offsetof(struct theap, allocated_bytes),
    .frees = offsetof(struct theap, frees),
    .bins = offsetof(struct theap, bins),
    .bin_size = sizeof(struct bin),
    .room = offsetof(struct bin, room),
    .limit = offsetof(struct bin, limit),
    .room_shift = ROOM_SHIFT,
    .open = offsetof(struct theap, open),
    .open_next = offsetof(struct open_slab, next),
    .spare = offsetof(struct bin, spare),
    .spare_count = offsetof(struct bin, spare_count),
};

/* ---- table -------------------------------------------------------------------------------- */

struct theap *threads_theap(uint32_t number)
{
    if (number >> TABLE_SHIFT >= TABLES)
        return NULL;
    /* acquire: pairs with the release in set_theap, so the theap is seen initialised */
    _Atomic(struct theap *) *leaf =
        atomic_load_explicit(&leaves[number >> TABLE_SHIFT], memory_order_acquire);
    if (leaf == NULL)
        return NULL;
    return atomic_load_explicit(&leaf[number % TABLE], memory_order_acquire);
}

struct theap *threads_lock_owner(const struct span *span)
{
    uint32_t before, tag = tag_at(span_start(span));
    do {
        struct theap *theap = threads_theap(tag >> TAG_SHIFT);
        if (theap == NULL || theap->broken || os_lock_is_mine(&theap->lock))
            return NULL;
        os_lock(&theap->lock);
        before = tag;
        tag = tag_at(span_start(span));
        if (tag == before)
            return theap;
        theap_unlock(theap);
    } while ((tag & TAG_BIN) == (before & TAG_BIN)); /* adopted by another theap, and not freed */
    return NULL;
}

uint32_t threads_theaps(void)
{
    return atomic_load_explicit(&theaps, memory_order_acquire);
}

uint32_t threads_idle_theaps(void)
{
    return atomic_load_explicit(&idle_theaps, memory_order_relaxed);
}

static bool set_theap(uint32_t number, struct theap *theap)
{
    _Atomic(_Atomic(struct theap *) *) *slot = &leaves[number >> TABLE_SHIFT];
    if (atomic_load_explicit(slot, memory_order_relaxed) == NULL) {
        void *leaf = region_meta(TABLE * sizeof(struct theap *));
        if (leaf == NULL)
            return false;
        atomic_store_explicit(slot, leaf, memory_order_release);
    }
    atomic_store_explicit(&(*slot)[number % TABLE], theap, memory_order_release);
    atomic_store_explicit(&theaps, number, memory_order_release);
    return true;
}

static struct theap *make_theap(void)
{
    uint32_t number = threads_theaps() + 1;
    if (number >= THEAP_NONE || number >> TABLE_SHIFT >= TABLES)
        return NULL;
    struct theap *theap = region_meta(sizeof *theap);
    if (theap == NULL)
        return NULL;
    if (number == 1)
        os_exclude_from_dumps(&own_slabs_none, sizeof own_slabs_none);
    theap_init(theap, number);
    theap->own = region_sparse_meta(sizeof *theap->own);
    return set_theap(number, theap) ? theap : NULL;
}

/* ---- threads ------------------------------------------------------------------------------ */

static void push_idle(struct theap *theap)
{
    atomic_store_explicit(&theap->idle, true, memory_order_relaxed);
    theap->next_idle = idle;
    idle = theap;
    atomic_store_explicit(&idle_theaps, threads_idle_theaps() + 1, memory_order_relaxed);
}

static struct theap *pop_idle(void)
{
    struct theap *theap = idle;
    if (theap == NULL)
        return NULL;
    idle = theap->next_idle;
    atomic_store_explicit(&idle_theaps, threads_idle_theaps() - 1, memory_order_relaxed);
    return theap;
}

/* Its slabs are this thread's from now on, and nobody else's to adopt. */
static void set_in_use(struct theap *theap)
{
    bool interrupted = os_lock_is_mine(&theap->lock); /* while it tended the theap, see purge.c */
    if (!interrupted)
        os_lock(&theap->lock);
    atomic_store_explicit(&theap->idle, false, memory_order_relaxed);
    if (!interrupted)
        os_unlock(&theap->lock);
}

static struct theap *find_theap(void)
{
    os_lock(&lock);
    struct theap *theap = pop_idle();
    if (theap == NULL)
        theap = make_theap();
    os_unlock(&lock);
    if (theap != NULL)
        set_in_use(theap);
    return theap;
}

/* Which theap and table the fast paths see. */
static void set_fast(void)
{
    struct thread_words *words = thread_words();
    bool slow = calls_are_slow || words->only_slow_paths || words->theap == NULL;
    words->theap_fast = slow ? &theap_none : words->theap;
    words->own = slow || words->theap->own == NULL ? &own_slabs_none : words->theap->own;
}

static void detach(void *argument)
{
    struct theap *theap = argument;
    if (theap != thread_words()->theap)
        return; /* given up in the child of a fork */
    thread_words()->theap = NULL;
    set_fast();
    theap_flush(theap);
    theap_leave_leaves(theap);
    region_thread_ends();
    os_lock(&lock);
    push_idle(theap);
    os_unlock(&lock);
}

void threads_use_fast_paths(bool use)
{
    thread_words()->only_slow_paths = !use;
    set_fast();
}

static struct theap *attach(void)
{
    if (os_lock_is_mine(&lock) || region_is_interrupted() || os_thread_is_past_end(OS_EXIT_THEAP))
        return NULL;
    process_heap_start();
    os_child_look();
    struct theap *theap = find_theap();
    if (theap == NULL)
        return NULL;
    /* before os_thread_on_exit, which may allocate */
    thread_words()->theap = theap;
    if (!os_thread_on_exit(OS_EXIT_THEAP, detach, theap)) {
        detach(theap);
        return NULL;
    }
    set_fast();
    return theap;
}

struct theap *threads_current(void)
{
    return likely(thread_words()->theap != NULL) ? thread_words()->theap : attach();
}

struct theap *threads_current_if_any(void)
{
    return thread_words()->theap;
}

struct theap *threads_current_to_free(void)
{
    return likely(thread_words()->theap != NULL) || os_thread_is_ending() ? thread_words()->theap
                                                                          : attach();
}

void threads_slow_calls(void)
{
    calls_are_slow = true;
    set_fast();
}

void threads_count_calls(void)
{
    calls_are_counted = true;
    threads_slow_calls();
}

bool threads_calls_are_counted(void)
{
    return calls_are_counted;
}

/* Whether this thread has been interrupted while it tended that theap, see purge.c. */
static bool is_tending_spare(void)
{
    struct theap *theap = READ_RACY(spare);
    return theap != NULL && os_lock_is_mine(&theap->lock);
}

struct theap *threads_lock_spare(void)
{
    os_child_look();
    if (os_lock_is_mine(&spare_lock) || os_lock_is_mine(&lock) || is_tending_spare() ||
        region_is_interrupted())
        return NULL;
    os_lock(&spare_lock);
    if (spare == NULL) {
        os_lock(&lock);
        spare = make_theap();
        os_unlock(&lock);
    }
    if (spare == NULL)
        os_unlock(&spare_lock);
    return spare;
}

void threads_unlock_spare(void)
{
    os_unlock(&spare_lock);
}

/* ---- tables of idle theaps ------------------------------------------------------------------ */

/* Whether the theap's table of own slabs holds memory that nothing needs. An idle theap gets no slabs. */
static bool has_stale_table(struct theap *theap)
{
    if (theap->own == NULL || !os_try_lock(&theap->lock))
        return false;
    bool stale = theap->own->claims != 0 && theap->circulating == 0;
    os_unlock(&theap->lock);
    return stale;
}

/* Takes up to so many of them out of the list of idle theaps, so that no thread has them meanwhile. */
static struct theap *take_stale(uint32_t max)
{
    struct theap *taken = NULL;
    os_lock(&lock);
    for (struct theap **link = &idle; *link != NULL && max > 0;) {
        struct theap *theap = *link;
        if (!has_stale_table(theap)) {
            link = &theap->next_idle;
            continue;
        }
        *link = theap->next_idle;
        theap->next_idle = taken;
        taken = theap;
        max--;
    }
    os_unlock(&lock);
    return taken;
}

static void put_back(struct theap *theap)
{
    os_lock(&lock);
    theap->next_idle = idle;
    idle = theap;
    os_unlock(&lock);
}

void threads_purge_tables(void)
{
    enum { AT_ONCE = 16 }; /* a thread that starts meanwhile may find no idle theap, and make one */
    bool progress = !os_lock_is_mine(&lock);
    for (struct theap *taken; progress && (taken = take_stale(AT_ONCE)) != NULL;)
        for (struct theap *next; taken != NULL; taken = next) {
            next = taken->next_idle;
            own_slabs_purge(taken->own);
            progress = taken->own->claims == 0;
            put_back(taken);
        }
}

/* ---- fork --------------------------------------------------------------------------------- */

static bool is_torn(struct theap *theap)
{
    return os_lock_is_held(&theap->lock) && !os_lock_is_mine(&theap->lock);
}

/* Another thread was changing the theap's slabs at the moment of the fork. In a signal handler the
 * interrupted call may have blocks of the theap in hand: then it is given up with what is free in it. */
static void mend(struct theap *theap)
{
    os_lock_reset(&theap->lock);
    if (thread_words()->busy || region_is_interrupted())
        theap->broken = true;
    else
        theap_repair(theap, thread_words()->theap);
}

/* Puts the theap of a thread that does not exist here where the next thread finds it. */
static void inherit(struct theap *theap)
{
    theap_forget_outgoing(theap);
    if (is_torn(theap))
        mend(theap);
    if (!theap->broken && theap != spare)
        push_idle(theap);
}

static void inherit_all(const struct theap *current)
{
    idle = NULL;
    atomic_store_explicit(&idle_theaps, 0, memory_order_relaxed);
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap != current && !os_lock_is_mine(&theap->lock))
            inherit(theap);
    }
}

/* A thread that the child made came here before its first one, whose theap may be any of these. */
static void give_up_torn(void)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        theap->broken = theap->broken || is_torn(theap);
        if (is_torn(theap))
            os_lock_reset(&theap->lock);
    }
}

/* Other threads had these slabs in hand. Their pages have gone, or hold nothing that is needed. */
static void unpin_slabs(void)
{
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        struct span *slab = span_at(i);
        if (span_kind(slab) != SPAN_SLAB || tag_of(i) == 0 || slab->group != GROUPS)
            continue;
        struct theap *theap = threads_theap(slab->owner);
        if (theap != NULL && !theap->broken)
            slab_unpin(theap, slab);
    }
}

static void unpin_runs(void)
{
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (!theap->broken && theap->medium.pinned != 0)
            medium_unpin_all(&theap->medium);
    }
}

static bool has_pinned_slabs(void)
{
    bool any = false;
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        theap->due = 0;
        any = any || (theap->pinned != 0 && !theap->broken);
    }
    return any;
}

void threads_after_fork(void)
{
    if (os_lock_is_mine(&lock))
        return; /* a signal handler forked, see region_after_fork */
    struct theap *current = thread_words()->theap;
    os_lock_reset(&lock);
    if (os_lock_is_held(&spare_lock) && !os_lock_is_mine(&spare_lock)) {
        os_lock_reset(&spare_lock);
        spare = NULL;
    }
    if (os_child_is_first_thread())
        inherit_all(current);
    else
        give_up_torn();
    if (current != NULL && is_torn(current))
        mend(current);
    if (current != NULL && current->broken) {
        thread_words()->theap = NULL;
        set_fast();
    }
    /* in a signal handler that interrupted this thread's own call, that call goes on */
    if (thread_words()->busy)
        return;
    if (has_pinned_slabs())
        unpin_slabs();
    unpin_runs();
}
