/* SPDX-License-Identifier: MIT */
/* check.c: one pass over the lists and the tree of each arena, and, where the thread is alone, one over
 * all descriptors. Linear in the number of runs and of granules. */
#include "region/check.h"

#include "region/arena.h"

struct sums {
    size_t in_use, dirty;
};

/* Each rule is one line, so that the message can be the rule. */
#define REQUIRE(rule)                                                                              \
    do {                                                                                           \
        if (!(rule))                                                                               \
            return #rule;                                                                          \
    } while (0)

/* ---- runs -------------------------------------------------------------------------------------- */

static const char *check_run(const struct run_set *set, uint32_t index)
{
    REQUIRE(granule_is_ours(index));
    const struct span *run = span_at(index);
    REQUIRE(span_is_run(run, (enum span_kind)set->kind, set->arena));
    REQUIRE(run->granules != 0);
    const struct span *last = span_at(index + run->granules - 1);
    REQUIRE(span_get(&last->head) == index);
    REQUIRE(span_arena(last) == set->arena);
    REQUIRE(tag_of(index) == 0);
    uint32_t after = index + run->granules;
    /* else the two would be joined */
    REQUIRE(!granule_is_ours(after) ||
            !span_is_run(span_at(after), (enum span_kind)set->kind, set->arena));
    return NULL;
}

static const char *check_list(const struct run_set *set, size_t granules, size_t *sum)
{
    uint32_t before = 0, index = set->exact[granules - 1];
    REQUIRE((index != 0) == (set->in_use >> (granules - 1) & 1));
    for (; index != 0; before = index, index = span_at(index)->next) {
        const char *wrong = check_run(set, index);
        if (wrong != NULL)
            return wrong;
        REQUIRE(span_at(index)->granules == granules);
        REQUIRE(span_at(index)->prev == before);
        *sum += granules;
    }
    return NULL;
}

/* The subtree's runs lie between the two lengths. */
static const char *check_tree(const struct run_set *set, uint32_t tree, size_t min, size_t max,
                              size_t *sum)
{
    while (tree != 0) {
        const struct span *run = span_at(tree);
        const char *wrong = check_run(set, tree);
        if (wrong == NULL)
            wrong = check_tree(set, run->prev, min, run->granules, sum);
        if (wrong != NULL)
            return wrong;
        REQUIRE(run->granules > EXACT_RUNS);
        REQUIRE(run->granules >= min && run->granules <= max);
        *sum += run->granules;
        min = run->granules;
        tree = run->next;
    }
    return NULL;
}

static const char *check_set(const struct run_set *set, size_t *sum)
{
    const char *wrong = NULL;
    for (size_t granules = 1; granules <= EXACT_RUNS && wrong == NULL; granules++)
        wrong = check_list(set, granules, sum);
    return wrong != NULL ? wrong : check_tree(set, set->tree, 0, SIZE_MAX, sum);
}

static const char *check_arena(const struct arena *arena)
{
    size_t dirty = 0, clean = 0, reserved = 0;
    const char *wrong = check_set(&arena->dirty, &dirty);
    if (wrong == NULL)
        wrong = check_set(&arena->clean, &clean);
    if (wrong == NULL)
        wrong = check_set(&arena->reserved, &reserved);
    if (wrong != NULL)
        return wrong;
    /* what a purge has in hand is in no list, and still counts */
    REQUIRE(dirty <= count(&arena->dirty_granules));
    REQUIRE(reserved == 0 || arena == ground());
    return NULL;
}

/* ---- all granules -------------------------------------------------------------------------------- */

static const char *check_inside(size_t index, const struct span *span)
{
    size_t end = index + span->granules + (span_kind(span) == SPAN_LARGE ? span->room : 0);
    for (size_t i = index + 1; i < end; i++)
        REQUIRE(span_kind(span_at(i)) == SPAN_NONE);
    if (span_kind(span) != SPAN_SLAB && span_kind(span) != SPAN_MEDIUM)
        for (size_t i = index; i < end; i++)
            REQUIRE(tag_of(i) == 0);
    return NULL;
}

static void add_span(const struct span *span, struct sums *sums)
{
    enum span_kind kind = span_kind(span);
    if (kind == SPAN_DIRTY)
        sums->dirty += span->granules;
    if (kind >= SPAN_META && kind != SPAN_LOST)
        sums->in_use += span->granules;
}

/* Of kept runs nothing tells but their words. */
static const char *check_kept(const struct kept *kept, struct sums *sums)
{
    for (unsigned n = 0; n < KEPT_RUNS; n++) {
        uint64_t run = kept_run(kept, n);
        REQUIRE((kept_index(run) != 0) == (kept_length(run) != 0));
        for (size_t i = 0; i < kept_length(run); i++) {
            REQUIRE(granule_is_ours(kept_index(run) + i));
            REQUIRE(span_kind(span_at(kept_index(run) + i)) == SPAN_NONE);
            REQUIRE(tag_of(kept_index(run) + i) == 0);
        }
        sums->dirty += kept_length(run);
    }
    return NULL;
}

static const char *check_all_kept(struct sums *sums)
{
    const char *wrong = NULL;
    for (uint32_t i = 0; i < ARENAS_MAX && wrong == NULL; i++)
        wrong = check_kept(&region.arenas[i].kept, sums);
    return wrong;
}

static const char *check_granules(void)
{
    struct sums sums = { 0 };
    const char *unkept = check_all_kept(&sums);
    if (unkept != NULL)
        return unkept;
    for (size_t i = page_map_next(0); i < GRANULES_MAX;) {
        const struct span *span = span_at(i);
        if (span_kind(span) == SPAN_NONE) {
            i = page_map_next(i);
            continue;
        }
        REQUIRE(span_kind(span) <= SPAN_LARGE);
        REQUIRE(span_kind(span) != SPAN_PURGING);
        REQUIRE(span->granules != 0);
        const char *wrong = check_inside(i, span);
        if (wrong != NULL)
            return wrong;
        add_span(span, &sums);
        i += span->granules - 1;
        i = page_map_next(i);
    }
    size_t meta = count(&region.meta_bytes) >> GRANULE_SHIFT;
    REQUIRE(sums.dirty == arenas_dirty());
    REQUIRE(sums.in_use + sums.dirty + meta == count(&region.committed));
    REQUIRE(count(&region.committed) <= count(&region.committed_peak));
    return NULL;
}

const char *region_check(bool alone)
{
    const char *wrong = NULL;
    if (region_is_interrupted())
        return NULL;
    for (uint32_t i = ARENAS_MAX; i-- > 0;) /* the ground last */
        region_lock(&region.arenas[i].lock);
    for (uint32_t i = 0; i < ARENAS_MAX && wrong == NULL; i++)
        wrong = check_arena(&region.arenas[i]);
    if (alone && wrong == NULL)
        wrong = check_granules();
    for (uint32_t i = 0; i < ARENAS_MAX; i++)
        region_unlock(&region.arenas[i].lock);
    return wrong;
}
