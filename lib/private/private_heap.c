/* SPDX-License-Identifier: MIT */
#include "private/private_heap.h"

#include "os/thread.h"
#include "private/attach.h"
#include "private/bounded.h"
#include "private/initial.h"
#include "private/lock.h"
#include "private/slots.h"
#include "region/region.h"

#include <string.h>

/* Of a heap that is executable and may grow: one reservation, as a bounded heap's. */
#define EXECUTABLE_RESERVE ((size_t)16 << 30)

static bool is_shared(const struct private_heap *heap)
{
    return heap->kind == HEAP_SHARED;
}

/* ---- life --------------------------------------------------------------------------------- */

static enum heap_place place_for(enum heap_kind kind, bool owned)
{
    if (kind == HEAP_BOUNDED)
        return owned ? PLACE_BOUNDED : PLACE_BOUNDED_SERIALIZED;
    return owned ? PLACE_OWNED : PLACE_SHARED;
}

static bool make_bounded(struct private_heap *heap, const struct private_wish *wish)
{
    size_t maximum = wish->maximum != 0 ? wish->maximum : EXECUTABLE_RESERVE;
    heap->bounded = bounded_create(wish->initial, maximum, wish->executable);
    heap->maximum = wish->maximum;
    heap->serialized = !wish->owned;
    return heap->bounded != NULL;
}

struct private_heap *private_create(const struct private_wish *wish)
{
    enum heap_kind kind = wish->maximum != 0 || wish->executable ? HEAP_BOUNDED
                          : wish->owned                          ? HEAP_OWNED
                                                                 : HEAP_SHARED;
    struct private_heap *heap = slot_take(place_for(kind, wish->owned));
    if (heap == NULL)
        return NULL;
    if (!(kind == HEAP_BOUNDED ? make_bounded(heap, wish) : initial_take(heap, wish->initial))) {
        slot_give(heap);
        return NULL;
    }
    heap->options = wish->options;
    heap->executable = wish->executable;
    heap->pool.heap = heap;
    heap->pool.nursery.map = (uint8_t *)heap + PLACE_NURSERY;
    /* nobody has the right of way in a bounded heap yet */
    if (kind == HEAP_BOUNDED || !os_barrier_is_there())
        atomic_store_explicit(&heap->held, CAREFUL, memory_order_relaxed);
    slot_open(heap, kind);
    return heap;
}

/* Made before any other heap, so that its slot is the first. */
struct private_heap *private_process_heap(void)
{
    static _Atomic(struct private_heap *) process;
    static struct os_lock lock;
    struct private_heap *heap = atomic_load_explicit(&process, memory_order_acquire);
    if (likely(heap != NULL) || os_lock_is_mine(&lock))
        return heap;
    os_lock(&lock);
    heap = atomic_load_explicit(&process, memory_order_relaxed);
    if (heap == NULL) {
        heap = private_create(&(struct private_wish){ 0 });
        atomic_store_explicit(&process, heap, memory_order_release);
    }
    os_unlock(&lock);
    return heap;
}

static void release_large(struct private_heap *heap)
{
    for (uint32_t at = heap->large, next; at != 0; at = next) {
        next = span_at(at)->next;
        large_free(&heap->large_account, span_at(at));
    }
}

static void release_spans(struct private_heap *heap)
{
    for (struct pool *pool = atomic_load_explicit(&heap->pools, memory_order_acquire); pool != NULL;
         pool = pool->next_in_heap)
        pool_release(pool);
    pool_release(&heap->pool);
    release_large(heap);
}

/* Nobody pins it any more: slot_close was before. */
static void await_unpinned(struct private_heap *heap)
{
    /* acquire: pairs with private_pin_next */
    while (atomic_load_explicit(&heap->pins, memory_order_acquire) != 0)
        os_yield();
}

void private_destroy(struct private_heap *heap)
{
    enum heap_kind kind = (enum heap_kind)heap->kind;
    slot_close(heap);
    await_unpinned(heap);
    heap->kind = HEAP_GONE;
    initial_give(heap);
    size_t bytes = atomic_load_explicit(&heap->charged, memory_order_relaxed);
    if (kind == HEAP_BOUNDED)
        bounded_destroy(heap->bounded);
    else
        release_spans(heap);
    if (kind != HEAP_OWNED)
        attach_release(heap);
    /* what calls find by a stale handle: no blocks */
    heap->bounded = NULL;
    memset(&heap->pool, 0, sizeof heap->pool);
    slot_give(heap);
    region_freed(bytes);
}

/* ---- what an address is ------------------------------------------------------------------- */

struct span *private_span_of(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    struct span *span = span_at(granule);
    if (span_kind_elsewhere(span) == SPAN_NONE) {
        uint32_t head = span_get(&span->head);
        if (head == 0 || head > granule || granule - head >= span_at(head)->granules)
            return NULL;
        span = span_at(head);
        return span_kind_elsewhere(span) == SPAN_POOL ? span : NULL;
    }
    if (span_kind(span) == SPAN_LARGE)
        return span->heap != NULL && span_start(span) == address ? span : NULL;
    return span_kind(span) == SPAN_POOL ? span : NULL;
}

/* The span, if the address starts a block in use; and the heap that it is of. */
static struct span *find(const void *address, struct private_heap **heap)
{
    struct span *span = private_span_of(address);
    if (span == NULL)
        return NULL;
    struct pool *pool = span_pool(span);
    if (span_kind(span) == SPAN_LARGE)
        *heap = span->heap;
    else if (pool != NULL && pool_block_at(span, address) != NULL)
        *heap = pool->heap;
    else
        return NULL;
    return span;
}

static struct span *find_in(struct private_heap *heap, const void *address)
{
    struct private_heap *owner;
    struct span *span = find(address, &owner);
    return span != NULL && owner == heap ? span : NULL;
}

static size_t size_in_span(const struct span *span, const void *block)
{
    return span_kind(span) == SPAN_LARGE ? span->size : pool_block_size(span, block);
}

size_t private_size(struct private_heap *heap, const void *address)
{
    if (heap->kind == HEAP_BOUNDED) {
        struct entry entry = private_enter(heap, 0);
        size_t size = bounded_block_size(heap->bounded, address);
        private_leave(heap, entry);
        return size;
    }
    const struct span *span = find_in(heap, address);
    return span != NULL ? size_in_span(span, address) : PRIVATE_NO_BLOCK;
}

static bool is_around(struct private_heap *heap, const void *address)
{
    return heap->kind == HEAP_BOUNDED && bounded_contains(heap->bounded, address);
}

bool private_has(struct private_heap *heap, const void *address)
{
    return heap->kind == HEAP_BOUNDED
               ? is_around(heap, address) && private_size(heap, address) != PRIVATE_NO_BLOCK
               : find_in(heap, address) != NULL;
}

struct private_heap *private_owner(const void *address)
{
    struct private_heap *heap;
    size_t granule = granule_of(address);
    if (find(address, &heap) != NULL)
        return heap;
    if (granule_is_ours(granule) && span_kind(span_at(granule)) == SPAN_LARGE)
        return NULL; /* malloc's */
    heap = slot_find(is_around, address);
    return heap != NULL && private_size(heap, address) != PRIVATE_NO_BLOCK ? heap : NULL;
}

/* ---- large blocks ------------------------------------------------------------------------- */

static void lock_large(struct private_heap *heap)
{
    if (is_shared(heap))
        os_lock(&heap->large_lock);
}

static void unlock_large(struct private_heap *heap)
{
    if (is_shared(heap))
        os_unlock(&heap->large_lock);
}

static void link_large(struct private_heap *heap, struct span *span, size_t size)
{
    span->heap = heap;
    span->size = size;
    span->next = 0;
    lock_large(heap);
    span->prev = heap->large_last;
    if (heap->large_last != 0)
        span_at(heap->large_last)->next = span_index(span);
    else
        heap->large = span_index(span);
    heap->large_last = span_index(span);
    unlock_large(heap);
}

static void unlink_large(struct private_heap *heap, struct span *span)
{
    lock_large(heap);
    if (span->prev != 0)
        span_at(span->prev)->next = span->next;
    else
        heap->large = span->next;
    if (span->next != 0)
        span_at(span->next)->prev = span->prev;
    else
        heap->large_last = span->prev;
    unlock_large(heap);
    span->heap = NULL;
}

/* What a span for that many bytes takes; they are at most PTRDIFF_MAX. */
static size_t large_bytes(size_t size)
{
    return size < GRANULE_SIZE ? GRANULE_SIZE : round_up(size, GRANULE_SIZE);
}

static void *alloc_large(struct private_heap *heap, size_t align, size_t size, bool zero)
{
    size_t bytes = size <= PTRDIFF_MAX ? large_bytes(size) : 0;
    if (bytes == 0 || !private_heap_charge(heap, bytes))
        return NULL;
    void *block = large_alloc(&heap->large_account, align, size, zero, false);
    if (block == NULL)
        private_heap_discharge(heap, bytes);
    else
        link_large(heap, span_at(granule_of(block)), size);
    return block;
}

static void free_large(struct private_heap *heap, struct span *span)
{
    private_heap_discharge(heap, span_bytes(span));
    unlink_large(heap, span);
    large_free(&heap->large_account, span);
}

/* ---- calls -------------------------------------------------------------------------------- */

static void *alloc_in(struct private_heap *heap, struct entry entry, size_t align, size_t size,
                      bool zero)
{
    if (heap->kind == HEAP_BOUNDED) {
        bool is_zero = false;
        void *block = bounded_alloc_slow(heap->bounded, size, align, &is_zero);
        return block != NULL && zero && !is_zero ? memset(block, 0, size) : block;
    }
    if (size > POOL_SIZE_MAX || align > GRANULE_SIZE)
        return alloc_large(heap, align, size, zero);
    void *block = entry.pool != NULL ? pool_alloc(entry.pool, align, size) : NULL;
    return block != NULL && zero ? memset(block, 0, size) : block;
}

void *private_alloc(struct private_heap *heap, size_t align, size_t size, unsigned flags)
{
    void *block;
    do {
        struct entry entry = private_enter(heap, flags);
        block = alloc_in(heap, entry, align, size, (flags & PRIVATE_ZERO) != 0);
        private_leave(heap, entry);
    } while (block == NULL && private_asks_again(heap, size));
    return block;
}

static void mark_free(const struct span *slab, void *block)
{
    *size_word(block, pool_block_most(slab, block)) = SIZE_WORD_FREE;
}

static void free_in_span(struct private_heap *heap, struct entry entry, struct span *span,
                         void *block)
{
    if (span_kind(span) == SPAN_LARGE) {
        free_large(heap, span);
        return;
    }
    struct pool *owner = span_pool(span);
    mark_free(span, block);
    if (owner == entry.pool)
        pool_give(owner, span, block);
    else
        attach_post(owner, block);
}

static bool free_in(struct private_heap *heap, struct entry entry, void *address)
{
    if (heap->kind == HEAP_BOUNDED)
        return bounded_free(heap->bounded, address);
    struct span *span = find_in(heap, address);
    if (span != NULL)
        free_in_span(heap, entry, span, address);
    return span != NULL;
}

bool private_free(struct private_heap *heap, void *address, unsigned flags)
{
    struct entry entry = private_enter(heap, flags);
    bool done = free_in(heap, entry, address);
    private_leave(heap, entry);
    return done;
}

bool private_free_own(struct pool *pool, void *address)
{
    struct span *span = private_span_of(address);
    return span != NULL && span_kind(span) == SPAN_POOL && span_pool(span) == pool &&
           pool_free(pool, span, address);
}

/* Pools have an inbox that any thread, and any handler, may post to. */
void private_free_interrupted(struct private_heap *heap, void *address)
{
    struct span *span = heap->kind != HEAP_BOUNDED ? find_in(heap, address) : NULL;
    if (span == NULL || span_kind(span) == SPAN_LARGE)
        return;
    mark_free(span, address);
    attach_post(span_pool(span), address);
}

/* ---- resize ------------------------------------------------------------------------------- */

static void *move(struct private_heap *heap, struct entry entry, struct span *span, void *block,
                  size_t size)
{
    size_t old = size_in_span(span, block);
    void *fresh = alloc_in(heap, entry, 1, size, false);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, old < size ? old : size);
    free_in_span(heap, entry, span, block);
    return fresh;
}

static void *resize_large(struct private_heap *heap, struct span *span, size_t size, bool may_move)
{
    size_t before = span_bytes(span), old = span->size;
    size_t after = size <= PTRDIFF_MAX ? large_bytes(size) : 0;
    if (after == 0 || (after > before && !private_heap_charge(heap, after - before)))
        return NULL;
    unlink_large(heap, span);
    char *block = large_resize(&heap->large_account, span, size, may_move);
    if (block == NULL) {
        link_large(heap, span, old);
        if (after > before)
            private_heap_discharge(heap, after - before);
        return NULL;
    }
    if (after < before)
        private_heap_discharge(heap, before - after);
    link_large(heap, span_at(granule_of(block)), size);
    return block;
}

static void *resize_in(struct private_heap *heap, struct entry entry, struct span *span,
                       void *block, size_t size, bool in_place)
{
    if (span_kind(span) == SPAN_LARGE) {
        if (size > POOL_SIZE_MAX || in_place)
            return resize_large(heap, span, size, !in_place);
        return move(heap, entry, span, block, size);
    }
    size_t most = pool_block_most(span, block);
    if (size <= most && (in_place || size >= most / 2 || pool_class(size) == pool_class(most))) {
        *size_word(block, most) = (uint16_t)size;
        return block;
    }
    return in_place ? NULL : move(heap, entry, span, block, size);
}

static void *realloc_in(struct private_heap *heap, struct entry entry, void *address, size_t size,
                        unsigned flags, bool *valid)
{
    bool in_place = (flags & PRIVATE_IN_PLACE) != 0;
    struct span *span = heap->kind != HEAP_BOUNDED ? find_in(heap, address) : NULL;
    size_t old = heap->kind == HEAP_BOUNDED ? bounded_block_size(heap->bounded, address)
                 : span == NULL             ? PRIVATE_NO_BLOCK
                                            : size_in_span(span, address);
    *valid = old != PRIVATE_NO_BLOCK;
    if (!*valid)
        return NULL;
    char *block = heap->kind == HEAP_BOUNDED
                      ? bounded_realloc(heap->bounded, address, size, in_place)
                      : resize_in(heap, entry, span, address, size, in_place);
    if (block != NULL && (flags & PRIVATE_ZERO) != 0 && size > old)
        memset(block + old, 0, size - old);
    return block;
}

void *private_realloc(struct private_heap *heap, void *address, size_t size, unsigned flags,
                      bool *valid)
{
    void *block;
    do {
        struct entry entry = private_enter(heap, flags);
        block = realloc_in(heap, entry, address, size, flags, valid);
        private_leave(heap, entry);
    } while (block == NULL && *valid && private_asks_again(heap, size));
    return block;
}

/* ---- fork --------------------------------------------------------------------------------- */

/* A link may have been half made: the way forward is whole. */
static void repair_large(struct private_heap *heap)
{
    if (!os_lock_is_held(&heap->large_lock) || os_lock_is_mine(&heap->large_lock))
        return;
    os_lock_reset(&heap->large_lock);
    uint32_t prev = 0;
    for (uint32_t at = heap->large; at != 0; prev = at, at = span_at(at)->next)
        span_at(at)->prev = prev;
    heap->large_last = prev;
}

static void repair(struct private_heap *heap)
{
    lock_after_fork(heap);
    attach_after_fork(heap);
    repair_large(heap);
    if (os_lock_is_held(&heap->facts_lock) && !os_lock_is_mine(&heap->facts_lock))
        os_lock_reset(&heap->facts_lock);
    atomic_store_explicit(&heap->pins, 0, memory_order_relaxed);
}

void private_after_fork(void)
{
    attach_begin_after_fork();
    slots_after_fork(repair);
}
