/* SPDX-License-Identifier: MIT */
/* The table of handles: slots in address space of their own, so that an address is known to be one
 * without being read. What is committed stays committed; of a slot's four places, of 64 KiB each,
 * only the first pages are ever touched.
 *
 * The table has segments: the first of 8 MiB, each later one as long as all before it, so that address
 * space stays in proportion to the number of heaps. A quick way of a call looks for its handle in the first
 * segment; a slow one, and any call with the handle of a process that has many heaps, from the last
 * segment back, which has half of the slots. */
#include "private/slots.h"

#include "diag/layout.h"
#include "os/child.h"
#include "os/process.h"
#include "os/vm.h"
#include "private/bounded.h"
#include "private/by_address.h"

enum { SLOTS_FIRST = 32, SLOTS_LEAST = 4, SEGMENTS_MOST = 64, RESTING_LEAST = 4 };

#define SLOT_BYTES ((size_t)1 << SLOT_SHIFT)

uintptr_t slot_base[4];
size_t slot_count;

/* Slots that were reserved together. Written under the lock; read by anybody. */
struct segment {
    uintptr_t base;
    size_t first, slots; /* the first one's number, and how many there are */
    size_t used;         /* only rises; of the first segment slot_count says it too */
};

static struct os_lock lock;
static struct segment segments[SEGMENTS_MOST];
static _Atomic size_t segment_count;
static struct private_heap *first, *last;  /* live heaps in order of creation */
static struct private_heap *bounded_heaps; /* the live ones, by address */
static uint64_t serials;

/* Free slots in the order in which they became so, by `next`. The first is used again once enough
 * others wait behind it: so a handle that is used after its heap's end is not the next heap's. */
static struct {
    struct private_heap *first, *last;
    uint32_t count; /* if it is 0, neither is valid */
} resting;

const struct slots_layout slots_layout = {
    .first = &first,
    .next = offsetof(struct private_heap, next),
    .name = offsetof(struct private_heap, name),
    .name_size = HEAP_NAME_MAX,
    .slot = offsetof(struct private_heap, slot),
    .serialized = offsetof(struct private_heap, serialized),
    .charged = offsetof(struct private_heap, charged),
    .charged_peak = offsetof(struct private_heap, charged_peak),
    .limit = offsetof(struct private_heap, limit),
    .maximum = offsetof(struct private_heap, maximum),
    .refused = offsetof(struct private_heap, refused),
    .start = offsetof(struct private_heap, start),
    .end = offsetof(struct private_heap, end),
    .pool_heap = offsetof(struct pool, heap),
    .bounded = offsetof(struct private_heap, bounded),
    .frontier = offsetof(struct bounded, frontier),
    .reached = offsetof(struct bounded, reached),
    .given_back = offsetof(struct bounded, given_back),
    .unit = BOUNDED_UNIT,
};

static struct segment *last_segment(void)
{
    size_t count = atomic_load_explicit(&segment_count, memory_order_relaxed);
    return count != 0 ? &segments[count - 1] : NULL;
}

static char *slot_at(size_t slot)
{
    const struct segment *segment = last_segment();
    while (slot < segment->first)
        segment--;
    return (char *)(segment->base + ((slot - segment->first) << SLOT_SHIFT));
}

/* Address space is taken sparingly where it is limited: no more than a small part of it. */
static size_t affordable(size_t slots)
{
    enum { SHARE = 64 };
    while (slots > SLOTS_LEAST && !os_has_address_space(SHARE * (slots << SLOT_SHIFT)))
        slots /= 2;
    return slots;
}

static bool add_segment(void)
{
    size_t count = atomic_load_explicit(&segment_count, memory_order_relaxed);
    size_t before = count != 0 ? segments[count - 1].first + segments[count - 1].slots : 0;
    size_t slots = affordable(before < SLOTS_FIRST ? SLOTS_FIRST : before);
    if (slots > SLOTS_MOST - before)
        slots = SLOTS_MOST - before;
    char *base = count < SEGMENTS_MOST && slots != 0
                     ? os_reserve_aligned(slots << SLOT_SHIFT, SLOT_BYTES, 0)
                     : NULL;
    if (base == NULL)
        return false;
    os_exclude_from_dumps(base, slots << SLOT_SHIFT);
    freed_draw_key();
    segments[count] = (struct segment){ (uintptr_t)base, before, slots, 0 };
    for (size_t place = 0; count == 0 && place < 4; place++)
        slot_base[place] = (uintptr_t)base + (place << PLACE_SHIFT);
    /* release: who finds the segment reads it */
    atomic_store_explicit(&segment_count, count + 1, memory_order_release);
    return true;
}

/* A place that has never been used, with the slot's number in *slot; or NULL. */
static char *take_fresh(size_t *slot)
{
    struct segment *segment = last_segment();
    if ((segment == NULL || segment->used == segment->slots) && !add_segment())
        return NULL;
    segment = last_segment();
    char *start = (char *)segment->base + (segment->used << SLOT_SHIFT);
    if (!os_commit(start, SLOT_BYTES))
        return NULL;
    *slot = segment->first + segment->used;
    /* release: who finds the address to be a slot's may read it */
    STORE_RELEASE(&segment->used, segment->used + 1);
    if (segment == segments)
        STORE_RELEASE(&slot_count, segment->used);
    return start;
}

static char *take_rested(size_t *slot)
{
    struct private_heap *heap = resting.first;
    if (resting.count == 0)
        return NULL;
    resting.first = heap->next;
    resting.count--;
    *slot = heap->slot;
    return slot_at(*slot);
}

static char *take(size_t *slot)
{
    char *start = resting.count <= RESTING_LEAST ? take_fresh(slot) : NULL;
    return start != NULL ? start : take_rested(slot);
}

static void append(struct private_heap *heap)
{
    heap->next = NULL;
    heap->prev = last;
    if (last != NULL)
        last->next = heap;
    else
        first = heap;
    last = heap;
}

static void remove_live(struct private_heap *heap)
{
    if (heap->prev != NULL)
        heap->prev->next = heap->next;
    else
        first = heap->next;
    if (heap->next != NULL)
        heap->next->prev = heap->prev;
    else
        last = heap->prev;
}

struct private_heap *slot_take(enum heap_place place)
{
    os_lock(&lock);
    struct private_heap *heap = NULL;
    size_t slot = 0;
    char *start = take(&slot);
    if (start != NULL) {
        heap = (struct private_heap *)(void *)(start + place);
        /* the pool is empty: it has never been in use, or private_destroy has seen to it */
        memset((char *)heap + sizeof heap->pool, 0, sizeof *heap - sizeof heap->pool);
        heap->slot = (uint32_t)slot;
    }
    os_unlock(&lock);
    return heap;
}

uint64_t slot_open(struct private_heap *heap, enum heap_kind kind)
{
    os_lock(&lock);
    uint64_t serial = heap->serial = ++serials; /* so it rises along the list */
    heap->kind = (uint8_t)kind;
    append(heap);
    if (heap->bounded != NULL)
        by_address_insert(&bounded_heaps, heap);
    os_unlock(&lock);
    return serial;
}

void slot_close(struct private_heap *heap)
{
    os_lock(&lock);
    atomic_store_explicit(&heap->closing, true, memory_order_relaxed);
    remove_live(heap);
    if (heap->bounded != NULL)
        by_address_remove(&bounded_heaps, heap);
    os_unlock(&lock);
}

void slot_give(struct private_heap *heap)
{
    os_lock(&lock);
    if (resting.count != 0)
        resting.last->next = heap;
    else
        resting.first = heap;
    resting.last = heap;
    resting.count++;
    os_unlock(&lock);
}

/* The segment in which that is the address of such a place, or NULL. */
static const struct segment *segment_of(const void *handle, size_t place)
{
    /* acquire: pairs with add_segment */
    size_t count = atomic_load_explicit(&segment_count, memory_order_acquire);
    for (const struct segment *at = segments + count; at-- != segments;)
        if (slot_at_distance((uintptr_t)handle - at->base - place) < READ_RACY(at->used))
            return at;
    return NULL;
}

bool is_far_place(const void *handle, enum heap_place place)
{
    const struct segment *segment = segment_of(handle, place);
    return segment != NULL && segment != segments;
}

static bool is_any_place(const void *handle)
{
    size_t place = (uintptr_t)handle & (SLOT_BYTES - 1);
    return place % ((size_t)1 << PLACE_SHIFT) == 0 && segment_of(handle, place) != NULL;
}

struct private_heap *private_heap_of(const void *handle)
{
    struct private_heap *heap = (struct private_heap *)(uintptr_t)handle;
    return is_any_place(handle) && heap->kind != HEAP_GONE ? heap : NULL;
}

size_t private_heaps(struct private_heap **out, size_t most)
{
    os_child_look();
    size_t count = 0;
    private_process_heap(); /* the first, whoever asked for one before */
    os_lock(&lock);
    for (struct private_heap *heap = first; heap != NULL; heap = heap->next, count++)
        if (count < most)
            out[count] = heap;
    os_unlock(&lock);
    return count;
}

struct private_heap *private_pin_next(struct private_heap *pinned)
{
    os_child_look();
    os_lock(&lock);
    struct private_heap *heap =
        pinned == NULL || atomic_load_explicit(&pinned->closing, memory_order_relaxed)
            ? first
            : pinned->next;
    while (heap != NULL && pinned != NULL && heap->serial <= pinned->serial)
        heap = heap->next;
    if (heap != NULL)
        atomic_fetch_add_explicit(&heap->pins, 1, memory_order_relaxed);
    os_unlock(&lock);
    if (pinned != NULL) /* release: pairs with private_destroy */
        atomic_fetch_sub_explicit(&pinned->pins, 1, memory_order_release);
    return heap;
}

struct private_heap *slot_find_around(const void *address)
{
    os_child_look();
    if (os_lock_is_mine(&lock))
        return NULL;
    os_lock(&lock);
    struct private_heap *heap = by_address_find(bounded_heaps, address);
    os_unlock(&lock);
    return heap;
}

struct private_heap *slot_find(bool (*is_it)(struct private_heap *, const void *),
                               const void *argument)
{
    os_child_look();
    struct private_heap *heap = NULL;
    if (os_lock_is_mine(&lock))
        return NULL;
    os_lock(&lock);
    for (heap = first; heap != NULL && !is_it(heap, argument);)
        heap = heap->next;
    os_unlock(&lock);
    return heap;
}

void slots_after_fork(void (*repair)(struct private_heap *))
{
    bool torn = os_lock_is_held(&lock) && !os_lock_is_mine(&lock);
    if (torn) {
        os_lock_reset(&lock);
        resting.count = 0;
        last = NULL;
        bounded_heaps = NULL;
    }
    for (struct private_heap *heap = first; heap != NULL; heap = heap->next) {
        if (torn) {
            heap->prev = last;
            last = heap;
            if (heap->bounded != NULL)
                by_address_insert(&bounded_heaps, heap);
        }
        repair(heap);
    }
}
