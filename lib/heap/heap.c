/* SPDX-License-Identifier: MIT */
#include "heap/heap.h"

#include "heap/bad_pointer.h"
#include "heap/checked.h"
#include "heap/hold.h"
#include "heap/holder.h"
#include "heap/process.h"
#include "heap/published.h"
#include "heap/purge.h"
#include "heap/scope.h"
#include "heap/slab.h"
#include "heap/theap_medium.h"
#include "heap/threads.h"
#include "os/child.h"
#include "os/process.h"
#include "os/thread.h"
#include "region/region.h"

enum {
    ZERO_LEAST =
        4096 /* from here on it pays to take a block that needs no clearing from its slab */
};

struct large_account heap_large;

/* ---- the theap to use --------------------------------------------------------------------- */

/* A call that could not be served by the thread's cache: with which theap it goes on. `spare` is
 * the one that threads at their end, and signal handlers that interrupted their own thread, share.
 */
struct access {
    struct theap *theap; /* NULL: there is none */
    bool spare;
};

static struct large_account *large_account(struct access access)
{
    return likely(access.theap != NULL) ? &access.theap->large : &heap_large;
}

/* The word `busy`: this thread is on a slow path. Found set, it has been interrupted there, by a
 * signal whose handler allocates: POSIX forbids that, and programs do it. */
bool heap_set_busy(bool now)
{
    bool before = thread_words()->busy;
    thread_words()->busy = now;
    return before;
}

static NOINLINE void await_heap(struct theap *theap)
{
    do {
        hold_end(theap);
        if (hold_await())
            return;
    } while (!hold_begin(theap));
}

ALWAYS_INLINE struct access begin(struct theap *theap)
{
    if (unlikely(theap == NULL || thread_words()->busy || os_lock_is_mine(&theap->lock)))
        return (struct access){ threads_lock_spare(), true };
    thread_words()->busy = true;
    if (unlikely(!hold_begin(theap)))
        await_heap(theap);
    return (struct access){ theap, false };
}

ALWAYS_INLINE void end(struct access access)
{
    if (unlikely(access.theap == NULL))
        return;
    if (unlikely(access.spare)) {
        threads_unlock_spare();
        return;
    }
    hold_end(access.theap);
    thread_words()->busy = false;
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

static void count_allocation(struct theap *theap, const void *block, size_t size)
{
    if (likely(!threads_calls_are_counted()) || block == NULL)
        return;
    add(&theap->allocations, 1);
    add(&theap->allocated_bytes, size);
    published_allocated(theap_number(theap), size, plain_bytes(block));
}

static void count_free(struct theap *theap, size_t bytes)
{
    add(&theap->frees, 1);
    published_freed(theap_number(theap), bytes);
}

/* ---- allocate ----------------------------------------------------------------------------- */

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
    /* all that malloc_usable_size tells of, as other allocators do: programs take it for zero too */
    return clear && !zero ? memset(block, 0, bin_bytes(bin)) : block;
}

/* The thread has asked for its blocks to come from that heap. */
static void *alloc_in_scope(size_t align, size_t size, bool zero)
{
    thread_words()->busy = true;
    void *block = private_alloc(scope_heap(), align, size, zero ? PRIVATE_ZERO : 0);
    thread_words()->busy = false;
    return block;
}

static void *alloc_from(struct theap *theap, size_t align, size_t size, bool clear)
{
    unsigned size_class = size_class_of_aligned(align, size);
    if (size_class < SIZE_CLASSES)
        return alloc_class(theap, size_class, clear);
    return medium_serves(align, size) ? theap_take_medium(theap, align, size, clear)
                                      : large_alloc(&theap->large, align, size, clear, false);
}

static void *alloc_own(size_t align, size_t size, bool clear)
{
    struct access access = begin(threads_current());
    void *block = NULL;
    if (access.theap != NULL) {
        block = alloc_from(access.theap, align, size, clear);
        count_allocation(access.theap, block, size);
    }
    end(access);
    return block;
}

/* From the thread's own theap, unless that takes slower paths for all calls. */
ALWAYS_INLINE void *alloc_medium(size_t size, bool clear)
{
    struct theap *theap = theap_fast();
    if (size <= SMALL_MAX || size > MEDIUM_MAX || unlikely(theap == &theap_none))
        return NULL;
    void *block = theap_take_cached(theap, size);
    if (block != NULL)
        return clear ? memset(block, 0, medium_bytes(size)) : block;
    os_child_look();
    struct access access = begin(threads_current());
    if (likely(access.theap != NULL))
        block = theap_take_medium(access.theap, 1, size, clear);
    end(access);
    return block;
}

static NOINLINE void *alloc(size_t size, bool clear, const void *caller)
{
    os_child_look();
    if (unlikely(scope_heap() != NULL) && !thread_words()->busy && !os_is_loader(caller))
        return alloc_in_scope(1, size, clear);
    return is_checked() ? checked_alloc(1, size, clear) : alloc_own(1, size, clear);
}

void *heap_alloc_slow(size_t size, const void *caller)
{
    void *block = alloc_medium(size, false);
    return likely(block != NULL) ? block : alloc(size, false, caller);
}

void *heap_alloc_zero_slow(size_t size, const void *caller)
{
    void *block = alloc_medium(size, true);
    return likely(block != NULL) ? block : alloc(size, true, caller);
}

static void *alloc_aligned(size_t align, size_t size)
{
    if (unlikely(scope_heap() != NULL) && !thread_words()->busy)
        return alloc_in_scope(align, size, false);
    return alloc_own(align, size, false);
}

void *heap_alloc_aligned_slow(size_t align, size_t size)
{
    os_child_look();
    return is_checked() ? checked_alloc(align, size, false) : alloc_aligned(align, size);
}

void *heap_plain_alloc(size_t align, size_t size, bool zero)
{
    return align <= 16 ? alloc_own(1, size, zero) : alloc_aligned(align, size);
}

/* ---- what a pointer is -------------------------------------------------------------------- */

/* What holds a block of the program's; ends the process if the pointer is no such thing. */
static struct holder find(const void *address, const char *call)
{
    struct holder holder;
    if (unlikely(!granule_is_ours(granule_of(address))) ||
        unlikely(!holder_find(address, &holder)) || unlikely(!holder_has_in_use(&holder, address)))
        bad_pointer(call, address);
    return holder;
}

bool heap_is_block(const void *address)
{
    struct holder holder;
    if (checked_is_on())
        return checked_is_block(address);
    return granule_is_ours(granule_of(address)) && holder_find(address, &holder) &&
           holder_has_in_use(&holder, address);
}

/* malloc's large block that starts there; NULL for anything else. Any address. */
static inline struct span *large_at(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule) || address != granule_start(granule))
        return NULL;
    struct span *span = span_at(granule);
    return span_kind_elsewhere(span) == SPAN_LARGE && span->heap == NULL ? span : NULL;
}

/* The private heap that has the block, NULL for malloc's own and for what is no block. */
static struct private_heap *private_heap_with(const void *address)
{
    os_child_look();
    if (tag_at(address) != 0 || large_at(address) != NULL)
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
    struct holder holder = find(block, call);
    return holder_bytes(&holder);
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

static void free_to_slab(struct theap *theap, const struct holder *slab, struct block *block)
{
    struct bin *bin = &theap->bins[slab->span->size_class];
    if (slab->owner != theap_number(theap))
        theap_free_remote(theap, slab->owner, bin_bytes(bin), block);
    else if (bin_is_full(bin))
        theap_overflow(theap, bin, block);
    else
        bin_push(bin, block);
}

/* The whole pages of a block that may have been locked by the program. Shorter blocks wait for the purge. */
static void unlock_pages(struct place place)
{
    size_t page = os_page_size();
    uintptr_t start = round_up((uintptr_t)place_address(place), page);
    uintptr_t end = ((uintptr_t)place_address(place) + place_bytes(place)) & ~(page - 1);
    if (place_bytes(place) >= GRANULE_SIZE && end > start)
        os_unlock_memory((void *)start, end - start);
}

void heap_free_passed(uint32_t owner, struct place place)
{
    void *block = place_address(place);
    os_child_look();
    if (unlikely(os_locks_memory()))
        unlock_pages(place);
    struct access access = begin(threads_current_to_free());
    if (unlikely(access.theap == NULL))
        theap_post_block(owner, block); /* there is no theap to free into */
    else if (likely(owner == theap_number(access.theap)))
        theap_free_medium(access.theap, place);
    else
        theap_free_remote(access.theap, owner, place_bytes(place), block);
    end(access);
}

static void free_medium(const struct holder *holder, const void *address, const char *call)
{
    if (unlikely(!medium_pass(holder->place)))
        bad_pointer(call, address); /* another thread was quicker */
    if (unlikely(threads_calls_are_counted()) && thread_words()->theap != NULL)
        count_free(thread_words()->theap, holder_bytes(holder));
    heap_free_passed(holder->owner, holder->place);
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

static void free_large(struct span *span)
{
    struct access access = begin(threads_current_to_free());
    if (access.theap != NULL && unlikely(threads_calls_are_counted()))
        count_free(access.theap, span_bytes(span));
    large_free(large_account(access), span);
    if (unlikely(os_locks_memory()))
        purge_poke(); /* it may have been the first that was locked */
    end(access);
}

static void free_in_slab(const struct holder *slab, void *address)
{
    struct access access = begin(threads_current_to_free());
    if (access.theap != NULL && unlikely(threads_calls_are_counted()))
        count_free(access.theap, holder_bytes(slab));
    if (access.theap == NULL)
        theap_post_block(slab->owner, address); /* there is no theap to free into */
    else
        free_to_slab(access.theap, slab, address);
    end(access);
}

static void free_block(void *address, const char *call)
{
    struct holder holder = find(address, call);
    if (holder.kind == SPAN_MEDIUM)
        free_medium(&holder, address, call);
    else if (holder.kind == SPAN_LARGE)
        free_large(holder.span);
    else
        free_in_slab(&holder, address);
}

void heap_free_locked(void *address, const char *call)
{
    if (address == NULL)
        return;
    os_child_look();
    struct span *large = large_at(address);
    if (large != NULL && !checked_is_on()) {
        free_large(large);
        return;
    }
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
    void *fresh = likely(scope_heap() == NULL) ? heap_alloc(size) : alloc_own(1, size, false);
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
    void *block = large_resize(large_account(access), span, size, may_move);
    if (block != NULL && access.theap != NULL && unlikely(threads_calls_are_counted()))
        published_resized(theap_number(access.theap), before, plain_bytes(block));
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

/* In place, if what is behind it allows. */
static bool resize_medium(const struct holder *holder, size_t size)
{
    if (size > MEDIUM_MAX || region_is_interrupted())
        return false;
    struct access access = begin(threads_current_to_free());
    size_t before = holder_bytes(holder);
    bool done = theap_resize_medium(threads_theap(holder->owner), holder->place, size);
    if (done && access.theap != NULL && unlikely(threads_calls_are_counted()))
        published_resized(theap_number(access.theap), before, holder_bytes(holder));
    end(access);
    return done;
}

bool heap_resize_in_place(void *block, size_t size, const char *call)
{
    if (unlikely(private_heap_with(block) != NULL))
        return false;
    if (checked_is_on())
        return checked_resize_in_place(block, size, call);
    struct holder holder = find(block, call);
    if (holder.kind == SPAN_LARGE)
        return resize_large(holder.span, size, false) != NULL;
    return size <= holder_bytes(&holder) ||
           (holder.kind == SPAN_MEDIUM && resize_medium(&holder, size));
}

/* A slab's block of `old` bytes. */
static inline void *resize_in_slabs(void *block, size_t old, size_t size, const char *call)
{
    return size_class_keeps(old, size) ? block : move(block, old, size, call);
}

/* A block that has to move in order to grow gets some more: it will be asked to grow again. */
static void *grow_medium(void *block, size_t old, size_t size, const char *call)
{
    size_t more = size + size / MEDIUM_SLACK;
    void *moved = more <= MEDIUM_MAX ? move(block, old, more, call) : NULL;
    return moved != NULL ? moved : move(block, old, size, call);
}

static void *realloc_medium(const struct holder *holder, void *block, size_t size, const char *call)
{
    size_t old = holder_bytes(holder);
    bool keeps = old > SMALL_MAX ? medium_keeps(old, size) : size_class_keeps(old, size);
    if (keeps || ((size > SMALL_MAX || size >= old / 2) && resize_medium(holder, size)))
        return block;
    return size > old ? grow_medium(block, old, size, call) : move(block, old, size, call);
}

static NOINLINE void *realloc_slow(void *block, size_t size, const char *call)
{
    struct private_heap *heap = private_heap_with(block);
    if (unlikely(heap != NULL))
        return resize_private(heap, block, size);
    if (checked_is_on())
        return checked_realloc(block, size, call);
    struct holder holder = find(block, call);
    if (holder.kind == SPAN_MEDIUM)
        return realloc_medium(&holder, block, size, call);
    if (holder.kind == SPAN_SLAB)
        return resize_in_slabs(block, holder_bytes(&holder), size, call);
    if (size > MEDIUM_MAX)
        return resize_large(holder.span, size, true);
    return move(block, holder_bytes(&holder), size, call);
}

void *heap_realloc(void *block, size_t size, const char *call)
{
    uint32_t tag;
    const struct bin *bin = bin_of_block(theap_fast(), block, &tag);
    return likely(bin != NULL) ? resize_in_slabs(block, bin_bytes(bin), size, call)
                               : realloc_slow(block, size, call);
}
