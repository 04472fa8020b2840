/* SPDX-License-Identifier: MIT */
/* Bounded heaps begin, grow and end. */
#include "private/bounded.h"

#include "os/process.h"
#include "os/vm.h"
#include "private/bounded_block.h"
#include "private/bounded_index.h"

#include <stdatomic.h>

enum {
    LEAST_STEP = 16 << 10, /* of committing */
    LARGEST_STEP = 16 << 20,
    QUICK_SHARE = 2,      /* quick lists hold at most that part of a heap, and ... */
    QUICK_MOST = 4 << 20, /* ... that many bytes */
};

/* What is committed is a multiple of it. */
#if BOUNDED_JOURNALED
#define PAGE ((size_t)BOUNDED_FILE_PAGE)
#else
#define PAGE os_page_size()
#endif

/* ---- the records ---------------------------------------------------------------------------- */

/* Blocks of up to a 512th of the heap, but at least of 1 KiB and at most 4, have quick lists. The
 * number of their sizes, with 0 and 1, which have none. */
static unsigned quick_sizes_for(size_t maximum)
{
    if (BOUNDED_JOURNALED)
        return 0; /* lib/mapped/cache.c has them */
    size_t bytes = maximum / 512;
    bytes = bytes < 1024 ? 1024 : bytes < 4096 ? bytes : 4096;
    size_t units = units_for(bytes), most = maximum / BOUNDED_UNIT / QUICK_SHARE;
    return (unsigned)(units < most ? units : most) + 1;
}

struct plan {
    unsigned levels, quick_sizes;
    size_t lists, end; /* in bytes from the heap's start */
};

static struct plan plan_records(size_t maximum)
{
    struct plan plan = { .levels = index_level(maximum / BOUNDED_UNIT - 1) + 1,
                         .quick_sizes = quick_sizes_for(maximum) };
    plan.lists = offsetof(struct bounded, quick) + plan.quick_sizes * sizeof(uint64_t);
    plan.end = plan.lists + (plan.levels * BOUNDED_SUBLISTS + INDEX_VAIN) * sizeof(uint64_t);
    return plan;
}

uint64_t bounded_quick_share(const struct bounded *heap)
{
    uint64_t share = heap->end / QUICK_SHARE, most = QUICK_MOST / BOUNDED_UNIT;
    return share < most ? share : most;
}

uint64_t bounded_quick_units(const struct bounded *heap)
{
    return bounded_quick_share(heap) - heap->quick_room;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* So that what is overwritten by chance is no header: no two heaps have the same. */
static uint64_t mixed(uint64_t seed)
{
    seed = (seed ^ seed >> 31) * 0x7fb5d329728ea185;
    seed = (seed ^ seed >> 27) * 0x81dadef4bc2dd44d;
    return seed ^ seed >> 33;
}

/* What an odd number must be multiplied with to give 1: each step doubles the bits that are right.
 */
static uint64_t inverse(uint64_t odd)
{
    uint64_t result = odd; /* three bits are */
    for (int bits = 3; bits < 64; bits *= 2)
        result *= 2 - odd * result;
    return result;
}

void bounded_set_key(struct bounded *heap, uint64_t key, uint64_t salt)
{
    heap->key = key;
    heap->salt = salt;
    heap->unkey = inverse(key);
    for (unsigned units = 0; units < quick_sizes(heap); units++)
        heap->quick[units] = quick_end(heap);
    for (unsigned list = 0; list < heap->levels * (unsigned)BOUNDED_SUBLISTS; list++)
        index_lists(heap)[list] = no_block(heap);
    index_hope(heap);
}

void bounded_set_frontier(struct bounded *heap, uint64_t frontier)
{
    heap->frontier = frontier;
    heap->reached = frontier > heap->reached ? frontier : heap->reached;
    heap->quick_last = frontier - 1;
    set_block(heap, frontier, 0); /* the end mark */
}

static void start(struct bounded *heap, size_t maximum, size_t committed, const struct plan *plan)
{
    uint64_t seed = BOUNDED_JOURNALED ? os_random() : (uintptr_t)heap;
    uint64_t key = mixed(seed ^ os_milliseconds() << 40) | 1 | (uint64_t)1 << 63;
    heap->end = heap->limit = maximum / BOUNDED_UNIT;
    heap->levels = (uint16_t)plan->levels;
    heap->lists = (uint32_t)plan->lists;
    heap->quick_fields = (uint64_t)plan->quick_sizes << BOUNDED_SIZE_SHIFT;
    heap->quick_bytes = plan->quick_sizes == 0 ? 0 : units_room(plan->quick_sizes - 1);
    heap->quick_room = bounded_quick_share(heap);
    bounded_set_key(heap, key, mixed(key ^ (uint64_t)os_process_id()));
    heap->first = heap->fresh = (plan->end + 8 + BOUNDED_UNIT - 1) / BOUNDED_UNIT;
    heap->initial = committed / BOUNDED_UNIT;
    bounded_set_frontier(heap, heap->initial);
    flip_block(heap, heap->frontier, BOUNDED_PREVIOUS_FREE);
    bounded_make_free(heap, heap->first, heap->frontier - heap->first, BOUNDED_NO_RANGE);
}

#if !BOUNDED_JOURNALED

static bool commit(bool executable, void *address, size_t size)
{
    return executable ? os_commit_executable(address, size) : os_commit(address, size);
}

static bool bounded_back_more(struct bounded *heap, size_t bytes)
{
    return commit(heap->executable, block_address(heap, heap->frontier), bytes);
}

/* The kernel hands out address space after it was given back: what it orders, a checker of races
 * must be told. */
static _Atomic uint32_t reservations_given_back;

struct bounded *bounded_create(size_t initial, size_t maximum, bool executable)
{
    size_t page = os_page_size();
    if (maximum == 0 || maximum > BOUNDED_LARGEST)
        return NULL;
    maximum = round_up(maximum, page);
    struct plan plan = plan_records(maximum);
    size_t needed = round_up(plan.end + (BOUNDED_LEAST + 2) * BOUNDED_UNIT, page);
    initial = initial > maximum ? maximum : round_up(initial, page);
    initial = initial < needed ? needed : initial;
    struct bounded *heap = initial > maximum ? NULL : os_reserve(maximum);
    if (heap == NULL)
        return NULL;
    os_exclude_from_dumps(heap, maximum);
    atomic_load_explicit(&reservations_given_back, memory_order_acquire);
    if (!commit(executable, heap, initial)) {
        os_release(heap, maximum);
        return NULL;
    }
    heap->executable = executable;
    start(heap, maximum, initial, &plan);
    return heap;
}

void bounded_destroy(struct bounded *heap)
{
    size_t maximum = heap->end * BOUNDED_UNIT;
    atomic_fetch_add_explicit(&reservations_given_back, 1, memory_order_release);
    os_release(heap, maximum);
}

#endif

bool bounded_contains(const struct bounded *heap, const void *address)
{
    return ((uintptr_t)address - (uintptr_t)heap) / BOUNDED_UNIT < heap->end;
}

/* ---- more memory ---------------------------------------------------------------------------- */

/* How many units at the frontier are free; UINT64_MAX when that can't be known. */
uint64_t bounded_free_at_frontier(const struct bounded *heap)
{
    uint64_t mark = block_fields(heap, heap->frontier);
    if (!fields_are_sound(mark) || fields_units(mark) != 0)
        return UINT64_MAX;
    if (!(mark & BOUNDED_PREVIOUS_FREE))
        return 0;
    uint64_t units = *foot_before(heap, heap->frontier);
    if (units > heap->frontier || index_free_block(heap, heap->frontier - units) != units)
        return UINT64_MAX;
    return units;
}

static bool commit_more(struct bounded *heap, size_t bytes)
{
    if (!bounded_back_more(heap, bytes))
        return false;
    /* the new memory becomes a block in use in the end mark's place, and is released as any */
    uint64_t unit = heap->frontier, units = bytes / BOUNDED_UNIT;
    uint64_t previous = block_fields(heap, unit) & BOUNDED_PREVIOUS_FREE;
    bounded_set_frontier(heap, unit + units);
    set_block(heap, unit, fields_in_use(units, units_room(units)) | previous);
    return bounded_release(heap, unit);
}

void bounded_set_limit(struct bounded *heap, size_t bytes)
{
    size_t units = (bytes & ~(PAGE - 1)) / BOUNDED_UNIT;
    heap->limit = bytes == 0 || units > heap->end ? heap->end : units;
}

static size_t step_for(const struct bounded *heap, size_t needed)
{
    size_t left = (heap->limit - heap->frontier) * BOUNDED_UNIT;
    size_t step = heap->frontier * BOUNDED_UNIT / 4;
    step = step < LEAST_STEP ? LEAST_STEP : step < LARGEST_STEP ? step : LARGEST_STEP;
    step = round_up(step < needed ? needed : step, PAGE);
    return step < left ? step : left;
}

uint64_t bounded_grow(struct bounded *heap, uint64_t units)
{
    uint64_t have = bounded_free_at_frontier(heap);
    if (have == UINT64_MAX)
        return 0;
    if (have < units) {
        if (heap->frontier > heap->limit || units - have > heap->limit - heap->frontier)
            return 0;
        size_t bytes = round_up((units - have) * BOUNDED_UNIT, PAGE);
        if (!commit_more(heap, step_for(heap, bytes)) && !commit_more(heap, bytes))
            return 0;
    }
    return heap->frontier - *foot_before(heap, heap->frontier);
}
