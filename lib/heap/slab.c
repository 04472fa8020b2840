/* SPDX-License-Identifier: MIT */
/* Blocks of one size are taken out of slabs and given back. A theap's slabs of a class stand in
 * groups by how full they are, and blocks are taken from the fullest that has any, so that the
 * others become empty; `least` tells each of them when it has to change its group. How a slab is
 * cut: slab_unit.h. */
#include "heap/slab.h"

#include "heap/bad_pointer.h"
#include "heap/slab_unit.h"
#include "region/region.h"

enum {
    /* classes above a long block's own that may lend it one; half as much again */
    BORROW_STEPS = 4,
    WAKE_SHIFT = 5,     /* a full slab is taken from again when 1/32 of it is free */
    AHEAD_UNITS = 4,    /* had at once, see populate_ahead ... */
    AHEAD_BLOCK = 2048, /* ... for blocks up to this */
    AHEAD_SLABS = 4     /* ... once so many slabs are full */
};

/* ---- groups ------------------------------------------------------------------------------- */

/* The fewest blocks in use with which a slab stays in a group. */
static uint32_t least_of(enum group group, uint32_t capacity)
{
    switch (group) {
    case GROUP_FULL:
        return capacity;
    case GROUP_NEARLY:
        return capacity - (capacity >> WAKE_SHIFT) + (capacity >> WAKE_SHIFT != 0);
    case GROUP_MOST:
        return (capacity * 3 + 3) / 4;
    case GROUP_SOME:
        return (capacity + 3) / 4;
    default:
        return group == GROUP_FEW;
    }
}

/* The next drop below it is seen by slab_give, at no cost to the others. */
static void set_least(struct span *slab, enum group group)
{
    uint32_t least = least_of(group, size_class_capacity(slab->size_class));
    slab->least = (uint16_t)(least > slab->search_at ? least : slab->search_at);
}

/* The number of blocks in use below which the next search is worth its time: half of the present one,
 * for few pages of a slab that is half full are free, unless blocks were freed in order. The last few
 * blocks hold a page each. */
static uint16_t next_search(uint32_t used)
{
    enum { FEW = 4 };
    return (uint16_t)(used <= FEW ? used : (used + 1) / 2);
}

static void link_slab(struct theap *theap, struct span *slab, enum group group)
{
    uint32_t index = span_index(slab);
    uint32_t *list = &theap->groups[slab->size_class][group];
    slab->group = (uint8_t)group;
    set_least(slab, group);
    slab->prev = 0;
    slab->next = *list;
    if (*list != 0)
        span_at(*list)->prev = index;
    *list = index;
}

static void unlink_slab(struct theap *theap, struct span *slab)
{
    if (slab->next != 0)
        span_at(slab->next)->prev = slab->prev;
    if (slab->prev != 0)
        span_at(slab->prev)->next = slab->next;
    else
        theap->groups[slab->size_class][slab->group] = slab->next;
}

static enum group group_of(const struct span *slab)
{
    uint32_t capacity = size_class_capacity(slab->size_class);
    uint32_t available = capacity - slab->used;
    if (available == 0)
        return GROUP_FULL;
    if (slab->group <= GROUP_NEARLY && available < capacity >> WAKE_SHIFT)
        return GROUP_NEARLY;
    if (slab->used == 0)
        return GROUP_EMPTY;
    uint32_t quarter = slab->used * 4 / capacity;
    return quarter >= 3 ? GROUP_MOST : quarter >= 1 ? GROUP_SOME : GROUP_FEW;
}

static void regroup(struct theap *theap, struct span *slab)
{
    enum group group = group_of(slab);
    if (group == slab->group)
        return;
    if (group < slab->group) /* fuller than before */
        slab->search_at = next_search(slab->used);
    unlink_slab(theap, slab);
    link_slab(theap, slab, group);
}

/* ---- life --------------------------------------------------------------------------------- */

static void set_tags(const struct span *slab, uint32_t tag)
{
    uint32_t index = span_index(slab);
    for (uint32_t i = 0; i < slab->granules; i++) {
        span_set(&span_at(index + i)->head, index);
        reach_set(index + i, 0); /* no block is in circulation, before or after */
        tag_set(index + i, tag);
    }
}

/* How many blocks are in circulation from the granule's start on; 0 if there are others. */
static uint32_t leading_blocks(const struct span *slab, uint64_t starts, unsigned granule)
{
    unsigned units = 1U << (GRANULE_SHIFT - unit_shift(slab)), first = granule * units;
    uint64_t here = unit_bits(first, units) & starts, holes = slab->holes & here;
    if (holes == 0)
        return size_class_starts(slab->size_class);
    unsigned hole = lowest_bit(holes);
    if ((here & ~slab->holes) >> hole != 0)
        return 0;
    size_t bytes = (size_t)(hole - first) << unit_shift(slab);
    size_t size = size_class_bytes(slab->size_class);
    return (uint32_t)((bytes + size - 1) / size);
}

void slab_set_reach(struct span *slab)
{
    if (size_class_is_long(slab->size_class))
        return; /* it remains 0 */
    uint64_t starts = all_holes(slab);
    for (uint32_t i = 0; i < slab->granules; i++)
        reach_set(span_index(slab) + i,
                  size_class_reach(slab->size_class, leading_blocks(slab, starts, i)));
}

/* Of the units that are no holes. */
static size_t cut_bytes(const struct span *slab)
{
    uint64_t units = all_holes(slab) & ~slab->holes;
    return (size_t)bits_set(units) * unit_bytes(slab);
}

static struct span *make_slab(struct theap *theap, unsigned size_class)
{
    bool zero;
    struct span *slab = region_alloc(size_class_granules(size_class), 1, 0, SPAN_SLAB, &zero);
    if (slab == NULL)
        return NULL;
    slab->size_class = (uint8_t)size_class;
    span_set(&slab->owner, theap_number(theap));
    slab->zero_holes = zero;
    set_holes(slab, all_holes(slab));
    region_account_hollow(slab, (ptrdiff_t)span_bytes(slab));
    set_tags(slab, theap_tag(theap, size_class));
    link_slab(theap, slab, GROUP_EMPTY);
    return slab;
}

void slab_free(struct theap *theap, struct span *slab)
{
    unlink_slab(theap, slab);
    set_tags(slab, 0);
    size_t listed = slab->free_count * size_class_bytes(slab->size_class);
    ASSERT(slab->used == 0);
    theap->circulating -= listed;
    theap->listed -= listed;
    region_account_hollow(slab, (ptrdiff_t)cut_bytes(slab) - (ptrdiff_t)span_bytes(slab));
    span_set_kind(slab, SPAN_NONE); /* nobody must take it for a slab */
    slab->next = theap->emptied;
    theap->emptied = span_index(slab);
}

/* ---- take --------------------------------------------------------------------------------- */

static struct block *block_number(const struct span *slab, uint32_t i)
{
    size_t size = size_class_bytes(slab->size_class);
    return (struct block *)(void *)(span_start(slab) + i * size);
}

void slab_push_listed(struct span *slab, struct block *block)
{
    block_list(block, slab->free);
    slab->free = block;
    slab->free_count++;
}

/* Puts the blocks that start in the lowest hole into circulation: the first ones into the chain,
 * those that are not wanted on the slab's list, which is empty. */
static struct chain cut_hole(struct theap *theap, struct span *slab, uint32_t wanted)
{
    size_t size = size_class_bytes(slab->size_class), unit = unit_bytes(slab);
    uint32_t capacity = size_class_capacity(slab->size_class);
    unsigned hole = lowest_bit(slab->holes);
    uint32_t first = (uint32_t)((hole * unit + size - 1) / size);
    uint32_t end = (uint32_t)(((hole + 1) * unit + size - 1) / size);
    end = end < capacity ? end : capacity;
    ASSERT(slab->free == NULL && first < end);

    struct chain chain = { NULL, NULL, 0 };
    uint32_t taken = first + (wanted < end - first ? wanted : end - first);
    for (uint32_t i = end; i-- > taken;)
        slab_push_listed(slab, block_number(slab, i));
    for (uint32_t i = taken; i-- > first;)
        chain_push(&chain, block_number(slab, i));
    set_holes(slab, slab->holes & (slab->holes - 1));
    slab_set_reach(slab);
    slab->used += chain.count;
    theap->circulating += (end - first) * size;
    region_account_hollow(slab, -(ptrdiff_t)unit);
    theap->listed += slab->free_count * size;
    allowance_wanted(&theap->allowance, unit);
    return chain;
}

/* Moves as many blocks as are wanted, or as there are, from the slab's list to the chain's end. */
static void take_listed(struct theap *theap, struct span *slab, struct chain *chain,
                        uint32_t wanted)
{
    uint32_t count = slab->free_count < wanted ? slab->free_count : wanted;
    struct block *block = slab->free;
    for (uint32_t i = 0; i < count; i++) {
        struct block *next = block_listed_next(block);
        chain_append(chain, block);
        block = next;
    }
    slab->free = block;
    slab->free_count -= count;
    slab->used += count;
    theap->listed -= count * size_class_bytes(slab->size_class);
    allowance_reused(&theap->allowance, theap->listed);
}

static struct span *fullest(struct theap *theap, unsigned size_class)
{
    for (int group = GROUP_MOST; group <= GROUP_EMPTY; group++)
        if (theap->groups[size_class][group] != 0)
            return span_at(theap->groups[size_class][group]);
    return NULL;
}

/* Memory is short: a slab with a few free blocks, not worth taking from otherwise. */
static struct span *nearly_full(struct theap *theap, unsigned size_class)
{
    uint32_t slab = theap->groups[size_class][GROUP_NEARLY];
    return slab != 0 ? span_at(slab) : NULL;
}

/* Whether the program has come to need many blocks of the class. */
static bool has_grown(const struct theap *theap, unsigned size_class)
{
    uint32_t slab = theap->groups[size_class][GROUP_FULL];
    for (int i = 1; i < AHEAD_SLABS && slab != 0; i++)
        slab = span_at(slab)->next;
    return slab != 0;
}

/* Several pages at once come in two thirds of the time that a fault for each takes. They come a
 * little early, not in addition: the heads of blocks this small are written to in every page. */
static void populate_ahead(const struct theap *theap, const struct span *slab)
{
    unsigned hole = lowest_bit(slab->holes);
    uint64_t ahead = ((1ULL << AHEAD_UNITS) - 1) << hole;
    if (hole % AHEAD_UNITS != 0 || (slab->holes & ahead) != ahead ||
        size_class_bytes(slab->size_class) > AHEAD_BLOCK || os_page_size() > unit_bytes(slab) ||
        !has_grown(theap, slab->size_class))
        return;
    os_populate(span_start(slab) + hole * unit_bytes(slab), AHEAD_UNITS * unit_bytes(slab));
}

/* Cuts one unit only: cutting writes into the memory, which may not be needed yet. */
static struct chain take_from_hole(struct theap *theap, struct span *slab, uint32_t wanted)
{
    populate_ahead(theap, slab);
    struct chain cut = cut_hole(theap, slab, wanted);
    regroup(theap, slab);
    return cut;
}

static bool has_listed(struct theap *theap, unsigned size_class)
{
    const struct span *slab = fullest(theap, size_class);
    return slab != NULL && slab->free != NULL;
}

/* What all blocks of a class are aligned to. */
static size_t alignment(unsigned size_class)
{
    size_t size = size_class_bytes(size_class);
    return size & -size;
}

/* Behind the last class that may lend a block to this one. */
static unsigned lenders_end(unsigned size_class)
{
    unsigned end = size_class + BORROW_STEPS + 1;
    return end < SIZE_CLASSES ? end : SIZE_CLASSES;
}

unsigned slab_lender(struct theap *theap, unsigned size_class)
{
    for (unsigned lender = size_class; lender < lenders_end(size_class); lender++)
        if (has_listed(theap, lender) && alignment(lender) >= alignment(size_class))
            return lender;
    return size_class;
}

bool slab_may_serve(unsigned size_class, size_t bytes)
{
    size_t own = size_class_bytes(size_class);
    if (own <= SMALL_MAX)
        return bytes == own;
    return bytes >= own && bytes <= size_class_bytes(lenders_end(size_class) - 1);
}

struct chain slab_take(struct theap *theap, unsigned size_class, uint32_t wanted, bool *zero)
{
    struct chain chain = { NULL, NULL, 0 };
    struct span *slab = NULL;
    while (chain.count < wanted && (slab = fullest(theap, size_class)) != NULL &&
           slab->free != NULL) {
        take_listed(theap, slab, &chain, wanted - chain.count);
        regroup(theap, slab);
    }
    if (chain.count > 0)
        return chain;
    if (slab == NULL)
        slab = make_slab(theap, size_class);
    if (slab == NULL && (slab = nearly_full(theap, size_class)) == NULL)
        return chain;
    if (slab->free != NULL) {
        take_listed(theap, slab, &chain, wanted);
        regroup(theap, slab);
        return chain;
    }
    *zero = slab->zero_holes && wanted == 1;
    return take_from_hole(theap, slab, wanted);
}

/* ---- give --------------------------------------------------------------------------------- */

static bool others_can_serve(const struct theap *theap, const struct span *slab)
{
    const uint32_t *groups = theap->groups[slab->size_class];
    return groups[GROUP_MOST] | groups[GROUP_SOME] | groups[GROUP_FEW] | slab->next | slab->prev;
}

void slab_pin(struct theap *theap, struct span *slab)
{
    ASSERT(slab->group != GROUPS);
    unlink_slab(theap, slab);
    slab->group = GROUPS;
    slab->used++;
    slab->least = 0;
    slab->next = theap->due;
    theap->due = span_index(slab);
    theap->pinned++;
}

/* More is free in slabs than the allowance. */
static bool is_too_much_free(const struct theap *theap)
{
    size_t live = theap->circulating - theap->listed;
    return theap->listed > allowance_limit(&theap->allowance, live);
}

/* The slab has become too empty for its group, or is due for a search. */
static NOINLINE void look_at(struct theap *theap, struct span *slab)
{
    bool due = slab->used < slab->search_at;
    if (due)
        slab->search_at = next_search(slab->used);
    regroup(theap, slab);
    if (slab->used == 0 && others_can_serve(theap, slab))
        slab_free(theap, slab);
    else if (due && is_too_much_free(theap))
        slab_pin(theap, slab);
    else
        set_least(slab, (enum group)slab->group);
}

/* The slab that a block to be given back is one of. */
static struct span *slab_of_free(uint32_t owner, const struct block *block)
{
    size_t granule = granule_of(block);
    struct span *span;
    if (unlikely(!granule_has_tag(granule)) ||
        unlikely(tag_and_span(granule, &span) >> TAG_SHIFT != owner))
        bad_list(block);
    return likely(span->head == granule) ? span : span_at(span->head);
}

struct block *slab_cut(struct block *first, uint32_t count)
{
    struct block *last = first;
    while (--count > 0)
        last = block_next(last);
    struct block *rest = block_next(last);
    block_link(last, BLOCK_END);
    return rest;
}

void slab_give(struct theap *theap, struct block *block)
{
    ASSERT(block != NULL && os_lock_is_mine(&theap->lock));
    uint32_t owner = theap_number(theap);
    size_t bytes = 0, counted = 0; /* given; and of these, counted in `listed` */
    while (block != BLOCK_END) {
        struct block *next = block_next(block);
        struct span *slab = slab_of_free(owner, block);
        slab_push_listed(slab, block);
        /* relaxed: a hint for the search for holes, which looks again under the lock */
        atomic_store_explicit(&slab->stirred, true, memory_order_relaxed);
        bytes += bin_bytes(&theap->bins[slab->size_class]);
        if (unlikely(--slab->used < slab->least)) {
            theap->listed += bytes - counted;
            counted = bytes;
            look_at(theap, slab);
        }
        block = next;
    }
    theap->listed += bytes - counted;
    allowance_freed(&theap->allowance, bytes, theap->listed);
}

void slab_unpin(struct theap *theap, struct span *slab)
{
    slab->used--;
    theap->pinned--;
    if (slab->used < slab->search_at) /* blocks came back meanwhile */
        slab->search_at = next_search(slab->used);
    link_slab(theap, slab, group_of(slab));
    if (slab->used == 0)
        slab_free(theap, slab);
}

/* ---- repair -------------------------------------------------------------------------------- */

/* Lists the blocks that are free, by what they say themselves; all others count as in use. */
static void list_anew(struct span *slab)
{
    slab->free = NULL;
    slab->free_count = slab->used = 0;
    for (uint32_t i = size_class_capacity(slab->size_class); i-- > 0;) {
        struct block *block = block_number(slab, i);
        if (slab_is_in_hole(slab, block))
            continue;
        if (block_is_free(block))
            slab_push_listed(slab, block);
        else
            slab->used++;
    }
}

void slab_repair(struct theap *theap, struct span *slab)
{
    slab->zero_holes = false; /* one may have been cut in part */
    list_anew(slab);
    set_tags(slab, theap_tag(theap, slab->size_class));
    slab_set_reach(slab);
    slab->search_at = next_search(slab->used);
    slab->group = GROUP_FULL;
    link_slab(theap, slab, group_of(slab));
    theap->circulating += (slab->used + slab->free_count) * size_class_bytes(slab->size_class);
    theap->listed += slab->free_count * size_class_bytes(slab->size_class);
    if (slab->used == 0 && others_can_serve(theap, slab))
        slab_free(theap, slab);
}

void slab_abandon(struct span *slab)
{
    set_tags(slab, 0);
    region_free(slab);
}

/* ---- questions ---------------------------------------------------------------------------- */

struct block *slab_block_at(const struct span *slab, const void *address)
{
    size_t size = size_class_bytes(slab->size_class);
    size_t i = (size_t)((const char *)address - span_start(slab)) / size;
    if (i >= size_class_capacity(slab->size_class))
        return NULL;
    return (struct block *)(void *)(span_start(slab) + i * size);
}

bool slab_has_in_use(const struct span *slab, const void *address)
{
    return address == slab_block_at(slab, address) && !slab_is_in_hole(slab, address) &&
           !block_is_free(address);
}
