/* SPDX-License-Identifier: MIT */
#include "heap/large.h"

#include "heap/purge.h"
#include "os/vm.h"
#include "region/region.h"

#include <stdatomic.h>
#include <string.h>

enum {
    ROOM_FACTOR = 3, /* room behind a block that has been seen to grow, in its own sizes */
    ROOM_LEAST = 4 * 1024 * 1024, /* below, room would cost more fresh memory than copying time */
    MOVE_LEAST = 512 * 1024,      /* below, copying is cheaper than moving pages */
    POKE_LEAST = 1024 * 1024      /* freed bytes that the purge is told of at once */
};

/* relaxed: figures */
static _Atomic size_t blocks, bytes;

static void count(size_t more_blocks, size_t more_bytes)
{
    atomic_fetch_add_explicit(&blocks, more_blocks, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes, more_bytes, memory_order_relaxed);
}

size_t large_blocks(void)
{
    return atomic_load_explicit(&blocks, memory_order_relaxed);
}

size_t large_bytes(void)
{
    return atomic_load_explicit(&bytes, memory_order_relaxed);
}

static size_t granules_for(size_t size)
{
    return size == 0 ? 1 : ((size - 1) >> GRANULE_SHIFT) + 1;
}

void *large_alloc(size_t align, size_t size, bool zero, bool growing)
{
    bool is_zero;
    size_t granules = granules_for(size);
    size_t unit = align <= GRANULE_SIZE ? 1 : align >> GRANULE_SHIFT;
    if (region_is_interrupted())
        return NULL;
    struct span *span =
        region_alloc(granules, unit, growing ? granules * ROOM_FACTOR : 0, SPAN_LARGE, &is_zero);
    if (span == NULL)
        return NULL;
    count(1, span_bytes(span));
    if (zero && !is_zero)
        memset(span_start(span), 0, size);
    return span_start(span);
}

void large_free(struct span *span)
{
    size_t freed = span_bytes(span);
    count((size_t)-1, -freed);
    region_free(span);
    if (freed >= POKE_LEAST || region_dirty() >= POKE_LEAST)
        purge_poke();
}

static void *alloc_copy(const struct span *span, size_t size)
{
    void *block = large_alloc(1, size, false, false);
    return block == NULL ? NULL : memcpy(block, span_start(span), span_bytes(span));
}

static void *move(struct span *span, size_t size)
{
    size_t old = span_bytes(span);
    bool growing = span->grown && size >= ROOM_LEAST;
    char *block = large_alloc(1, size, false, growing);
    if (block == NULL)
        return NULL;
    struct span *target = span_at(granule_of(block));
    target->grown = true;
    enum os_moved moved = old < MOVE_LEAST ? OS_NOT_MOVED : region_move(span, target, old);
    if (moved == OS_NOT_MOVED) {
        memcpy(block, span_start(span), old);
    } else if (moved == OS_TARGET_LOST) {
        count((size_t)-1, -span_bytes(target));
        block = alloc_copy(span, size);
    }
    if (block != NULL)
        large_free(span);
    return block;
}

void *large_resize(struct span *span, size_t size)
{
    size_t granules = granules_for(size), before = span->granules;
    bool zero;
    if (region_is_interrupted())
        return NULL;
    if (granules > before && !region_grow(span, granules, &zero))
        return move(span, size);
    if (granules < before)
        region_shrink(span, granules);
    count(0, (granules - before) << GRANULE_SHIFT);
    return span_start(span);
}
