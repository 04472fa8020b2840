/* SPDX-License-Identifier: MIT */
/* Blocks of one size are taken out of slabs and given back. A theap's slabs of a class stand in
 * groups by how full they are, and blocks are taken from the fullest that has any, so that the
 * others become empty; `least` tells each of them when it has to change its group. How a slab is
 * cut: slab_unit.h. */
#include "heap/slab.h"

#include "heap/bad_pointer.h"
#include "heap/slab_unit.h"
#include "heap/theap_medium.h"
#include "region/region.h"

#include <string.h>

enum {
    WAKE_SHIFT = 5, /* a full slab is taken from again when 1/32 of it is free */
    AHEAD_PART = 8, /* of the blocks that a bin may hold; so many are cut at once, or ... */
    AHEAD_SLABS = 8 /* ... the same part of those in full slabs, of which so many count */
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
    uint32_t least = least_of(group, slab_capacity(slab));
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
    uint32_t capacity = slab_capacity(slab);
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

/* ---- blocks ------------------------------------------------------------------------------- */

/* The numbers of blocks: [first, end). */
struct blocks {
    uint32_t first, end;
};

/* Those that start in `count` units from that one on. */
static struct blocks blocks_in(const struct span *slab, unsigned unit, unsigned count)
{
    uint32_t size = (uint32_t)size_class_bytes(slab->size_class), shift = unit_shift(slab);
    uint32_t capacity = slab_capacity(slab);
    uint32_t end = (((unit + count) << shift) + size - 1) / size;
    return (struct blocks){ ((unit << shift) + size - 1) / size, end < capacity ? end : capacity };
}

/* How many units from the lowest on are all there. */
static unsigned run_of(uint64_t units)
{
    uint64_t others = ~(units >> lowest_bit(units));
    return others == 0 ? UNITS_MOST : lowest_bit(others);
}

/* ---- life --------------------------------------------------------------------------------- */

/* Before the slab's first block is in circulation, and when none is any more. */
static void set_tags(const struct span *slab, uint32_t tag)
{
    uint32_t index = span_index(slab);
    const char *none = span_start(slab) - size_class_bytes(slab->size_class);
    for (uint32_t i = index; i < index + slab->granules; i++) {
        span_set(&span_at(i)->head, index);
        last_set(i, none);
        tag_set(i, tag);
    }
}

/* Up to which block of the slab all that start in the granule are in circulation, and none behind it;
 * the place before the first block where that can't be said. */
static const char *last_in(const struct span *slab, uint64_t starts, unsigned granule)
{
    unsigned units = 1U << (GRANULE_SHIFT - unit_shift(slab)), first = granule * units;
    uint64_t here = unit_bits(first, units) & starts, holes = slab->holes & here;
    size_t size = size_class_bytes(slab->size_class), blocks = 0;
    if (holes == 0)
        blocks = slab_capacity(slab);
    else if ((here & ~slab->holes) >> lowest_bit(holes) == 0)
        blocks = (((size_t)lowest_bit(holes) << unit_shift(slab)) + size - 1) / size;
    return span_start(slab) + blocks * size - size;
}

/* In the theap's own table. */
static void note_own(const struct theap *theap, const struct span *slab, size_t granule,
                     const char *last, bool claim)
{
    const struct bin *bin = &theap->bins[slab->size_class];
    bool none = last < span_start(slab);
    if (theap->own == NULL)
        return;
    if (claim && !none)
        own_slabs_claim(theap->own, granule, last, bin);
    else
        own_slabs_note(theap->own, granule, last, none);
}

void slab_note_starts(const struct theap *theap, const struct span *slab, uint64_t units,
                      bool claim)
{
    uint64_t starts = all_holes(slab);
    unsigned shift = GRANULE_SHIFT - unit_shift(slab);
    for (unsigned i = lowest_bit(units) >> shift; i <= highest_bit(units) >> shift; i++) {
        const char *last = last_in(slab, starts, i);
        last_set(span_index(slab) + i, last);
        note_own(theap, slab, span_index(slab) + i, last, claim);
    }
}

/* No block of the slab is in circulation any more. */
static void vacate_own(const struct theap *theap, const struct span *slab)
{
    const char *none = span_start(slab) - size_class_bytes(slab->size_class);
    for (uint32_t i = 0; i < slab->granules && theap->own != NULL; i++)
        own_slabs_note(theap->own, span_index(slab) + i, none, true);
}

/* Of the units that are no holes. */
static size_t cut_bytes(const struct span *slab)
{
    uint64_t units = all_holes(slab) & ~slab->holes;
    return (size_t)bits_set(units) * unit_bytes(slab);
}

/* How many granules the theap's slabs of the class have, as far as they are fewer than `most`. */
static unsigned granules_of(const struct theap *theap, unsigned size_class, unsigned most)
{
    unsigned granules = 0;
    for (int group = 0; group < GROUPS; group++)
        for (uint32_t i = theap->groups[size_class][group]; i != 0 && granules < most;
             i = span_at(i)->next)
            granules += span_at(i)->granules;
    return granules;
}

/* How long the next slab is: a class that has few blocks, as most have in a small program, has short ones. */
static unsigned granules_for(const struct theap *theap, unsigned size_class)
{
    unsigned most = size_class_granules(size_class);
    unsigned have = granules_of(theap, size_class, most);
    return have == 0 ? 1 : have < most ? 1U << highest_bit(have) : most;
}

static struct span *make_slab(struct theap *theap, unsigned size_class)
{
    bool zero;
    struct span *slab = region_alloc(granules_for(theap, size_class), 1, 0, SPAN_SLAB, &zero);
    if (slab == NULL)
        return NULL;
    slab->size_class = (uint8_t)size_class;
    span_set(&slab->owner, theap_number(theap));
    slab->zero_holes = zero;
    slab->free = BLOCK_END;
    set_holes(slab, all_holes(slab));
    region_account_hollow(slab, (ptrdiff_t)span_bytes(slab));
    set_tags(slab, theap_tag(theap, size_class));
    link_slab(theap, slab, GROUP_EMPTY);
    return slab;
}

/* No word of the free blocks is left for who has the memory next. */
static void scrub(const struct span *slab)
{
    uint64_t units = all_holes(slab) & ~slab->holes;
    size_t size = size_class_bytes(slab->size_class);
    while (units != 0) {
        unsigned unit = lowest_bit(units), count = run_of(units);
        struct blocks blocks = blocks_in(slab, unit, count);
        char *at = span_start(slab) + blocks.first * size;
        UNROLLED
        for (uint32_t n = blocks.end - blocks.first; n > 0; n--, at += size)
            memset(at, 0, sizeof(struct block));
        units &= ~unit_bits(unit, count);
    }
}

void slab_free(struct theap *theap, struct span *slab)
{
    unlink_slab(theap, slab);
    scrub(slab);
    vacate_own(theap, slab);
    set_tags(slab, 0);
    size_t listed = slab->free_count * size_class_bytes(slab->size_class);
    ASSERT(slab->used == 0);
    theap->circulating -= listed;
    theap->listed -= listed;
    region_account_hollow(slab, (ptrdiff_t)cut_bytes(slab) - (ptrdiff_t)span_bytes(slab));
    span_set_kind(slab, SPAN_META); /* nobody must take it for a slab, until it is given back */
    slab->next = theap->emptied;
    theap->emptied = span_index(slab);
}

/* ---- take --------------------------------------------------------------------------------- */

void slab_push_listed(struct span *slab, struct block *block)
{
    block_link(block, slab->free);
    slab->free = block;
    slab->free_count++;
}

/* How many blocks to cut at once for a bin that may hold so many. Cutting writes into memory that may not
 * be needed yet; what it takes early is a small part of what is or was in use. */
static uint32_t blocks_ahead(const struct theap *theap, unsigned size_class, uint32_t wanted)
{
    uint32_t full = 0;
    for (uint32_t i = theap->groups[size_class][GROUP_FULL]; i != 0 && full < AHEAD_SLABS;
         i = span_at(i)->next)
        full++;
    uint32_t ahead = full * size_class_capacity(size_class) / AHEAD_SLABS;
    ahead = ahead < wanted ? ahead : wanted;
    return ahead > wanted / AHEAD_PART ? ahead : wanted / AHEAD_PART;
}

/* The holes from the lowest on that have so many blocks; one at least. */
static uint64_t holes_for(const struct span *slab, uint32_t blocks)
{
    size_t bytes = blocks * size_class_bytes(slab->size_class);
    unsigned count = (unsigned)(bytes >> unit_shift(slab)), run = run_of(slab->holes);
    count = count == 0 ? 1 : count;
    return unit_bits(lowest_bit(slab->holes), count < run ? count : run);
}

/* Puts the blocks that start in these holes on the slab's list, in order of address. */
static void cut_holes(struct theap *theap, struct span *slab, uint64_t holes)
{
    struct blocks blocks = blocks_in(slab, lowest_bit(holes), run_of(holes));
    size_t bytes = run_of(holes) << unit_shift(slab), size = size_class_bytes(slab->size_class);
    ASSERT(slab->free_count == 0 && blocks.first < blocks.end && (holes & ~slab->holes) == 0);
    char *at = span_start(slab) + blocks.end * size;
    struct block *next = slab->free;
    slab->free_count = blocks.end - blocks.first;
    UNROLLED
    for (uint32_t n = slab->free_count; n > 0; n--) {
        at -= size;
        block_link((struct block *)(void *)at, next);
        next = (struct block *)(void *)at;
    }
    slab->free = next;
    set_holes(slab, slab->holes & ~holes);
    slab_note_starts(theap, slab, holes, true);
    theap->circulating += slab->free_count * size;
    theap->listed += slab->free_count * size;
    region_account_hollow(slab, -(ptrdiff_t)bytes);
    allowance_wanted(&theap->allowance, bytes);
}

/* Takes as many blocks as are wanted, or as there are, from the slab's list. All of them cost no more
 * than one. */
static struct chain take_listed(struct theap *theap, struct span *slab, uint32_t wanted)
{
    struct chain chain = { slab->free, NULL, slab->free_count };
    slab->free = BLOCK_END;
    if (slab->free_count > wanted) {
        slab->free = slab_cut(chain.first, wanted);
        chain.count = wanted;
    }
    slab->free_count -= chain.count;
    slab->used += chain.count;
    theap->listed -= chain.count * size_class_bytes(slab->size_class);
    regroup(theap, slab);
    return chain;
}

struct chain slab_take_all(struct theap *theap, struct span *slab)
{
    return take_listed(theap, slab, UINT32_MAX);
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

/* Several pages at once come in two thirds of the time that a fault for each takes. */
static void populate(const struct span *slab, uint64_t holes)
{
    unsigned count = run_of(holes);
    if (count > 1 && os_page_size() <= unit_bytes(slab))
        os_populate(span_start(slab) + ((size_t)lowest_bit(holes) << unit_shift(slab)),
                    (size_t)count << unit_shift(slab));
}

static void cut_for(struct theap *theap, struct span *slab, uint32_t wanted)
{
    uint64_t holes = holes_for(slab, blocks_ahead(theap, slab->size_class, wanted));
    populate(slab, holes);
    cut_holes(theap, slab, holes);
}

/* A slab to take blocks from; NULL when there is no memory. */
static struct span *slab_to_take_from(struct theap *theap, unsigned size_class)
{
    struct span *slab = fullest(theap, size_class);
    if (slab == NULL)
        slab = make_slab(theap, size_class);
    return slab != NULL ? slab : nearly_full(theap, size_class);
}

struct chain slab_take(struct theap *theap, unsigned size_class, uint32_t wanted, bool *zero)
{
    struct span *slab = slab_to_take_from(theap, size_class);
    if (slab == NULL)
        return (struct chain){ NULL, NULL, 0 };
    if (slab->free_count == 0) {
        *zero = slab->zero_holes && wanted == 1;
        cut_for(theap, slab, wanted);
    }
    struct chain chain = take_listed(theap, slab, wanted);
    allowance_reused(&theap->allowance, theap_free_bytes(theap));
    return chain;
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

/* The slab has become too empty for its group, or is due for a search. */
static NOINLINE void look_at(struct theap *theap, struct span *slab)
{
    bool due = slab->used < slab->search_at;
    if (due)
        slab->search_at = next_search(slab->used);
    regroup(theap, slab);
    if (slab->used == 0 && others_can_serve(theap, slab))
        slab_free(theap, slab);
    else if (due && theap_has_too_much_free(theap))
        slab_pin(theap, slab);
    else
        set_least(slab, (enum group)slab->group);
}

/* What a block that is given back lies in, and its granule's descriptor. */
static uint32_t tag_of_free(const struct block *block, struct span **span)
{
    size_t granule = granule_of(block);
    if (unlikely(!granule_has_tag(granule)))
        bad_list(block);
    uint32_t tag = tag_and_span(granule, span);
    if (unlikely(tag == 0))
        bad_list(block);
    return tag;
}

/* The head of the slab that the block lies in, by its granule's descriptor. */
static struct span *head_of(struct span *span, const struct block *block)
{
    return likely(span->head == granule_of(block)) ? span : span_at(span->head);
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

struct span *slab_of(const struct block *block)
{
    struct span *span;
    tag_and_span(granule_of(block), &span);
    return head_of(span, block);
}

/* Blocks of one slab, the first and the last one of a list, have come back to it. */
static void put_listed(struct theap *theap, struct span *slab, struct block *first,
                       struct block *last, uint32_t count)
{
    size_t bytes = count * size_class_bytes(slab->size_class);
    block_link(last, slab->free);
    slab->free = first;
    slab->free_count += count;
    slab->used -= count;
    /* relaxed: a hint for the search for holes, which looks again under the lock */
    atomic_store_explicit(&slab->stirred, true, memory_order_relaxed);
    theap->listed += bytes;
    if (unlikely(slab->used < slab->least))
        look_at(theap, slab);
    allowance_freed(&theap->allowance, bytes, theap_free_bytes(theap));
}

void slab_give_one(struct theap *theap, struct block *block)
{
    struct span *span;
    if (unlikely(!theap_owns(theap, tag_of_free(block, &span))))
        bad_list(block);
    put_listed(theap, head_of(span, block), block, block, 1);
}

/* The end of the list; what others have freed meanwhile is mostly nothing, and else little. */
static struct block *end_of(struct block *list)
{
    while (block_next(list) != BLOCK_END)
        list = list->next;
    return list;
}

void slab_give_all(struct theap *theap, struct span *slab, struct chain chain)
{
    struct block *others = slab->free;
    if (chain.count == 0)
        return;
    if (others == BLOCK_END) { /* then nobody need know where the chain ends */
        slab->free = chain.first;
    } else {
        block_link(end_of(others), chain.first);
        slab->free = others;
    }
    slab->free_count += chain.count;
    slab->used -= chain.count;
    atomic_store_explicit(&slab->stirred, true, memory_order_relaxed);
    size_t bytes = chain.count * size_class_bytes(slab->size_class);
    theap->listed += bytes;
    if (slab->used < slab->least)
        look_at(theap, slab);
    allowance_freed(&theap->allowance, bytes, theap_free_bytes(theap));
}

/* A block of the slab, and those of the same slab that follow it in the list: returns the rest of that. */
static struct block *give_run(struct theap *theap, struct span *slab, struct block *first)
{
    uintptr_t start = (uintptr_t)span_start(slab), bytes = span_bytes(slab);
    struct block *next = first, *last;
    uint32_t count = 0;
    do {
        last = next;
        next = block_next(next);
        count++;
    } while ((uintptr_t)next - start < bytes);
    put_listed(theap, slab, first, last, count);
    return next;
}

static struct block *give_medium(struct theap *theap, struct block *block)
{
    struct block *next = block_next(block);
    theap_give_medium(theap, block);
    return next;
}

/* Another theap has adopted what the block lies in. */
static NOINLINE struct block *give_stray(struct theap *theap, struct block *block)
{
    struct block *next = block_next(block);
    block_link(block, theap->strays != NULL ? theap->strays : BLOCK_END);
    theap->strays = block;
    return next;
}

/* Neighbours in the list are mostly of one slab: these go back at once. */
void slab_give(struct theap *theap, struct block *block)
{
    ASSERT(block != NULL && os_lock_is_mine(&theap->lock));
    while (block != BLOCK_END) {
        struct span *span;
        uint32_t tag = tag_of_free(block, &span);
        if (unlikely(!theap_owns(theap, tag)))
            block = give_stray(theap, block);
        else if (unlikely(tag_is_medium(tag)))
            block = give_medium(theap, block);
        else
            block = give_run(theap, head_of(span, block), block);
    }
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

/* ---- adopted ------------------------------------------------------------------------------- */

bool slab_can_serve(struct theap *theap, unsigned size_class)
{
    return fullest(theap, size_class) != NULL;
}

/* The one with the most free blocks, as far as groups tell; but none that is as good as new. */
static struct span *emptiest_in_use(const struct theap *theap, unsigned size_class)
{
    for (int group = GROUP_FEW; group >= GROUP_MOST; group--)
        if (theap->groups[size_class][group] != 0)
            return span_at(theap->groups[size_class][group]);
    return NULL;
}

/* The owner is written before the tags, so that in the child of a fork the new one's repair finds the
 * slab, and after the places of the old one's table. */
static void set_owner(struct span *slab, struct theap *theap)
{
    uint32_t index = span_index(slab);
    STORE_RELEASE(&slab->owner, theap_number(theap));
    for (uint32_t i = 0; i < slab->granules; i++)
        tag_set(index + i, theap_tag(theap, slab->size_class));
}

bool slab_move(struct theap *from, struct theap *to, unsigned size_class)
{
    ASSERT(os_lock_is_mine(&from->lock) && os_lock_is_mine(&to->lock));
    struct span *slab = emptiest_in_use(from, size_class);
    if (slab == NULL)
        return false;
    size_t size = size_class_bytes(size_class);
    size_t listed = slab->free_count * size, circulating = listed + slab->used * size;
    unlink_slab(from, slab);
    from->listed -= listed;
    from->circulating -= circulating;
    vacate_own(from, slab);
    set_owner(slab, to);
    to->listed += listed;
    to->circulating += circulating;
    link_slab(to, slab, (enum group)slab->group);
    slab_note_starts(to, slab, all_holes(slab), true);
    return true;
}

/* ---- repair -------------------------------------------------------------------------------- */

/* Lists the blocks that are free, by what they say themselves; all others count as in use. */
static void list_anew(struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class);
    slab->free = BLOCK_END;
    slab->free_count = slab->used = 0;
    for (uint32_t i = slab_capacity(slab); i-- > 0;) {
        struct block *block = (struct block *)(void *)(span_start(slab) + i * size);
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
    vacate_own(theap, slab); /* a place may lead to an open slab's record */
    set_tags(slab, theap_tag(theap, slab->size_class));
    slab_note_starts(theap, slab, all_holes(slab), true);
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
    if (i >= slab_capacity(slab))
        return NULL;
    return (struct block *)(void *)(span_start(slab) + i * size);
}

bool slab_has_in_use(const struct span *slab, const void *address)
{
    return address == slab_block_at(slab, address) && !slab_is_in_hole(slab, address) &&
           !block_is_free(address);
}
