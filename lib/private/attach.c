/* SPDX-License-Identifier: MIT */
#include "private/attach.h"

#include "os/thread.h"
#include "private/lock.h"
#include "private/seats.h"
#include "region/region.h"

#include <string.h>

/* Of the lists of pools: heaps', threads', and the free ones. */
static struct os_lock lock;
static struct pool *unused;

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
    seats_give(&words->seats);
    for (struct pool *pool; (pool = take_unused(&words->spare_pools)) != NULL;)
        put_unused(&unused, pool);
    os_unlock(&lock);
    words->at_hand = &pool_none;
}

struct pool *attach_seated(struct private_heap *heap)
{
    struct pool *pool = seats_find(thread_words()->seats, heap->slot, heap->serial);
    return pool != NULL ? thread_words()->at_hand = pool : NULL;
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
    /* if there is none yet there may be a pool that could have no seat */
    bool fresh = seat_of(thread_words()->seats, heap->slot) == NULL;
    struct seat *seat = seats_make(&thread_words()->seats, heap->slot);
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
    seats_after_fork();
    if (os_lock_is_held(&lock) && !os_lock_is_mine(&lock)) {
        os_lock_reset(&lock);
        unused = NULL;
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
