/* SPDX-License-Identifier: MIT */
/* private_heap.h: what a HANDLE from HeapCreate names.
 *
 *   owned    HEAP_NO_SERIALIZE: one pool, and nothing between the call and it
 *   shared   a pool for each thread that uses the heap; see attach.c and lock.c
 *   bounded  one reservation of the size that was asked for, see bounded.h, behind one lock
 *   mapped   a bounded one in a file, see lib/mapped; it is reached by its backend
 *
 * A heap stands in a slot of the table of handles, at the place in it that is its kind's. The
 * process heap is in slot 0, a shared heap: what malloc has handed out is not here but in heap/. */
#ifndef BARROW_PRIVATE_PRIVATE_HEAP_H
#define BARROW_PRIVATE_PRIVATE_HEAP_H

#include "os/lock.h"
#include "private/pool.h"
#include "region/large.h"

enum heap_kind { HEAP_GONE, HEAP_OWNED, HEAP_SHARED, HEAP_BOUNDED, HEAP_MAPPED };

enum { HEAP_NAME_MAX = 64 };

struct bounded;

/* Whom the program wants asked when the heap can't serve a call, see barrow.h. */
struct private_asked {
    int (*call)(void *heap, size_t wanted, void *context); /* NULL: nobody */
    void *context;
};

struct private_heap;

/* What a layer above does with its heaps. A mapped heap is walked as a bounded one is. */
struct heap_backend {
    void *(*alloc)(struct private_heap *heap, size_t align, size_t size, bool zero);
    bool (*free)(struct private_heap *heap, void *block);
    void *(*realloc)(struct private_heap *heap, void *block, size_t size, bool in_place);
    size_t (*size)(struct private_heap *heap, const void *block);
    bool (*validate)(struct private_heap *heap);
    size_t (*compact)(struct private_heap *heap);
    void (*lock)(struct private_heap *heap);
    bool (*unlock)(struct private_heap *heap);
    void (*end)(struct private_heap *heap);
    void (*after_fork)(struct private_heap *heap);
    uint32_t (*failure)(
        const struct private_heap *heap); /* why a call failed: a Win32 error, or 0 */
};

struct private_heap {
    struct pool pool; /* an owned heap's; has nothing, and owns no slab, in all others */
    uint8_t kind;     /* enum heap_kind */
    bool serialized;  /* of a bounded one: a thread has the right of way, or calls take the mutex */
    bool executable;
    uint32_t slot;
    uint64_t serial;                /* of this heap: no other, before or after it, has it */
    uint32_t options;               /* as given to HeapCreate */
    _Atomic bool low_fragmentation; /* what Windows would say of it by now */

    /* See lock.c. */
    _Alignas(CACHE_LINE) _Atomic uint32_t held;
    struct os_lock mutex;
    uint32_t depth;
    _Atomic(struct pool *) pools; /* of a shared heap; only ever added to, under attach.c's lock */
    struct pool *idle_pools;      /* those that no thread has; attach.c's */
    struct pool *common;          /* one of them, for threads that can have none: under the mutex */
    /* Of a bounded one, under the mutex: the pool of the thread that has the right of way, or NULL;
     * then who took the mutex last, how often in a row, and how often that must be */
    struct pool *right_of_way;
    uintptr_t last_caller;
    uint32_t calls_in_a_row, calls_wanted;

    struct os_lock large_lock;  /* of the list; an owned heap's is not taken */
    uint32_t large, large_last; /* blocks with a span of their own, in order of allocation: the
                                 * first's index, and the last one's */
    struct large_account large_account;

    _Atomic uint32_t initial;           /* see initial.h; 0: none */
    struct bounded *bounded;            /* also of a mapped one */
    const struct heap_backend *backend; /* of a mapped one */
    size_t maximum;                     /* of a bounded or mapped heap, else 0 */

    _Atomic size_t charged; /* bytes of spans */
    _Atomic size_t charged_peak;
    _Atomic size_t limit;      /* on charged, or a bounded heap's frontier; 0: none */
    _Atomic uint64_t refused;  /* calls that failed for want of room */
    struct os_lock facts_lock; /* of the two that follow */
    struct private_asked asked;
    char name[HEAP_NAME_MAX];
    _Atomic uint32_t pins; /* see private_pin_next */
    _Atomic bool closing;  /* no longer in the list of heaps */

    struct private_heap *next, *prev; /* in order of creation; slots.c's */

    /* Of heaps with a reservation: see by_address.c. One cache line, for a search looks at many. */
    _Alignas(CACHE_LINE) struct private_heap *lower, *higher;
    uintptr_t start, end; /* of the reservation */
};

/* ---- handles ------------------------------------------------------------------------------ */

/* The slots of the first segment that have ever been in use: readable memory. See slots.c for others. */
extern uintptr_t slot_base[4] HIDDEN; /* the first slot's places */
extern size_t slot_count HIDDEN;      /* only rises */

/* A slot has a place for each kind of heap, so that a handle tells which it is of. At a place
 * stands the heap; then, PLACE_NURSERY further, the map of its nursery. */
enum { SLOTS_MOST = 1 << 15, SLOT_SHIFT = 18, PLACE_SHIFT = 16, PLACE_NURSERY = 4096 };
enum heap_place {
    PLACE_SHARED = 0,
    PLACE_OWNED = 1 << PLACE_SHIFT,
    PLACE_BOUNDED = 2 << PLACE_SHIFT, /* a bit that both bounded ones have */
    PLACE_BOUNDED_SERIALIZED = 3 << PLACE_SHIFT
};

/* What the handle says, which need not be one. */
ALWAYS_INLINE bool is_in_place(const void *handle, enum heap_place place)
{
    return ((uintptr_t)handle & (uintptr_t)place) != 0;
}

/* The number of the slot whose place begins `distance` bytes behind that of its segment's first one; if
 * none does, more than there are slots. Rotated, so that one comparison tells of the low bits too. */
ALWAYS_INLINE uint64_t slot_at_distance(uint64_t distance)
{
    return (distance >> SLOT_SHIFT) | (distance << (64 - SLOT_SHIFT));
}

/* Whether that is the address of such a place, at which a heap is, or one was or could be: in the first
 * segment; in another one; in any. */
ALWAYS_INLINE bool is_near_place(const void *handle, enum heap_place place)
{
    return slot_at_distance((uintptr_t)handle - slot_base[place >> PLACE_SHIFT]) <
           READ_RACY(slot_count);
}

bool is_far_place(const void *handle, enum heap_place place);

ALWAYS_INLINE bool is_place(const void *handle, enum heap_place place)
{
    return likely(is_near_place(handle, place)) || is_far_place(handle, place);
}

/* The heap, or NULL. */
struct private_heap *private_heap_of(const void *handle);

/* The process heap; NULL only when there is no address space for the table. */
struct private_heap *private_process_heap(void);

/* Stores the handles of up to `most` heaps in order of creation; returns how many there are. */
size_t private_heaps(struct private_heap **out, size_t most);

/* ---- life --------------------------------------------------------------------------------- */

struct private_wish {
    bool owned, executable;
    size_t initial, maximum;
    uint32_t options;
};

/* NULL when there is no memory. */
struct private_heap *private_create(const struct private_wish *wish);
void private_destroy(struct private_heap *heap);

/* ---- blocks ------------------------------------------------------------------------------- */

enum private_flags {
    PRIVATE_ZERO = 1,
    PRIVATE_IN_PLACE = 2,
    PRIVATE_UNLOCKED = 4 /* past the lock of another thread; the program sees to it */
};

#define PRIVATE_NO_BLOCK ((size_t)-1)

/* All want a live heap. NULL when there is no memory, or the limit is reached. */
void *private_alloc(struct private_heap *heap, size_t align, size_t size, unsigned flags);

/* False, and nothing done, when the address starts no block of the heap. */
bool private_free(struct private_heap *heap, void *address, unsigned flags);

/* The same for a block of the caller's own pool; false also when it is of another. */
bool private_free_own(struct pool *pool, void *address);

/* The same in a signal handler that may have interrupted the heap: a bounded heap's block is lost
 * until the heap goes. */
void private_free_interrupted(struct private_heap *heap, void *address);

/* The size that was asked for; PRIVATE_NO_BLOCK when the address starts no block of the heap. */
size_t private_size(struct private_heap *heap, const void *address);

/* NULL when there is no memory for it, or *valid is false: the address starts no block of the heap.
 * Then nothing has changed. */
void *private_realloc(struct private_heap *heap, void *address, size_t size, unsigned flags,
                      bool *valid);

/* Whether the address starts a block of the heap. */
bool private_has(struct private_heap *heap, const void *address);

/* The heap whose block the address starts, whichever; NULL if there is none. */
struct private_heap *private_owner(const void *address);

/* ---- the whole heap ----------------------------------------------------------------------- */

/* Holds every other thread off the heap, or waits until nobody does so. Recursive. */
void private_lock(struct private_heap *heap);
/* The same towards threads that lock the heap; those that only use it go on. */
void private_lock_out(struct private_heap *heap);
/* Ends either. False when this thread does not hold the lock. */
bool private_unlock(struct private_heap *heap);

/* For who finds heaps by himself: the first live heap (after NULL), or the next one in order of
 * creation, or NULL. It is pinned, and the one given no longer: a heap that is pinned is there
 * until the next call, though it may be about to be destroyed. */
struct private_heap *private_pin_next(struct private_heap *pinned);

/* private_lock; false when the heap, which is pinned, is being destroyed. */
bool private_lock_pinned(struct private_heap *heap);

/* Returns empty memory to the system; the largest free block that is left. */
size_t private_compact(struct private_heap *heap);

/* The same for every heap that the calling thread may work in: all but those that belong to one
 * thread. */
void private_compact_shared(void);

/* ---- limits, see limit.c ------------------------------------------------------------------ */

void private_set_limit(struct private_heap *heap, size_t limit, struct private_asked asked);

/* How the program's function is called; set by the layer above, which knows what must be out of the
 * way meanwhile. */
typedef bool private_ask_fn(struct private_heap *heap, size_t wanted, struct private_asked asked);
extern _Atomic(private_ask_fn *) private_ask;

/* A call failed for want of room: counts it, or is true if it is to be tried again. Outside the
 * heap, so that the program may use it meanwhile. */
bool private_asks_again(struct private_heap *heap, size_t wanted);

/* ---- for pools and walks ------------------------------------------------------------------ */

/* Puts that many bytes more on the heap's account; false when its limit forbids it. */
bool private_heap_charge(struct private_heap *heap, size_t bytes);
void private_heap_discharge(struct private_heap *heap, size_t bytes);

/* The span of a private heap that the address may start a block of, or NULL. Any address. */
struct span *private_span_of(const void *address);

/* In the child of fork: what threads were doing that it does not have. */
void private_after_fork(void);

#endif
