/* SPDX-License-Identifier: MIT */
/* A slab is in one of three states, told apart by its `group`.
 *
 *   ACTIVE  its blocks are the class's list. It is never looked at: countdown starts above all
 *           frees that can come.
 *   FULL    no list, all cut. It is looked at when a sixteenth of its blocks are back.
 *   AVAIL   it is in its class's list of slabs. It is looked at when all its blocks are back.
 *
 * `out`, the blocks that are not on the slab's own list, is hidden + countdown: so a free counts
 * one field down and tests it for zero, and an allocation counts nothing. */
#include "private/pool.h"

#include "private/nursery.h"
#include "private/private_heap.h"
#include "region/region.h"

enum slab_state { ACTIVE, FULL, AVAIL };
enum { WAKE_SHIFT = 4, CUT_LEAST = 4 };

static unsigned class_of(const struct span *slab)
{
    return slab->size_class;
}

/* The magic number is the size's inverse, exact for what is cut of a granule. */
static uint32_t slab_cut(const struct span *slab)
{
    return slab->magic != 0 ? (uint32_t)((uint64_t)slab->cut_end * slab->magic >> 32)
                            : slab->cut_end / (slab->size_most + SIZE_WORD);
}

static uint32_t slab_out(const struct span *slab)
{
    return slab->hidden + slab->countdown;
}

/* ---- lists of slabs ----------------------------------------------------------------------- */

static void set_bit(uint64_t *map, unsigned i)
{
    map[i / 64] |= (uint64_t)1 << (i % 64);
}

static void clear_bit(uint64_t *map, unsigned i)
{
    map[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* The first bit from `from` on, or POOL_CLASSES. */
static unsigned next_bit(const uint64_t *map, unsigned from)
{
    for (unsigned word = from / 64; word < (POOL_CLASSES + 63) / 64; word++) {
        uint64_t bits = map[word];
        if (word == from / 64)
            bits &= ~(uint64_t)0 << (from % 64);
        if (bits != 0)
            return word * 64 + lowest_bit(bits);
    }
    return POOL_CLASSES;
}

static uint32_t *list_of(struct pool *pool, const struct span *slab)
{
    return slab->group == AVAIL ? &pool->avail[class_of(slab)] : &pool->busy;
}

static void link_slab(struct pool *pool, struct span *slab, enum slab_state state)
{
    slab->group = (uint8_t)state;
    uint32_t *list = list_of(pool, slab), index = span_index(slab);
    slab->prev = 0;
    slab->next = *list;
    if (*list != 0)
        span_at(*list)->prev = index;
    *list = index;
    if (state == AVAIL)
        set_bit(pool->avail_map, class_of(slab));
}

static void unlink_slab(struct pool *pool, struct span *slab)
{
    uint32_t *list = list_of(pool, slab);
    if (slab->next != 0)
        span_at(slab->next)->prev = slab->prev;
    if (slab->prev != 0)
        span_at(slab->prev)->next = slab->next;
    else
        *list = slab->next;
    if (slab->group == AVAIL && *list == 0)
        clear_bit(pool->avail_map, class_of(slab));
}

struct span *pool_next_slab(const struct pool *pool, const struct span *slab)
{
    unsigned from = 0;
    if (slab == NULL && pool->busy != 0)
        return span_at(pool->busy);
    if (slab != NULL && slab->next != 0)
        return span_at(slab->next);
    if (slab != NULL && slab->group == AVAIL)
        from = class_of(slab) + 1;
    unsigned next = next_bit(pool->avail_map, from);
    return next < POOL_CLASSES ? span_at(pool->avail[next]) : NULL;
}

/* ---- life of a slab ----------------------------------------------------------------------- */

static struct span *make_slab(struct pool *pool, unsigned size_class)
{
    bool zero;
    unsigned granules = pool_class_granules(size_class);
    size_t bytes = (size_t)granules << GRANULE_SHIFT;
    if (!private_heap_charge(pool->heap, bytes))
        return NULL;
    struct span *slab = region_alloc(granules, 1, 0, SPAN_POOL, &zero);
    if (slab == NULL) {
        private_heap_discharge(pool->heap, bytes);
        return NULL;
    }
    slab->size_class = (uint8_t)size_class;
    if (size_class != 0)
        slab->size_most = (uint32_t)(pool_class_bytes(size_class) - SIZE_WORD);
    span_set(&slab->magic, pool_class_magic(size_class));
    for (uint32_t i = 0; i < granules; i++)
        span_set(&span_at(span_index(slab) + i)->head, span_index(slab));
    span_set_pool(slab, pool);
    return slab;
}

static void give_slab(struct span *slab)
{
    if (slab->magic != 0)
        granule_pool_set(span_index(slab), NULL);
    slab->last = 0;
    region_free(slab);
}

/* Memory that goes back holds no link and no mark. A nursery sees to that itself. */
static void free_slab(struct pool *pool, struct span *slab)
{
    size_t bytes = span_bytes(slab);
    unlink_slab(pool, slab);
    freed_wipe_list(slab->free);
    give_slab(slab);
    private_heap_discharge(pool->heap, bytes);
}

uint32_t pool_make_nursery(struct pool *pool)
{
    struct span *slab = make_slab(pool, 0);
    if (slab == NULL)
        return 0;
    link_slab(pool, slab, FULL);
    return span_index(slab);
}

static void activate(struct pool *pool, struct span *slab)
{
    unsigned size_class = class_of(slab);
    link_slab(pool, slab, ACTIVE);
    slab->hidden = (uint32_t)-1;
    slab->countdown = slab_cut(slab) + 1;
    pool->active[size_class] = span_index(slab);
    set_bit(pool->active_map, size_class);
    pool->lists[size_class] = slab->free;
    slab->free = NULL;
}

static void make_available(struct pool *pool, struct span *slab, uint32_t out)
{
    link_slab(pool, slab, AVAIL);
    slab->hidden = 0;
    slab->countdown = out;
}

/* The slab in use has no free block left. */
static void retire(struct pool *pool, struct span *slab)
{
    unsigned size_class = class_of(slab);
    uint32_t out = slab_out(slab), wake = (out >> WAKE_SHIFT) + 1;
    slab->group = FULL;
    slab->countdown = wake;
    slab->hidden = out - wake;
    pool->active[size_class] = 0;
    clear_bit(pool->active_map, size_class);
}

/* All blocks are back. One such slab of a class is kept for its next block. */
static void free_if_spare(struct pool *pool, struct span *slab)
{
    if (slab->prev != 0 || slab->next != 0)
        free_slab(pool, slab);
}

int pool_slab_rests(struct pool *pool, struct span *slab)
{
    if (slab->group == FULL) {
        uint32_t out = slab_out(slab);
        unlink_slab(pool, slab);
        make_available(pool, slab, out);
    }
    if (slab->countdown == 0)
        free_if_spare(pool, slab);
    return 1;
}

/* ---- allocate ----------------------------------------------------------------------------- */

/* The program's block, which notes the size asked for. */
ALWAYS_INLINE void *hand_out(struct freed *block, unsigned size_class, size_t size)
{
    size_t most = pool_class_bytes(size_class) - SIZE_WORD;
    ASSERT(size <= most);
    *size_word(block, most) = (uint16_t)size;
    return block;
}

/* How many blocks are cut at once: as many again as the slab has, from CUT_LEAST to what a page
 * has, since cutting writes into memory that may not be needed yet. */
static uint32_t cut_count(uint32_t size, uint32_t cut)
{
    uint32_t most = size < POOL_CUT ? POOL_CUT / size : 1,
             count = cut < CUT_LEAST ? CUT_LEAST : cut;
    return count < most ? count : most;
}

/* Cuts some blocks more, in order of address. */
static struct freed *cut_blocks(struct span *slab)
{
    uint32_t size = slab->size_most + SIZE_WORD, cut = slab_cut(slab);
    uint32_t capacity = pool_class_capacity(class_of(slab));
    uint32_t count = cut_count(size, cut);
    count = count < capacity - cut ? count : capacity - cut;
    char *first = span_start(slab) + slab->cut_end, *end = first + count * size;
    struct freed *block = NULL;
    for (char *at = end - size; at >= first; at -= size) {
        freed_link((struct freed *)(void *)at, block);
        *size_word(at, slab->size_most) = SIZE_WORD_FREE;
        block = (struct freed *)(void *)at;
    }
    /* relaxed: for who asks about a wild address */
    span_set(&slab->cut_end, (uint32_t)(end - span_start(slab)));
    slab->last = slab->cut_end - size;
    if (slab->magic != 0) /* now there is a block */
        granule_pool_set(span_index(slab), slab->pool);
    slab->countdown += count;
    return block;
}

/* The class's list becomes what came back to the slab in use. While little of that is cut, rather
 * more is: a list of a few blocks would come here again at once. */
ALWAYS_INLINE bool exchange(struct pool *pool, unsigned size_class)
{
    uint32_t index = pool->active[size_class];
    struct span *slab = span_at(index);
    if (index == 0 || slab->free == NULL || slab->cut_end < POOL_CUT / 2)
        return false;
    pool->lists[size_class] = slab->free;
    slab->free = NULL;
    slab->countdown = slab_cut(slab) + 1;
    return true;
}

/* Fills the class's list from the slab in use, if that has anything. */
static bool refill_from_active(struct pool *pool, unsigned size_class)
{
    uint32_t index = pool->active[size_class];
    if (index == 0)
        return false;
    struct span *slab = span_at(index);
    if (exchange(pool, size_class))
        return true;
    if (slab_cut(slab) < pool_class_capacity(size_class)) {
        pool->lists[size_class] = cut_blocks(slab);
    } else {
        retire(pool, slab);
        return false;
    }
    return true;
}

/* It may turn out to have no free block, if it comes from pool_compact. */
static struct span *take_available(struct pool *pool, unsigned size_class)
{
    if (pool->avail[size_class] == 0)
        return NULL;
    struct span *slab = span_at(pool->avail[size_class]);
    unlink_slab(pool, slab);
    return slab;
}

static bool refill(struct pool *pool, unsigned size_class)
{
    while (!refill_from_active(pool, size_class)) {
        struct span *slab = take_available(pool, size_class);
        if (slab == NULL && (slab = make_slab(pool, size_class)) == NULL)
            return false;
        activate(pool, slab);
        if (pool->lists[size_class] != NULL)
            break;
    }
    return true;
}

/* The least class from the size's on whose blocks all lie at multiples of align, or none. No block
 * shorter than align is aligned to it; one of align bytes holds SIZE_WORD bytes less. */
static unsigned aligned_class(size_t align, size_t size)
{
    if (size > POOL_SIZE_MAX || align > POOL_SIZE_MAX + SIZE_WORD)
        return POOL_CLASSES;
    bool rounded = align > 16 && size < align - SIZE_WORD;
    unsigned size_class = pool_class(rounded ? align - SIZE_WORD : size);
    while (size_class < POOL_CLASSES && (pool_class_bytes(size_class) & (align - 1)) != 0)
        size_class++;
    return size_class;
}

void *pool_alloc(struct pool *pool, size_t align, size_t size)
{
    unsigned size_class = aligned_class(align, size);
    if (size_class >= POOL_CLASSES)
        return NULL;
    struct freed *block = NULL;
    bool aligned = align > 16;
    if (pool->lists[size_class] == NULL)
        pool_drain(pool);
    if (aligned)
        nursery_close(pool, size_class);
    if (pool->lists[size_class] == NULL) {
        block = aligned ? NULL : nursery_alloc(pool, size_class);
        if (block == NULL && !refill(pool, size_class))
            return NULL;
    }
    if (block == NULL)
        block = freed_take(&pool->lists[size_class]);
    return hand_out(block, size_class, size);
}

void *pool_alloc_dry(struct pool *pool, size_t size)
{
    if (unlikely(size > POOL_SIZE_MAX))
        return NULL;
    unsigned size_class = pool_class(size);
    struct freed *block = NULL;
    if (pool->lists[size_class] != NULL || exchange(pool, size_class))
        block = freed_take(&pool->lists[size_class]);
    else if ((block = nursery_alloc(pool, size_class)) == NULL)
        return pool_alloc(pool, 1, size);
    return hand_out(block, size_class, size);
}

/* ---- free --------------------------------------------------------------------------------- */

void pool_give(struct pool *pool, struct span *slab, struct freed *block)
{
    if (is_nursery(slab))
        nursery_give(pool, slab, block);
    else
        pool_put(pool, slab, block);
}

bool pool_free(struct pool *pool, struct span *slab, void *address)
{
    size_t bytes = pool_block_bytes(slab, (size_t)((char *)address - span_start(slab)));
    uint16_t *word = size_word(address, bytes - SIZE_WORD);
    if (bytes == 0 || *word > bytes - SIZE_WORD)
        return false;
    *word = SIZE_WORD_FREE;
    pool_give(pool, slab, address);
    return true;
}

/* ---- frees by others ---------------------------------------------------------------------- */

void pool_post(struct pool *owner, struct freed *block)
{
    struct freed *head = atomic_load_explicit(&owner->inbox, memory_order_relaxed);
    do
        freed_link(block, head);
    /* release: pairs with the acquire in pool_drain, which reads the link and the size word */
    while (!atomic_compare_exchange_weak_explicit(&owner->inbox, &head, block, memory_order_release,
                                                  memory_order_relaxed));
}

void pool_drain(struct pool *pool)
{
    if (atomic_load_explicit(&pool->inbox, memory_order_relaxed) == NULL)
        return;
    struct freed *block = atomic_exchange_explicit(&pool->inbox, NULL, memory_order_acquire);
    while (block != NULL) {
        struct freed *next = freed_next(block);
        pool_give(pool, span_at(span_at(granule_of(block))->head), block);
        block = next;
    }
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void return_list(struct pool *pool, unsigned size_class)
{
    struct span *slab = span_at(pool->active[size_class]);
    struct freed *block = pool->lists[size_class];
    while (block != NULL) {
        struct freed *next = freed_next(block);
        freed_link(block, slab->free);
        slab->free = block;
        slab->countdown--;
        block = next;
    }
    uint32_t out = slab_out(slab);
    pool->lists[size_class] = NULL;
    pool->active[size_class] = 0;
    clear_bit(pool->active_map, size_class);
    unlink_slab(pool, slab);
    make_available(pool, slab, out);
}

size_t pool_compact(struct pool *pool)
{
    size_t largest = 0;
    pool_drain(pool);
    for (unsigned i = next_bit(pool->active_map, 0); i < POOL_CLASSES;
         i = next_bit(pool->active_map, i + 1))
        return_list(pool, i);
    for (unsigned i = next_bit(pool->avail_map, 0); i < POOL_CLASSES;
         i = next_bit(pool->avail_map, i + 1))
        for (uint32_t at = pool->avail[i], next; at != 0; at = next) {
            struct span *slab = span_at(at);
            next = slab->next;
            if (slab->countdown == 0)
                free_slab(pool, slab);
            else
                largest = slab->size_most;
        }
    struct span *nursery = nursery_forget_empty(pool);
    if (nursery != NULL)
        free_slab(pool, nursery);
    return largest;
}

/* In the child of a fork: a list may be half changed. */
static void wipe_free_blocks(struct span *slab)
{
    size_t bytes = slab->size_most + SIZE_WORD;
    for (char *at = span_start(slab), *end = at + slab->cut_end; at < end; at += bytes)
        if (*size_word(at, slab->size_most) == SIZE_WORD_FREE)
            freed_wipe((struct freed *)(void *)at);
}

static void wipe_lists(struct pool *pool)
{
    pool_drain(pool);
    for (unsigned i = next_bit(pool->active_map, 0); i < POOL_CLASSES;
         i = next_bit(pool->active_map, i + 1))
        freed_wipe_list(pool->lists[i]);
    for (struct span *slab = pool_next_slab(pool, NULL); slab != NULL;
         slab = pool_next_slab(pool, slab))
        freed_wipe_list(slab->free);
}

void pool_release(struct pool *pool)
{
    if (!pool->torn)
        wipe_lists(pool);
    nursery_forget(pool);
    for (struct span *slab = pool_next_slab(pool, NULL), *next; slab != NULL; slab = next) {
        next = pool_next_slab(pool, slab);
        if (pool->torn && !is_nursery(slab))
            wipe_free_blocks(slab);
        give_slab(slab);
    }
}

size_t pool_block_bytes(const struct span *slab, size_t distance)
{
    size_t bytes = slab->size_most + SIZE_WORD;
    if (distance >= span_get(&slab->cut_end))
        return 0;
    if (is_nursery(slab))
        return nursery_block_bytes(slab, distance);
    return (uint32_t)distance % (uint32_t)bytes == 0 ? bytes : 0;
}

static size_t distance_in(const struct span *slab, const void *address)
{
    return (size_t)((const char *)address - span_start(slab));
}

size_t pool_block_most(const struct span *slab, const void *block)
{
    return pool_block_bytes(slab, distance_in(slab, block)) - SIZE_WORD;
}

size_t pool_block_size(const struct span *slab, const void *block)
{
    return *size_word((void *)(uintptr_t)block, pool_block_most(slab, block));
}

void *pool_block_at(const struct span *slab, const void *address)
{
    size_t bytes = pool_block_bytes(slab, distance_in(slab, address));
    if (bytes == 0 || pool_block_size(slab, address) > bytes - SIZE_WORD)
        return NULL;
    return (void *)(uintptr_t)address;
}
