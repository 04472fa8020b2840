/* SPDX-License-Identifier: MIT */
/* heaps.c: a heap's limit, name and figures, and blocks at an alignment, for the program. */
#include "shim/heaps.h"

#include "heap/figures.h"
#include "heap/scope.h"
#include "private/walk.h"
#include "shim/face.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)HEAP_NAME_MAX == (int)BARROW_HEAP_NAME_SIZE, "names are copied whole");

static int fail(int error)
{
    errno = error;
    return -1;
}

EXPORT void *barrow_heap_aligned_alloc(void *handle, size_t alignment, size_t size)
{
    struct private_heap *heap = private_heap_of(handle);
    if (heap == NULL || !is_power_of_two(alignment)) {
        fail(EINVAL);
        return NULL;
    }
    void *block = private_alloc(heap, alignment, size, 0);
    if (block == NULL)
        fail(ENOMEM);
    return block;
}

EXPORT int barrow_heap_set_limit(void *handle, size_t limit, barrow_limit_call *call, void *context)
{
    struct private_heap *heap = private_heap_of(handle);
    if (heap == NULL)
        return fail(EINVAL);
    if (is_malloc_heap(heap) || heap->kind == HEAP_MAPPED)
        return fail(ENOTSUP);
    atomic_store_explicit(&private_ask, scope_ask, memory_order_relaxed);
    private_set_limit(heap, limit, (struct private_asked){ call, context });
    return 0;
}

EXPORT int barrow_heap_set_name(void *handle, const char *name)
{
    struct private_heap *heap = private_heap_of(handle);
    size_t length = name != NULL ? strlen(name) : 0;
    if (heap == NULL)
        return fail(EINVAL);
    if (length >= sizeof heap->name)
        return fail(ERANGE);
    os_lock(&heap->facts_lock);
    memset(heap->name, 0, sizeof heap->name);
    if (length != 0)
        memcpy(heap->name, name, length);
    os_unlock(&heap->facts_lock);
    return 0;
}

/* ---- figures ------------------------------------------------------------------------------ */

static uint64_t flags_of(const struct private_heap *heap)
{
    bool serialized = heap->kind == HEAP_SHARED || heap->serialized;
    return (serialized ? BARROW_HEAP_SERIALIZED : 0) |
           (heap->maximum != 0 ? BARROW_HEAP_BOUNDED : 0) |
           (heap->executable ? BARROW_HEAP_EXECUTABLE : 0) |
           (is_malloc_heap(heap) ? BARROW_HEAP_PROCESS : 0);
}

enum known heaps_known(const struct private_heap *heap)
{
    return heap->kind == HEAP_SHARED || heap->serialized ? KNOWN_ALL
           : heap->kind == HEAP_OWNED                    ? KNOWN_TOTALS
                                                         : KNOWN_LIMITS;
}

static void add_name(struct private_heap *heap, struct barrow_heap_stats *stats)
{
    os_lock(&heap->facts_lock);
    memcpy(stats->name, heap->name, sizeof stats->name);
    os_unlock(&heap->facts_lock);
}

static void add_malloc(struct barrow_heap_stats *stats)
{
    struct barrow_stats malloc = { .size = sizeof malloc };
    heap_figures(&malloc);
    stats->live_blocks += malloc.live_blocks;
    stats->live_bytes += malloc.live_bytes;
    stats->committed = malloc.committed;
    stats->committed_peak = malloc.committed_peak;
    stats->reserved = malloc.reserved;
    stats->limit = malloc.commit_limit;
}

void heaps_figures(struct private_heap *heap, enum known known, struct barrow_heap_stats *stats)
{
    struct private_figures figures = { 0 };
    if (known == KNOWN_ALL)
        private_figures(heap, &figures);
    else if (known == KNOWN_TOTALS)
        private_totals(heap, &figures);
    *stats = (struct barrow_heap_stats){
        .size = stats->size,
        .flags = flags_of(heap),
        .live_blocks = figures.blocks,
        .live_bytes = figures.bytes,
        .committed = figures.committed,
        .committed_peak = figures.committed_peak,
        .reserved = known == KNOWN_LIMITS ? heap->maximum : figures.reserved,
        .maximum = heap->maximum,
        .limit = atomic_load_explicit(&heap->limit, memory_order_relaxed),
        .refused = atomic_load_explicit(&heap->refused, memory_order_relaxed),
    };
    add_name(heap, stats);
    if (is_malloc_heap(heap))
        add_malloc(stats);
}

EXPORT int barrow_heap_stats_get(void *handle, struct barrow_heap_stats *stats)
{
    struct private_heap *heap = private_heap_of(handle);
    if (heap == NULL || stats == NULL || stats->size == 0)
        return fail(EINVAL);
    struct barrow_heap_stats all;
    private_lock(heap);
    heaps_figures(heap, KNOWN_ALL, &all);
    private_unlock(heap);
    all.size = stats->size < sizeof all ? stats->size : sizeof all;
    memcpy(stats, &all, all.size);
    return 0;
}
