/* SPDX-License-Identifier: MIT */
#include "private/attach.h"

#include "os/thread.h"
#include "private/lock.h"
#include "region/region.h"

#include <string.h>

/* Of the lists of pools: heaps', threads', and the free ones. */
static struct os_lock lock;
static struct pool *unused;

/* A thread's pools by their heaps' slots. A leaf is made when the thread comes to the first heap of
 * its slots; all that a thread had goes to another one when it ends. */
struct seat {
    uint64_t serial; /* of the heap; 0: empty */
    struct pool *pool;
};

enum { SEATS_LEAF = 64, SEATS_LEAVES = SLOTS_MOST / SEATS_LEAF };

struct seats {
    struct seat *leaves[SEATS_LEAVES];
    struct seats *next; /* unused */
};

static struct seats *unused_seats;

struct pool pool_none = { .free_for = NO_HEAP };

static void take_for_thread(struct pool *pool)
{
    atomic_store_explicit(&pool->idle, false, memory_order_relaxed);
    STORE_RELAXED(&pool->thread, os_thread_token());
    pool->words = thread_words();
    struct pool **own = &pool->words->pools;
    pool->next_of_thread = *own;
    pool->link_of_thread = own;
    if (*own != NULL)
        (*own)->link_of_thread = &pool->next_of_thread;
    *own = pool;
}

static void leave_thread(struct pool *pool)
{
    if (pool->link_of_thread == NULL)
        return;
    *pool->link_of_thread = pool->next_of_thread;
    if (pool->next_of_thread != NULL)
        pool->next_of_thread->link_of_thread = pool->link_of_thread;
    pool->link_of_thread = NULL;
    pool->next_of_thread = NULL;
    pool->words = NULL;
    STORE_RELAXED(&pool->thread, 0);
}

static struct pool *first_of(struct private_heap *heap)
{
    return atomic_load_explicit(&heap->pools, memory_order_relaxed);
}

/* Which is not held at the moment. */
static void allow(struct private_heap *heap, struct pool *pool)
{
    /* release: pairs with pool_begin */
    if (heap->kind == HEAP_SHARED || pool == heap->right_of_way)
        atomic_store_explicit(&pool->free_for, heap, memory_order_release);
}

static void push_idle(struct private_heap *heap, struct pool *pool)
{
    atomic_store_explicit(&pool->idle, true, memory_order_relaxed);
    pool->next_idle = heap->idle_pools;
    heap->idle_pools = pool;
}

static struct pool *pop_idle(struct private_heap *heap)
{
    struct pool *pool = heap->idle_pools;
    if (pool == NULL)
        return NULL;
    heap->idle_pools = pool->next_idle;
    take_for_thread(pool);
    return pool;
}

/* One that this thread has had all along. */
static struct pool *find_own(const struct private_heap *heap)
{
    struct pool *pool = thread_words()->pools;
    while (pool != NULL && pool->heap != heap)
        pool = pool->next_of_thread;
    return pool;
}

static struct pool *take_unused(struct pool **list)
{
    struct pool *pool = *list;
    if (pool != NULL)
        *list = pool->next_in_heap;
    return pool;
}

static void put_unused(struct pool **list, struct pool *pool)
{
    pool->next_in_heap = *list;
    *list = pool;
}

static struct pool *make(struct private_heap *heap)
{
    struct pool *pool = take_unused(&thread_words()->spare_pools);
    if (pool == NULL && (pool = take_unused(&unused)) == NULL &&
        (pool = region_meta(sizeof *pool + NURSERY_MAP)) == NULL)
        return NULL;
    memset(pool, 0, sizeof *pool);
    atomic_store_explicit(&pool->free_for, NO_HEAP, memory_order_relaxed);
    pool->heap = heap;
    pool->nursery.map = (uint8_t *)(pool + 1);
    pool->next_in_heap = first_of(heap);
    /* release: who holds the heap goes over the list without this file's lock */
    atomic_store_explicit(&heap->pools, pool, memory_order_release);
    if (atomic_load_explicit(&heap->held, memory_order_relaxed) == 0)
        allow(heap, pool);
    return pool;
}

struct pool *attach_common(struct private_heap *heap)
{
    if (heap->common == NULL && !os_lock_is_mine(&lock)) {
        os_lock(&lock);
        heap->common = make(heap);
        os_unlock(&lock);
    }
    return heap->common;
}

/* ---- seats -------------------------------------------------------------------------------- */

/* NULL: none is there yet. */
static struct seat *seat_for(const struct private_heap *heap)
{
    struct seats *seats = thread_words()->seats;
    struct seat *leaf = seats != NULL ? seats->leaves[heap->slot / SEATS_LEAF] : NULL;
    return leaf != NULL ? &leaf[heap->slot % SEATS_LEAF] : NULL;
}

static struct seats *take_seats(void)
{
    struct seats *seats = unused_seats;
    if (seats == NULL)
        return region_meta(sizeof *seats);
    unused_seats = seats->next;
    return seats;
}

static void give_seats(struct seats *seats)
{
    if (seats == NULL)
        return;
    for (unsigned i = 0; i < SEATS_LEAVES; i++)
        if (seats->leaves[i] != NULL)
            memset(seats->leaves[i], 0, SEATS_LEAF * sizeof(struct seat));
    seats->next = unused_seats;
    unused_seats = seats;
}

/* NULL: there is no memory for it. */
static struct seat *make_seat(const struct private_heap *heap)
{
    struct thread_words *words = thread_words();
    if (words->seats == NULL && (words->seats = take_seats()) == NULL)
        return NULL;
    struct seat **leaf = &words->seats->leaves[heap->slot / SEATS_LEAF];
    if (*leaf == NULL)
        *leaf = region_meta(SEATS_LEAF * sizeof(struct seat));
    return seat_for(heap);
}

/* ---- threads and heaps -------------------------------------------------------------------- */

static void detach(void *argument)
{
    (void)argument;
    struct thread_words *words = thread_words();
    os_lock(&lock);
    while (words->pools != NULL) {
        struct pool *pool = words->pools;
        leave_thread(pool);
        push_idle(pool->heap, pool);
    }
    give_seats(words->seats);
    words->seats = NULL;
    for (struct pool *pool; (pool = take_unused(&words->spare_pools)) != NULL;)
        put_unused(&unused, pool);
    os_unlock(&lock);
    words->at_hand = &pool_none;
}

struct pool *attach_seated(struct private_heap *heap)
{
    const struct seat *seat = seat_for(heap);
    return seat != NULL && seat->serial == heap->serial ? thread_words()->at_hand = seat->pool
                                                        : NULL;
}

bool attach_is_other(const void *handle, const struct pool *pool)
{
    struct private_heap *heap = private_heap_of(handle);
    struct pool *seated = heap != NULL ? attach_seated(heap) : NULL;
    return seated != NULL && seated != pool;
}

static struct pool *find_or_make(struct private_heap *heap)
{
    if (os_lock_is_mine(&lock) || region_is_interrupted() ||
        !os_thread_on_exit(OS_EXIT_POOLS, detach, thread_words()))
        return NULL;
    os_lock(&lock);
    bool fresh = seat_for(heap) == NULL; /* and so there may be a pool that could have no seat */
    struct seat *seat = make_seat(heap);
    struct pool *pool = fresh ? find_own(heap) : NULL;
    if (pool == NULL)
        pool = pop_idle(heap);
    if (pool == NULL && (pool = make(heap)) != NULL)
        take_for_thread(pool);
    if (pool != NULL && seat != NULL)
        *seat = (struct seat){ heap->serial, pool };
    os_unlock(&lock);
    return pool;
}

struct pool *attach_pool(struct private_heap *heap)
{
    struct pool *pool = attach_seated(heap);
    if (pool == NULL && (pool = find_or_make(heap)) != NULL)
        thread_words()->at_hand = pool;
    return pool;
}

void attach_forbid(struct private_heap *heap)
{
    os_lock(&lock);
    atomic_store_explicit(&heap->held, HELD, memory_order_relaxed);
    for (struct pool *pool = first_of(heap); pool != NULL; pool = pool->next_in_heap)
        atomic_store_explicit(&pool->free_for, NO_HEAP, memory_order_seq_cst);
    os_unlock(&lock);
}

void attach_allow(struct private_heap *heap)
{
    os_lock(&lock);
    atomic_store_explicit(&heap->held, 0, memory_order_relaxed);
    for (struct pool *pool = first_of(heap); pool != NULL; pool = pool->next_in_heap)
        allow(heap, pool);
    os_unlock(&lock);
}

/* Nobody would look into the inbox of a pool that no thread has. */
void attach_post(struct pool *owner, struct freed *block)
{
    pool_post(owner, block);
    if (!atomic_load_explicit(&owner->idle, memory_order_relaxed) || os_lock_is_mine(&lock))
        return;
    os_lock(&lock);
    if (atomic_load_explicit(&owner->idle, memory_order_relaxed))
        pool_drain(owner);
    os_unlock(&lock);
}

void attach_release(struct private_heap *heap)
{
    os_lock(&lock);
    struct pool *pool = first_of(heap), *next;
    heap->idle_pools = NULL;
    atomic_store_explicit(&heap->pools, NULL, memory_order_relaxed);
    for (; pool != NULL; pool = next) {
        next = pool->next_in_heap;
        atomic_store_explicit(&pool->free_for, NO_HEAP, memory_order_relaxed);
        put_unused(pool->words != NULL ? &pool->words->spare_pools : &unused, pool);
        leave_thread(pool);
    }
    os_unlock(&lock);
}

/* ---- fork --------------------------------------------------------------------------------- */

void attach_begin_after_fork(void)
{
    if (os_lock_is_held(&lock) && !os_lock_is_mine(&lock)) {
        os_lock_reset(&lock);
        unused = NULL;
        unused_seats = NULL;
    }
    thread_words()->pools = NULL;
}

/* The links of other threads' lists lead into memory that may not be there any more. And a pool may
 * have been in the heap's list already, but not free for it yet. */
void attach_after_fork(struct private_heap *heap)
{
    bool is_held = atomic_load_explicit(&heap->held, memory_order_relaxed) != 0;
    heap->idle_pools = NULL;
    for (struct pool *pool = first_of(heap); pool != NULL; pool = pool->next_in_heap) {
        if (!is_held)
            allow(heap, pool);
        if (pool->thread == os_thread_token()) {
            take_for_thread(pool);
            continue;
        }
        pool->link_of_thread = NULL;
        pool->next_of_thread = NULL;
        pool->words = NULL;
        pool->thread = 0;
        if (pool == heap->common)
            continue;
        if (atomic_load_explicit(&pool->working, memory_order_relaxed) != 0)
            pool->torn = true;
        atomic_store_explicit(&pool->working, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->idle, false, memory_order_relaxed);
        if (!pool->torn)
            push_idle(heap, pool);
    }
}
