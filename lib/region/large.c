/* SPDX-License-Identifier: MIT */
#include "region/large.h"

#include "os/vm.h"
#include "region/region.h"

#include <stdatomic.h>
#include <string.h>

enum {
    ROOM_FACTOR = 1, /* room behind a block that has been seen to grow, in its own sizes */
    ROOM_LEAST = 4 * 1024 * 1024, /* below, room would cost more fresh memory than copying time */
    MOVE_LEAST = 512 * 1024       /* below, copying is cheaper than moving pages */
};

static inline void add(_Atomic size_t *counter, size_t n, bool single_writer)
{
    if (single_writer)
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                              memory_order_relaxed);
    else
        atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void count(struct large_account *account, size_t more_blocks, size_t more_bytes)
{
    add(&account->blocks, more_blocks, account->single_writer);
    add(&account->bytes, more_bytes, account->single_writer);
}

static size_t granules_for(size_t size)
{
    return size == 0 ? 1 : ((size - 1) >> GRANULE_SHIFT) + 1;
}

void *large_alloc(struct large_account *account, size_t align, size_t size, bool zero, bool growing)
{
    bool is_zero;
    size_t granules = granules_for(size);
    size_t unit = align <= GRANULE_SIZE ? 1 : align >> GRANULE_SHIFT;
    struct span *span =
        region_alloc(granules, unit, growing ? granules * ROOM_FACTOR : 0, SPAN_LARGE, &is_zero);
    if (span == NULL)
        return NULL;
    count(account, 1, span_bytes(span));
    if (zero && !is_zero) /* all that malloc_usable_size tells of */
        memset(span_start(span), 0, span_bytes(span));
    return span_start(span);
}

void large_free(struct large_account *account, struct span *span)
{
    size_t freed = span_bytes(span);
    count(account, (size_t)-1, -freed);
    region_free(span);
}

static void *alloc_copy(struct large_account *account, const struct span *span, size_t size)
{
    void *block = large_alloc(account, 1, size, false, false);
    return block == NULL ? NULL : memcpy(block, span_start(span), span_bytes(span));
}

static void *move(struct large_account *account, struct span *span, size_t size)
{
    size_t old = span_bytes(span);
    bool growing = span->grown && size >= ROOM_LEAST;
    char *block = large_alloc(account, 1, size, false, growing);
    if (block == NULL)
        return NULL;
    struct span *target = span_at(granule_of(block));
    target->grown = true;
    enum os_moved moved = old < MOVE_LEAST ? OS_NOT_MOVED : region_move(span, target, old);
    if (moved == OS_NOT_MOVED) {
        memcpy(block, span_start(span), old);
    } else if (moved == OS_TARGET_LOST) {
        count(account, (size_t)-1, -span_bytes(target));
        block = alloc_copy(account, span, size);
    }
    if (block != NULL)
        large_free(account, span);
    return block;
}

void *large_resize(struct large_account *account, struct span *span, size_t size, bool may_move)
{
    size_t granules = granules_for(size), before = span->granules;
    bool zero;
    if (region_is_interrupted())
        return NULL;
    if (granules > before && !region_grow(span, granules, &zero))
        return may_move ? move(account, span, size) : NULL;
    if (granules < before)
        region_shrink(span, granules);
    count(account, 0, (granules - before) << GRANULE_SHIFT);
    return span_start(span);
}
