/* SPDX-License-Identifier: MIT */
#include "invariants.h"

#include "heap/open_slab.h"
#include "heap/process.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "medium/check.h"
#include "region/check.h"
#include "region/region.h"
#include "test.h"

/* Tests that call folders below the heap start none, so nobody else would read the options for them. */
__attribute__((constructor)) static void read_options(void)
{
    process_heap_start();
}

/* ---- region ------------------------------------------------------------------------------- */

static void check_tags(uint32_t index, size_t granules, uint32_t tag)
{
    for (size_t i = index; i < index + granules; i++)
        assert_int_equal(tag_of(i), tag);
}

static void check_slab_span(const struct span *slab)
{
    assert_true(slab->size_class < SIZE_CLASSES);
    assert_in_range(slab->granules, 1, size_class_granules(slab->size_class));
    uint32_t bin = slab->size_class * (uint32_t)sizeof(struct bin);
    check_tags(span_index(slab), slab->granules, slab->owner << TAG_SHIFT | bin);
    for (uint32_t i = 0; i < slab->granules; i++)
        assert_int_equal(span_at(span_index(slab) + i)->head, span_index(slab));
}

void check_region(void)
{
    const char *wrong = region_check(true);
    if (wrong != NULL)
        fail_msg("does not hold: %s", wrong);
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i))
        if (span_kind(span_at(i)) == SPAN_SLAB)
            check_slab_span(span_at(i));
}

/* ---- slabs -------------------------------------------------------------------------------- */

enum { BLOCKS_MOST = GRANULE_SIZE / 16 };

/* From the definition, not from the code: bytes of a slab that one bit of `holes` stands for. */
static size_t unit_of(const struct span *slab)
{
    return span_bytes(slab) / 64 < 4096 ? 4096 : span_bytes(slab) / 64;
}

static bool is_in_hole(const struct span *slab, size_t block)
{
    return slab->holes >> (block * size_class_bytes(slab->size_class) / unit_of(slab)) & 1;
}

static void check_free_list(const struct span *slab)
{
    static bool seen[BLOCKS_MOST];
    size_t size = size_class_bytes(slab->size_class), count = 0;
    memset(seen, 0, sizeof seen);
    for (const struct block *block = slab->free; block != BLOCK_END; block = block->next, count++) {
        assert_true(block_is_linked(block));
        size_t distance = (size_t)((const char *)block - span_start(slab));
        assert_true(distance % size == 0);
        assert_true(distance / size < slab_capacity(slab));
        assert_false(seen[distance / size]);
        assert_false(is_in_hole(slab, distance / size));
        seen[distance / size] = true;
    }
    assert_int_equal(count, slab->free_count);
}

static uint32_t blocks_in_holes(const struct span *slab)
{
    uint32_t count = 0;
    uint64_t starts = 0;
    for (uint32_t i = 0; i < slab_capacity(slab); i++) {
        count += is_in_hole(slab, i);
        starts |= 1ULL << (i * size_class_bytes(slab->size_class) / unit_of(slab));
    }
    assert_true((slab->holes & ~starts) == 0); /* else an empty hole would be cut */
    return count;
}

/* The blocks of the slab that start in a granule: [first, end); and how many of these a free may take for
 * blocks in circulation: all up to the granule's first hole, if nothing that starts behind it is in
 * circulation. */
struct starts {
    size_t first, end, known;
};

static struct starts starts_in(const struct span *slab, size_t granule)
{
    size_t size = size_class_bytes(slab->size_class),
           capacity = slab_capacity(slab);
    size_t first = (granule * GRANULE_SIZE + size - 1) / size, others = 0, count = first;
    size_t end = ((granule + 1) * GRANULE_SIZE + size - 1) / size;
    end = end < capacity ? end : capacity;
    while (count < end && !is_in_hole(slab, count))
        count++;
    for (size_t i = count; i < end; i++)
        others += !is_in_hole(slab, i);
    return (struct starts){ first, end, others == 0 ? count - first : 0 };
}

/* Every start in the granule is told by `last` if it is among the known ones, and no other is. */
static void check_last(const struct span *slab, struct starts starts, const char *last)
{
    size_t size = size_class_bytes(slab->size_class);
    for (size_t i = starts.first; i < starts.end; i++)
        assert_int_equal(is_start((uintptr_t)(last - (span_start(slab) + i * size)),
                                  size_class_magic(slab->size_class)),
                         i < starts.first + starts.known);
}

static bool is_bin_of(const struct theap *theap, const struct span *slab, struct bin *bin)
{
    const struct open_slab *open = open_slab_of(theap, bin);
    return open != NULL ? open->slab == slab : bin == &theap->bins[slab->size_class];
}

/* What free() goes by, in the page map and in the theap's own table. */
static void check_starts(const struct theap *theap, const struct span *slab)
{
    for (uint32_t i = 0; i < slab->granules; i++) {
        struct starts starts = starts_in(slab, i);
        size_t granule = span_index(slab) + i;
        check_last(slab, starts, last_of(granule));
        if (theap->own == NULL)
            continue;
        uint32_t place = own_place(granule_start(granule));
        struct bin *bin = own_bin(theap->own, place);
        const char *last = theap->own->last[place];
        bool vacant = bin == &theap->own->none;
        if (vacant || (size_t)(last - span_start(slab)) > span_bytes(slab))
            continue; /* the place may be another slab's, a multiple of the window away */
        check_last(slab, starts, last);
        assert_true(is_bin_of(theap, slab, bin));
    }
}

static void check_group(const struct span *slab, uint32_t capacity)
{
    uint32_t available = capacity - slab->used;
    assert_true(slab->used >= slab->least);
    switch (slab->group) {
    case GROUP_FULL:
        assert_int_equal(available, 0);
        break;
    case GROUP_NEARLY:
        assert_true(available > 0 && available < capacity / 32);
        break;
    case GROUP_EMPTY:
        assert_int_equal(slab->used, 0);
        break;
    case GROUP_MOST:
        assert_true(available > 0 && slab->used * 4 >= capacity * 3);
        break;
    case GROUP_SOME:
        assert_true(slab->used * 4 >= capacity && slab->used * 4 < capacity * 3);
        break;
    default:
        assert_int_equal(slab->group, GROUP_FEW);
        assert_true(slab->used > 0 && slab->used * 4 < capacity);
    }
}

static void check_slab(const struct theap *theap, const struct span *slab, unsigned size_class,
                       int group)
{
    uint32_t capacity = slab_capacity(slab);
    assert_int_equal(span_kind(slab), SPAN_SLAB);
    assert_int_equal(slab->owner, theap_number(theap));
    assert_int_equal(slab->size_class, size_class);
    assert_int_equal(slab->group, group);
    check_free_list(slab);
    check_starts(theap, slab);
    assert_int_equal(slab->used + slab->free_count + blocks_in_holes(slab), capacity);
    check_group(slab, capacity);
}

static size_t slabs_of(const struct theap *theap)
{
    size_t count = 0;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i))
        count += span_kind(span_at(i)) == SPAN_SLAB && span_at(i)->owner == theap_number(theap);
    return count;
}

void check_theap(struct theap *theap)
{
    size_t slabs = 0;
    assert_null(atomic_load(&theap->inbox));
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        for (int group = 0; group < GROUPS; group++) {
            uint32_t before = 0;
            for (uint32_t i = theap->groups[size_class][group]; i != 0; i = span_at(i)->next) {
                assert_int_equal(span_at(i)->prev, before);
                check_slab(theap, span_at(i), size_class, group);
                before = i;
                slabs++;
            }
        }
    assert_int_equal(slabs, slabs_of(theap));
    const char *wrong = medium_check(&theap->medium);
    if (wrong != NULL)
        fail_msg("does not hold: %s", wrong);
}

/* ---- caches ------------------------------------------------------------------------------- */

static size_t check_list(const struct block *list, uint32_t owner, unsigned size_class)
{
    size_t count = 0;
    for (; list != NULL && list != BLOCK_END; list = list->next, count++) {
        const struct span *slab = span_at(span_at(granule_of(list))->head);
        assert_int_equal(span_kind(slab), SPAN_SLAB);
        /* another theap may have adopted it since the block was freed; then it knows all threads */
        assert_true(slab->owner == owner || threads_theap(slab->owner) != NULL);
        assert_int_equal(slab->size_class, size_class);
        assert_ptr_equal(slab_block_at(slab, list), list);
        assert_true(block_is_linked(list));
        assert_false(slab_is_in_hole(slab, list));
    }
    return count;
}

/* What the cache of medium blocks has no slot for is gone, be it the owner's or stolen. */
static void check_medium_cache(const struct medium_cache *cache)
{
    for (uint32_t length = CACHED_LEAST; length <= CACHED_MOST; length++)
        for (int i = 0; i < CACHE_SLOTS; i++) {
            uint32_t word = cache->slots[length - CACHED_LEAST][i];
            assert_true(word == 0 || i < cache->count[length - CACHED_LEAST]);
            if (word == 0)
                continue;
            assert_int_equal(state_of(place_at(word)), CELL_PASSED);
            assert_int_equal(cell_of(place_at(word))->length, length);
        }
}

static void check_open(const struct theap *theap, const struct open_slab *open, unsigned size_class)
{
    assert_ptr_equal(open->next->prev, open);
    assert_int_equal(span_kind(open->slab), SPAN_SLAB);
    assert_int_equal(open->slab->size_class, size_class);
    assert_int_equal(open->bin.magic, size_class_magic(size_class));
    size_t listed = check_list(open->bin.free, theap_number(theap), size_class);
    assert_int_equal(listed, bin_count(&open->bin));
    assert_true(listed <= open->bin.limit && listed <= open->slab->used);
    assert_int_equal(open_slab_count(theap, open->slab), listed);
    for (const struct block *block = open->bin.free; block != BLOCK_END; block = block->next)
        assert_ptr_equal(slab_of(block), open->slab);
}

void check_cache(struct theap *theap)
{
    check_medium_cache(&theap->cache);
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        const struct bin *bin = &theap->bins[size_class];
        size_t listed = check_list(bin->free, theap_number(theap), size_class);
        assert_int_equal(listed, bin_count(bin));
        assert_true(listed <= bin->limit);
        const struct open_slab *newest = theap->open[size_class];
        for (const struct open_slab *open = newest; open != NULL;
             open = open->next != newest ? open->next : NULL)
            check_open(theap, open, size_class);
        size_t spare = check_list(bin->spare, theap_number(theap), size_class);
        assert_true(spare == 0 || spare == bin->spare_count);
    }
}

void check_heap(void)
{
    check_region();
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        assert_non_null(theap);
        assert_int_equal(theap_number(theap), number);
        if (theap->broken)
            continue;
        os_lock(&theap->lock);
        theap_drain(theap);
        check_theap(theap);
        theap_unlock(theap);
        check_cache(theap);
    }
}
