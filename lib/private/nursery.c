/* SPDX-License-Identifier: MIT */
#include "private/nursery.h"

#include <string.h>

enum {
    GIVEN_BYTES = 8192, /* to a class, and ... */
    GIVEN_MOST = 250,   /* ... blocks */
    ONE_BY_ONE = 2,
    FREED_MOST = 16, /* blocks that came back: the class is in use enough for a slab */
    CLOSED = UINT8_MAX
};

size_t nursery_block_bytes(const struct span *slab, size_t distance)
{
    return distance % 16 == 0 ? pool_class_bytes(span_pool(slab)->nursery.map[distance / 16]) : 0;
}

static bool is_open(const struct pool *pool, unsigned size_class)
{
    return pool->nursery.given[size_class] != CLOSED && pool->active[size_class] == 0 &&
           pool->avail[size_class] == 0;
}

static COLD bool make(struct pool *pool)
{
    return pool->nursery.map != NULL && (pool->nursery.slab = pool_make_nursery(pool)) != 0;
}

/* One by one at first, then as many as were given so far: so that neither a heap of few blocks
 * takes more memory than it needs, nor one of many comes here for each. */
ALWAYS_INLINE unsigned count_to_cut(unsigned given, size_t bytes, size_t room)
{
    unsigned count = given < ONE_BY_ONE ? 1 : given;
    if ((given + count) * bytes > GIVEN_BYTES || given + count > GIVEN_MOST)
        return 0;
    return count * bytes <= room ? count : bytes <= room ? 1 : 0;
}

static struct freed *cut(struct pool *pool, struct span *slab, unsigned size_class, unsigned count)
{
    size_t bytes = size_class * 16, at = slab->cut_end, end = at + count * bytes;
    struct freed *first = (struct freed *)(void *)(span_start(slab) + at), *rest = NULL;
    pool->nursery.map[at / 16] = (uint8_t)size_class;
    for (at = end - bytes; at > slab->cut_end; at -= bytes) {
        struct freed *block = (struct freed *)(void *)(span_start(slab) + at);
        pool->nursery.map[at / 16] = (uint8_t)size_class;
        freed_link(block, rest);
        *size_word(block, bytes - SIZE_WORD) = SIZE_WORD_FREE;
        rest = block;
    }
    pool->lists[size_class] = rest;
    span_set(&slab->cut_end, (uint32_t)end);
    return first;
}

static struct freed *take(struct pool *pool, unsigned size_class)
{
    struct nursery *nursery = &pool->nursery;
    if (!is_open(pool, size_class) || (unlikely(nursery->slab == 0) && !make(pool)))
        return NULL;
    struct span *slab = span_at(nursery->slab);
    unsigned given = nursery->given[size_class];
    unsigned count = count_to_cut(given, size_class * 16, GRANULE_SIZE - slab->cut_end);
    if (count == 0)
        return NULL;
    nursery->given[size_class] = (uint8_t)(given + count);
    return cut(pool, slab, size_class, count);
}

struct freed *nursery_alloc(struct pool *pool, unsigned size_class)
{
    return size_class <= POOL_EVEN ? take(pool, size_class) : NULL;
}

/* The list's blocks rest until the whole is empty; they go back as blocks in use do, with no link of ours. */
static void drop_list(struct pool *pool, unsigned size_class)
{
    if (pool->active[size_class] != 0)
        return;
    freed_wipe_list(pool->lists[size_class]);
    pool->lists[size_class] = NULL;
}

void nursery_close(struct pool *pool, unsigned size_class)
{
    if (size_class > POOL_EVEN)
        return;
    pool->nursery.given[size_class] = CLOSED;
    drop_list(pool, size_class);
}

/* While the class has no slab its list has blocks of the nursery alone. Blocks of a class that is
 * past the nursery rest until the whole is empty. */
void nursery_give(struct pool *pool, struct span *slab, struct freed *block)
{
    struct nursery *nursery = &pool->nursery;
    size_t distance = (size_t)((char *)block - span_start(slab));
    unsigned size_class = nursery->map[distance / 16];
    if (pool->active[size_class] != 0 || nursery->given[size_class] == CLOSED) {
        freed_wipe(block); /* it may come from the inbox */
        return;
    }
    if (++nursery->freed[size_class] >= FREED_MOST)
        nursery->given[size_class] = CLOSED;
    freed_link(block, pool->lists[size_class]);
    pool->lists[size_class] = block;
}

static bool is_busy(const struct span *slab, size_t at, size_t bytes)
{
    return *size_word(span_start(slab) + at, bytes - SIZE_WORD) != SIZE_WORD_FREE;
}

unsigned nursery_busy(const struct span *slab, unsigned size_class)
{
    unsigned busy = 0;
    for (size_t at = 0, bytes; at < slab->cut_end; at += bytes) {
        bytes = nursery_block_bytes(slab, at);
        busy += bytes == pool_class_bytes(size_class) && is_busy(slab, at, bytes);
    }
    return busy;
}

static bool list_is_sound(const struct pool *pool, const struct span *slab, unsigned size_class)
{
    unsigned count = 0;
    for (const struct freed *block = pool->lists[size_class]; block != NULL; block = block->next) {
        size_t at = (size_t)((const char *)block - span_start(slab));
        if (at >= slab->cut_end || at % 16 != 0 || pool->nursery.map[at / 16] != size_class ||
            is_busy(slab, at, size_class * 16) || !freed_is_linked(block) || ++count > GIVEN_MOST)
            return false;
    }
    return true;
}

bool nursery_validate(const struct pool *pool)
{
    for (unsigned size_class = 1; size_class <= POOL_EVEN; size_class++)
        if (pool->active[size_class] == 0 && pool->lists[size_class] != NULL &&
            (pool->nursery.slab == 0 ||
             !list_is_sound(pool, span_at(pool->nursery.slab), size_class)))
            return false;
    return true;
}

static bool is_empty(const struct span *slab)
{
    for (size_t at = 0, bytes; at < slab->cut_end; at += bytes) {
        bytes = nursery_block_bytes(slab, at);
        if (is_busy(slab, at, bytes))
            return false;
    }
    return true;
}

struct span *nursery_forget_empty(struct pool *pool)
{
    struct span *slab = pool->nursery.slab != 0 ? span_at(pool->nursery.slab) : NULL;
    if (slab == NULL || !is_empty(slab))
        return NULL;
    nursery_forget(pool);
    return slab;
}

/* In the child of a fork a list may be half changed. */
static void wipe_free_blocks(struct span *slab)
{
    for (size_t at = 0, bytes; at < slab->cut_end; at += bytes) {
        bytes = nursery_block_bytes(slab, at);
        if (!is_busy(slab, at, bytes))
            freed_wipe((struct freed *)(void *)(span_start(slab) + at));
    }
}

static void drop_lists(struct pool *pool)
{
    for (unsigned size_class = 1; size_class <= POOL_EVEN; size_class++)
        if (pool->lists[size_class] != NULL)
            drop_list(pool, size_class);
}

void nursery_forget(struct pool *pool)
{
    struct nursery *nursery = &pool->nursery;
    if (nursery->slab != 0) {
        if (pool->torn)
            wipe_free_blocks(span_at(nursery->slab));
        else
            drop_lists(pool);
        memset(nursery->map, 0, span_at(nursery->slab)->cut_end / 16);
    }
    *nursery = (struct nursery){ .map = nursery->map };
}
