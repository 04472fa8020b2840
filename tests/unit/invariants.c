/* SPDX-License-Identifier: MIT */
#include "invariants.h"

#include "heap/process.h"
#include "heap/purge.h"
#include "heap/slab.h"
#include "heap/threads.h"
#include "region/region.h"
#include "test.h"

/* Tests that call rooms below the heap start none, so nobody would read BARROW_BACKGROUND for them:
 * the first poke would start a thread that purges while a walk is on its way. */
__attribute__((constructor)) static void read_options(void)
{
    process_heap_start();
}

/* ---- region ------------------------------------------------------------------------------- */

struct sums {
    size_t in_use, dirty, spans;
};

/* Memory is mapped piece by piece, and between the pieces there is nothing. */
static bool is_windowed(void)
{
    return atomic_load(&region_map.frontier) == region_map.limit;
}

static bool is_free_kind(enum span_kind kind)
{
    return kind >= SPAN_UNMAPPED && kind <= SPAN_OLD;
}

static void check_tags(uint32_t index, size_t granules, uint32_t tag)
{
    for (size_t i = index; i < index + granules; i++)
        assert_int_equal(tag_of(i), tag);
}

static void check_inner_granules(uint32_t index, size_t granules)
{
    for (size_t i = index + 1; i < index + granules; i++)
        assert_int_equal(span_kind(span_at(i)), SPAN_NONE);
}

static void check_links(const struct span *run)
{
    uint32_t index = span_index(run);
    if (run->next != 0) {
        assert_int_equal(span_at(run->next)->prev, index);
        assert_int_equal(span_kind(span_at(run->next)), span_kind(run));
    }
    if (run->prev != 0) {
        assert_int_equal(span_at(run->prev)->next, index);
        assert_int_equal(span_kind(span_at(run->prev)), span_kind(run));
    }
}

static void check_free_run(const struct span *run, enum span_kind before, struct sums *sums)
{
    enum span_kind kind = span_kind(run);
    assert_int_not_equal(kind, before);
    assert_int_equal(span_at(span_index(run) + run->granules - 1)->head, span_index(run));
    check_links(run);
    check_tags(span_index(run), run->granules, 0);
    assert_true(kind != SPAN_UNMAPPED || is_windowed());
    if (kind == SPAN_YOUNG || kind == SPAN_OLD)
        sums->dirty += run->granules;
}

static void check_slab_span(const struct span *slab)
{
    assert_true(slab->size_class < SIZE_CLASSES);
    assert_int_equal(slab->granules, size_class_granules(slab->size_class));
    uint32_t bin = slab->size_class * (uint32_t)sizeof(struct bin);
    check_tags(span_index(slab), slab->granules, slab->owner << TAG_SHIFT | bin);
    for (uint32_t i = 0; i < slab->granules; i++)
        assert_int_equal(slab[i].head, span_index(slab));
}

static void check_used_span(const struct span *span, struct sums *sums)
{
    if (span_kind(span) == SPAN_SLAB)
        check_slab_span(span);
    else
        check_tags(span_index(span), span->granules, 0);
    if (span_kind(span) == SPAN_META)
        assert_int_equal(span->room, 0);
    sums->in_use += span->granules;
    sums->spans++;
}

void check_region(void)
{
    size_t frontier = atomic_load(&region_map.frontier);
    struct sums sums = { 0 };
    enum span_kind before = SPAN_NONE;
    assert_false(purge_settings.background && purge_settings.delay >= 0);
    assert_true(frontier <= region_map.limit);
    for (size_t i = 1; i < frontier;) {
        const struct span *span = span_at(i);
        enum span_kind kind = span_kind(span);
        if (kind == SPAN_NONE && is_windowed()) {
            assert_int_equal(tag_of(i), 0);
            before = SPAN_NONE;
            i++;
            continue;
        }
        assert_in_range(kind, SPAN_UNMAPPED, SPAN_LARGE);
        assert_int_not_equal(kind, SPAN_PURGING);
        size_t room = kind == SPAN_LARGE ? span->room : 0;
        size_t granules = span->granules + room;
        assert_true(granules >= 1 && granules <= frontier - i);
        check_inner_granules((uint32_t)i, granules);
        check_tags((uint32_t)(i + span->granules), room, 0);
        if (is_free_kind(kind))
            check_free_run(span, before, &sums);
        else if (kind != SPAN_LOST)
            check_used_span(span, &sums);
        before = is_free_kind(kind) ? kind : SPAN_NONE;
        i += granules;
    }
    struct region_figures figures;
    region_figures(&figures);
    assert_int_equal(region_dirty(), sums.dirty << GRANULE_SHIFT);
    assert_int_equal(region_committed(),
                     ((sums.in_use + sums.dirty) << GRANULE_SHIFT) + figures.meta);
    assert_int_equal(figures.spans, sums.spans);
    assert_true(figures.committed_peak >= figures.committed);
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
    for (const struct block *block = slab->free; block != NULL;
         block = block_listed_link(block), count++) {
        assert_true(block_is_listed(block));
        assert_false(block_is_linked(block));
        size_t distance = (size_t)((const char *)block - span_start(slab));
        assert_true(distance % size == 0);
        assert_true(distance / size < size_class_capacity(slab->size_class));
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
    for (uint32_t i = 0; i < size_class_capacity(slab->size_class); i++) {
        count += is_in_hole(slab, i);
        starts |= 1ULL << (i * size_class_bytes(slab->size_class) / unit_of(slab));
    }
    assert_true((slab->holes & ~starts) == 0); /* else an empty hole would be cut */
    return count;
}

/* What free() goes by: a start of a block passes where all starts before it in the granule are in
 * circulation and no later one is missing; nothing else does. */
static void check_reach(const struct span *slab)
{
    size_t size = size_class_bytes(slab->size_class);
    bool is_long = slab->granules > 1 && GRANULE_SIZE % size != 0;
    for (uint32_t granule = 0; granule < slab->granules; granule++) {
        uint32_t first = granule * (uint32_t)(GRANULE_SIZE / size), count = 0, others = 0;
        uint32_t end = is_long ? first : first + (uint32_t)(GRANULE_SIZE / size);
        while (first + count < end && !is_in_hole(slab, first + count))
            count++;
        for (uint32_t i = first + count; i < end; i++)
            others += !is_in_hole(slab, i);
        count = others == 0 ? count : 0;
        uint32_t reach = reach_of(span_index(slab) + granule);
        for (uint32_t i = 0; i * size < GRANULE_SIZE; i++)
            assert_int_equal(
                is_start(i * (uint32_t)size, size_class_magic(slab->size_class), reach), i < count);
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
    uint32_t capacity = size_class_capacity(size_class);
    assert_int_equal(span_kind(slab), SPAN_SLAB);
    assert_int_equal(slab->owner, theap_number(theap));
    assert_int_equal(slab->size_class, size_class);
    assert_int_equal(slab->group, group);
    check_free_list(slab);
    check_reach(slab);
    assert_int_equal(slab->used + slab->free_count + blocks_in_holes(slab), capacity);
    check_group(slab, capacity);
}

static size_t slabs_of(const struct theap *theap)
{
    size_t count = 0, frontier = atomic_load(&region_map.frontier);
    for (size_t i = 1; i < frontier; i++)
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
}

/* ---- caches ------------------------------------------------------------------------------- */

static size_t check_list(const struct block *list, uint32_t owner, unsigned size_class)
{
    size_t count = 0;
    for (; list != NULL && list != BLOCK_END; list = list->next, count++) {
        const struct span *slab = span_at(span_at(granule_of(list))->head);
        assert_int_equal(span_kind(slab), SPAN_SLAB);
        assert_int_equal(slab->owner, owner);
        assert_int_equal(slab->size_class, size_class);
        assert_ptr_equal(slab_block_at(slab, list), list);
        assert_true(block_is_linked(list));
        assert_false(block_is_listed(list));
        assert_false(slab_is_in_hole(slab, list));
    }
    return count;
}

void check_cache(struct theap *theap)
{
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        const struct bin *bin = &theap->bins[size_class];
        size_t listed = check_list(bin->free, theap_number(theap), size_class);
        assert_true((int32_t)listed == bin->most - bin->room);
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
        os_unlock(&theap->lock);
        check_cache(theap);
    }
}
