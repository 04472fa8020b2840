/* SPDX-License-Identifier: MIT */
#include "heap/heap.h"

#include "heap/bad_pointer.h"
#include "heap/checked.h"
#include "heap/hold.h"
#include "heap/process.h"
#include "heap/published.h"
#include "heap/scope.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "os/child.h"
#include "os/process.h"
#include "os/thread.h"
#include "region/region.h"

enum {
    ZERO_LEAST =
        4096 /* from here on it pays to take a block that needs no clearing from its slab */
};

struct heap_large heap_large[REGION_ARENAS];

static struct large_account *large_account(void)
{
    return &heap_large[region_arena()].account;
}

/* ---- the theap to use --------------------------------------------------------------------- */

/* A call that could not be served by the thread's cache: with which theap it goes on. `spare` is
 * the one that threads at their end, and signal handlers that interrupted their own thread, share.
 */
struct access {
    struct theap *theap; /* NULL: there is none */
    bool spare;
};

/* The word `busy`: this thread is on a slow path. Found set, it has been interrupted there, by a
 * signal whose handler allocates: POSIX forbids that, and programs do it. */
bool heap_set_busy(bool now)
{
    bool before = thread_words()->busy;
    thread_words()->busy = now;
    return before;
}

static struct access begin(struct theap *theap)
{
    if (unlikely(theap == NULL || thread_words()->busy || os_lock_is_mine(&theap->lock)))
        return (struct access){ threads_lock_spare(), true };
    thread_words()->busy = true;
    while (unlikely(!hold_begin(theap))) {
        hold_end(theap);
        if (hold_await())
            break;
    }
    return (struct access){ theap, false };
}

static void end(struct access access)
{
    if (!access.spare) {
        hold_end(access.theap);
        thread_words()->busy = false;
    } else if (access.theap != NULL) {
        threads_unlock_spare();
    }
}

/* Only the theap's thread writes, or the spare theap's holder. */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Whether an allocation is for the checked mode. Private heaps are not, those that serve plain
 * malloc neither. The first call of all finds out what the environment asks for. */
static bool is_checked(void)
{
    if (unlikely(threads_theaps() == 0))
        process_heap_start();
    return checked_is_on() && (scope_heap() == NULL || thread_words()->busy);
}

static size_t span_block_bytes(const struct span *span)
{
    return span_kind(span) == SPAN_SLAB ? size_class_bytes(span->size_class) : span_bytes(span);
}

static size_t block_bytes(const void *block)
{
    size_t granule = granule_of(block);
    return span_block_bytes(span_at(tag_of(granule) != 0 ? span_at(granule)->head : granule));
}

static void count_allocation(struct theap *theap, const void *block, size_t size)
{
    if (likely(!threads_calls_are_counted()) || block == NULL)
        return;
    add(&theap->allocations, 1);
    add(&theap->allocated_bytes, size);
    published_allocated(theap_number(theap), size, block_bytes(block));
}

static void count_free(struct theap *theap, const struct span *span)
{
    add(&theap->frees, 1);
    published_freed(theap_number(theap), span_block_bytes(span));
}

/* ---- allocate ----------------------------------------------------------------------------- */

/* All that malloc_usable_size tells of, as other allocators do: programs take it for zero too. A
 * larger class may have lent the block. */
static void *clear_all(struct theap *theap, void *block)
{
    return memset(block, 0, bin_bytes(bin_of_tag(theap, tag_at(block))));
}

static void *alloc_class(struct theap *theap, unsigned size_class, bool clear)
{
    bool zero = false;
    struct bin *bin = &theap->bins[size_class];
    struct block *block = bin_pop(bin);
    if (block == NULL && unlikely(bin_is_bad(bin)))
        bad_list(bin->free);
    if (block == NULL)
        block = theap_refill(theap, bin, clear && bin_bytes(bin) >= ZERO_LEAST, &zero);
    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->mark = 0;
    return clear && !zero ? clear_all(theap, block) : block;
}

/* The thread has asked for its blocks to come from that heap. */
static void *alloc_in_scope(size_t align, size_t size, bool zero)
{
    thread_words()->busy = true;
    void *block = private_alloc(scope_heap(), align, size, zero ? PRIVATE_ZERO : 0);
    thread_words()->busy = false;
    return block;
}

static void *alloc_own(size_t size, bool clear)
{
    struct access access = begin(threads_current());
    void *block = NULL;
    if (access.theap != NULL) {
        block = size <= SLAB_BLOCK_MAX ? alloc_class(access.theap, size_class_of(size), clear)
                                       : large_alloc(large_account(), 1, size, clear, false);
        count_allocation(access.theap, block, size);
    }
    end(access);
    return block;
}

/* From the thread's cache, for the classes that the inline paths have no table for. */
ALWAYS_INLINE void *alloc_medium(size_t size)
{
    if (size <= SMALL_MAX || size > SLAB_BLOCK_MAX)
        return NULL;
    return bin_pop(&theap_fast()->bins[size_class_of(size)]);
}

static NOINLINE void *alloc(size_t size, bool clear, const void *caller)
{
    os_child_look();
    if (unlikely(scope_heap() != NULL) && !thread_words()->busy && !os_is_loader(caller))
        return alloc_in_scope(1, size, clear);
    return is_checked() ? checked_alloc(1, size, clear) : alloc_own(size, clear);
}

void *heap_alloc_slow(size_t size, const void *caller)
{
    void *block = alloc_medium(size);
    return likely(block != NULL) ? block : alloc(size, false, caller);
}

void *heap_alloc_zero_slow(size_t size, const void *caller)
{
    void *block = alloc_medium(size);
    return likely(block != NULL) ? clear_all(theap_fast(), block) : alloc(size, true, caller);
}

static void *alloc_aligned(size_t align, size_t size)
{
    if (unlikely(scope_heap() != NULL) && !thread_words()->busy)
        return alloc_in_scope(align, size, false);
    unsigned size_class = size_class_of_aligned(align, size);
    struct access access = begin(threads_current());
    void *block = NULL;
    if (access.theap != NULL) {
        block = size_class < SIZE_CLASSES ? alloc_class(access.theap, size_class, false)
                                          : large_alloc(large_account(), align, size, false, false);
        count_allocation(access.theap, block, size);
    }
    end(access);
    return block;
}

void *heap_alloc_aligned_slow(size_t align, size_t size)
{
    os_child_look();
    return is_checked() ? checked_alloc(align, size, false) : alloc_aligned(align, size);
}

void *heap_plain_alloc(size_t align, size_t size, bool zero)
{
    return align <= 16 ? alloc_own(size, zero) : alloc_aligned(align, size);
}

/* ---- what a pointer is -------------------------------------------------------------------- */

/* The span that a block of the program's starts; ends the process if the pointer is no such thing.
 */
static struct span *span_of_block(const void *address, const char *call)
{
    size_t granule = granule_of(address);
    if (unlikely(!granule_is_ours(granule)))
        bad_pointer(call, address);
    uint32_t tag = tag_of(granule);
    struct span *span = span_at(granule);
    if (tag != 0) {
        span = span_at(span->head);
        if (unlikely(!slab_has_in_use(span, address)))
            bad_pointer(call, address);
    } else if (unlikely(span_kind(span) != SPAN_LARGE || address != span_start(span))) {
        bad_pointer(call, address);
    }
    return span;
}

bool heap_is_block(const void *address)
{
    if (checked_is_on())
        return checked_is_block(address);
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return false;
    struct span *span = span_at(granule);
    if (tag_of(granule) == 0)
        return span_kind_elsewhere(span) == SPAN_LARGE && span->heap == NULL &&
               address == span_start(span);
    span = span_at(span_get(&span->head));
    return span_kind_elsewhere(span) == SPAN_SLAB && slab_has_in_use(span, address);
}

/* The private heap that has the block, NULL for malloc's own and for what is no block. */
static struct private_heap *private_heap_with(const void *address)
{
    os_child_look();
    if (tag_at(address) != 0)
        return NULL;
    bool before = heap_set_busy(true);
    struct private_heap *heap = scope_heap(); /* saves the search, as a rule */
    if (heap == NULL || !private_has(heap, address))
        heap = private_owner(address);
    thread_words()->busy = before;
    return heap;
}

static NOINLINE size_t usable_size_slow(const void *block, const char *call)
{
    struct private_heap *heap = private_heap_with(block);
    if (unlikely(heap != NULL))
        return private_size(heap, block);
    if (checked_is_on())
        return checked_usable_size(block, call);
    struct span *span = span_of_block(block, call);
    return span_block_bytes(span);
}

size_t heap_usable_size(const void *block, const char *call)
{
    uint32_t tag;
    const struct bin *bin = bin_of_block(theap_fast(), block, &tag);
    return likely(bin != NULL) ? bin_bytes(bin) : usable_size_slow(block, call);
}

bool heap_size_is_exact(const void *block)
{
    return checked_is_on() || private_heap_with(block) != NULL;
}

/* ---- free --------------------------------------------------------------------------------- */

static void free_in_slab(struct theap *theap, struct span *slab, struct block *block)
{
    unsigned size_class = slab->size_class;
    if (slab->owner == theap_number(theap)) {
        bin_push(theap, &theap->bins[size_class], block);
        return;
    }
    theap_free_remote(theap, slab->owner, &theap->bins[size_class], block);
}

static void free_private(struct private_heap *heap, void *block, const char *call)
{
    if (thread_words()->busy) {
        private_free_interrupted(heap, block);
        return;
    }
    thread_words()->busy = true;
    bool done = private_free(heap, block, 0);
    thread_words()->busy = false;
    if (!done)
        bad_pointer(call, block);
}

static void free_block(void *address, const char *call)
{
    struct span *span = span_of_block(address, call);
    struct access access = begin(threads_current_to_free());
    if (access.theap != NULL && unlikely(threads_calls_are_counted()))
        count_free(access.theap, span);
    if (span_kind(span) == SPAN_LARGE)
        large_free(large_account(), span);
    else if (access.theap != NULL)
        free_in_slab(access.theap, span, address);
    else
        theap_post_block(span->owner, address); /* there is no theap to free into */
    end(access);
}

void heap_free_locked(void *address, const char *call)
{
    if (address == NULL)
        return;
    struct private_heap *heap = private_heap_with(address);
    if (unlikely(heap != NULL)) {
        free_private(heap, address, call);
        return;
    }
    if (checked_is_on())
        checked_free(address, call);
    else
        free_block(address, call);
}

void heap_plain_free(void *block)
{
    free_block(block, "free");
}

/* ---- resize ------------------------------------------------------------------------------- */

/* A block stays in its heap, so also malloc's own in a scope. */
static NOINLINE void *move(void *block, size_t old, size_t size, const char *call)
{
    void *fresh = likely(scope_heap() == NULL) ? heap_alloc(size) : alloc_own(size, false);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, old < size ? old : size);
    heap_free(block, call);
    return fresh;
}

static void *resize_large(struct span *span, size_t size, bool may_move)
{
    struct access access = begin(threads_current_to_free());
    size_t before = span_bytes(span);
    void *block = large_resize(large_account(), span, size, may_move);
    if (block != NULL && access.theap != NULL && unlikely(threads_calls_are_counted()))
        published_resized(theap_number(access.theap), before, block_bytes(block));
    end(access);
    return block;
}

void *heap_plain_resize(void *block, size_t size)
{
    return resize_large(span_at(granule_of(block)), size, true);
}

static void *resize_private(struct private_heap *heap, void *block, size_t size)
{
    bool valid;
    if (thread_words()->busy)
        return NULL; /* a signal handler */
    thread_words()->busy = true;
    void *moved = private_realloc(heap, block, size, 0, &valid);
    thread_words()->busy = false;
    return moved;
}

bool heap_resize_in_place(void *block, size_t size, const char *call)
{
    if (unlikely(private_heap_with(block) != NULL))
        return false;
    if (checked_is_on())
        return checked_resize_in_place(block, size, call);
    struct span *span = span_of_block(block, call);
    if (span_kind(span) == SPAN_LARGE)
        return resize_large(span, size, false) != NULL;
    return size <= size_class_bytes(span->size_class);
}

/* A slab's block of `old` bytes. */
static inline void *resize_in_slabs(void *block, size_t old, size_t size, const char *call)
{
    return size_class_keeps(old, size) ? block : move(block, old, size, call);
}

static NOINLINE void *realloc_slow(void *block, size_t size, const char *call)
{
    struct private_heap *heap = private_heap_with(block);
    if (unlikely(heap != NULL))
        return resize_private(heap, block, size);
    if (checked_is_on())
        return checked_realloc(block, size, call);
    struct span *span = span_of_block(block, call);
    if (span_kind(span) == SPAN_LARGE) {
        if (size > SLAB_BLOCK_MAX)
            return resize_large(span, size, true);
        return move(block, span_bytes(span), size, call);
    }
    return resize_in_slabs(block, size_class_bytes(span->size_class), size, call);
}

void *heap_realloc(void *block, size_t size, const char *call)
{
    uint32_t tag;
    const struct bin *bin = bin_of_block(theap_fast(), block, &tag);
    return likely(bin != NULL) ? resize_in_slabs(block, bin_bytes(bin), size, call)
                               : realloc_slow(block, size, call);
}
