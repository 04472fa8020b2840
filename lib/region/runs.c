/* SPDX-License-Identifier: MIT */
/* runs.c: best fit among free runs.
 *
 * 1. Runs of 1 to 64 granules are in lists by exact length; a bitmap tells which have any.
 * 2. Longer runs are in a treap (Seidel and Aragon, 1996), ordered by length and then by address.
 *    Its links are the runs' own descriptors, and a run's priority is a hash of its number, so no
 *    field is needed for it. Insertion, removal and search take expected O(log n) steps.
 * 3. A run is joined with neighbours of the same set when it is inserted. The descriptor of its first
 *    granule has the kind and the length, that of its last granule names the first.
 *
 * A descriptor beside a run may be another arena's, and changing. Whether it is one of the set's runs is
 * decided by one word, see struct span. */
#include "region/runs.h"

/* ---- lists of exact lengths ----------------------------------------------------------------- */

static void link_exact(struct run_set *set, uint32_t index)
{
    struct span *run = span_at(index);
    uint32_t *list = &set->exact[run->granules - 1];
    run->prev = 0;
    run->next = *list;
    if (*list != 0)
        span_at(*list)->prev = index;
    *list = index;
    set->in_use |= 1ULL << (run->granules - 1);
}

static void unlink_exact(struct run_set *set, uint32_t index)
{
    struct span *run = span_at(index);
    uint32_t *list = &set->exact[run->granules - 1];
    if (run->next != 0)
        span_at(run->next)->prev = run->prev;
    if (run->prev != 0)
        span_at(run->prev)->next = run->next;
    else
        *list = run->next;
    if (*list == 0)
        set->in_use &= ~(1ULL << (run->granules - 1));
}

/* ---- the treap: `prev` leads to smaller runs, `next` to greater ones --------------------------- */

static uint32_t priority(uint32_t index)
{
    return index * 0x9e3779b1u ^ (index * 0x85ebca6bu) >> 15;
}

static bool is_less(size_t granules, uint32_t index, uint32_t other)
{
    size_t length = span_at(other)->granules;
    return granules < length || (granules == length && index < other);
}

/* Parts the subtree into what is less than the key and the rest. */
static void split(uint32_t tree, size_t granules, uint32_t index, uint32_t *less, uint32_t *greater)
{
    while (tree != 0) {
        if (is_less(granules, index, tree)) {
            *greater = tree;
            greater = &span_at(tree)->prev;
            tree = *greater;
        } else {
            *less = tree;
            less = &span_at(tree)->next;
            tree = *less;
        }
    }
    *less = *greater = 0;
}

static void merge(uint32_t *place, uint32_t less, uint32_t greater)
{
    while (less != 0 && greater != 0) {
        bool less_first = priority(less) > priority(greater);
        *place = less_first ? less : greater;
        place = less_first ? &span_at(less)->next : &span_at(greater)->prev;
        *(less_first ? &less : &greater) = *place;
    }
    *place = less != 0 ? less : greater;
}

static void link_tree(struct run_set *set, uint32_t index)
{
    struct span *run = span_at(index);
    uint32_t *place = &set->tree;
    while (*place != 0 && priority(*place) >= priority(index)) {
        struct span *at = span_at(*place);
        place = is_less(run->granules, index, *place) ? &at->prev : &at->next;
    }
    uint32_t displaced = *place;
    *place = index;
    split(displaced, run->granules, index, &run->prev, &run->next);
}

static void unlink_tree(struct run_set *set, uint32_t index)
{
    struct span *run = span_at(index);
    uint32_t *place = &set->tree;
    while (*place != index) {
        ASSERT(*place != 0);
        struct span *at = span_at(*place);
        place = is_less(run->granules, index, *place) ? &at->prev : &at->next;
    }
    merge(place, run->prev, run->next);
}

/* The shortest run of at least that many granules, and of those the lowest; 0: there is none. */
static uint32_t tree_fit(const struct run_set *set, size_t granules)
{
    uint32_t fit = 0;
    for (uint32_t at = set->tree; at != 0;) {
        bool fits = span_at(at)->granules >= granules;
        if (fits)
            fit = at;
        at = fits ? span_at(at)->prev : span_at(at)->next;
    }
    return fit;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* The lock is held, so there is no other writer. */
static void count_run(struct run_set *set, uint32_t more)
{
    atomic_store_explicit(&set->runs, runs_count(set) + more, memory_order_relaxed);
}

static void place_run(struct run_set *set, uint32_t index, size_t granules)
{
    struct span *run = span_at(index), *last = span_at(index + granules - 1);
    run->granules = (uint32_t)granules;
    span_set(&last->head, index);
    span_set_both(last, SPAN_NONE, set->arena);
    span_set_both(run, (enum span_kind)set->kind, set->arena);
    count_run(set, 1);
    if (granules <= EXACT_RUNS)
        link_exact(set, index);
    else
        link_tree(set, index);
}

static bool is_run(const struct run_set *set, uint32_t index)
{
    return granule_is_ours(index) &&
           span_is_run(span_at(index), (enum span_kind)set->kind, set->arena);
}

void runs_remove(struct run_set *set, uint32_t index)
{
    ASSERT(is_run(set, index));
    if (span_at(index)->granules <= EXACT_RUNS)
        unlink_exact(set, index);
    else
        unlink_tree(set, index);
    span_set_kind(span_at(index), SPAN_NONE);
    count_run(set, (uint32_t)-1);
}

/* The run of the set that ends right before index, or 0. The last granule's arena and `head` may be stale,
 * and spare a look at other descriptors; they count only if what is named is the head of a run of the set,
 * and the run ends here. */
static uint32_t run_before(const struct run_set *set, uint32_t index)
{
    if (!granule_is_ours(index - 1) || span_arena(span_at(index - 1)) != set->arena)
        return 0;
    uint32_t head = span_get(&span_at(index - 1)->head);
    if (head == 0 || head >= index || !is_run(set, head))
        return 0;
    return head + span_at(head)->granules == index ? head : 0;
}

uint32_t runs_insert(struct run_set *set, uint32_t index, size_t granules)
{
    ASSERT(granules != 0 && index != 0);
    uint32_t before = run_before(set, index), after = index + (uint32_t)granules;
    if (is_run(set, after)) {
        granules += span_at(after)->granules;
        runs_remove(set, after);
    }
    if (before != 0) {
        granules += span_at(before)->granules;
        runs_remove(set, before);
        index = before;
    }
    place_run(set, index, granules);
    return index;
}

/* Takes [start, start+granules) out of the run at index, which has it. */
static void cut_run(struct run_set *set, uint32_t index, uint32_t start, size_t granules)
{
    uint32_t end = index + span_at(index)->granules;
    ASSERT(start >= index && start + granules <= end);
    runs_remove(set, index);
    if (start > index)
        place_run(set, index, start - index);
    if (start + granules < end)
        place_run(set, start + (uint32_t)granules, end - start - granules);
}

static uint32_t align_up(uint32_t index, size_t align)
{
    return (uint32_t)round_up(index, align);
}

static uint32_t fit(const struct run_set *set, size_t granules)
{
    if (granules <= EXACT_RUNS) {
        uint64_t lists = set->in_use & (~0ULL << (granules - 1));
        if (lists != 0)
            return set->exact[lowest_bit(lists)];
    }
    return tree_fit(set, granules);
}

uint32_t runs_take(struct run_set *set, size_t granules, size_t align)
{
    uint32_t run = fit(set, granules + align - 1);
    if (run == 0)
        return 0;
    uint32_t start = align_up(run, align);
    cut_run(set, run, start, granules);
    return start;
}

static bool has_aligned(uint32_t run, size_t granules, size_t align)
{
    return align_up(run, align) + granules <= (size_t)run + span_at(run)->granules;
}

/* In the subtree, by descent on the left and a loop on the right: the depth is that of the treap. */
static uint32_t find_in_tree(uint32_t tree, size_t granules, size_t align)
{
    for (; tree != 0; tree = span_at(tree)->next) {
        if (span_at(tree)->granules < granules)
            continue;
        uint32_t found = find_in_tree(span_at(tree)->prev, granules, align);
        if (found != 0)
            return found;
        if (has_aligned(tree, granules, align))
            return tree;
    }
    return 0;
}

static uint32_t find_in_lists(const struct run_set *set, size_t granules, size_t align)
{
    for (size_t length = granules; length <= EXACT_RUNS; length++)
        for (uint32_t run = set->exact[length - 1]; run != 0; run = span_at(run)->next)
            if (has_aligned(run, granules, align))
                return run;
    return 0;
}

uint32_t runs_take_thoroughly(struct run_set *set, size_t granules, size_t align)
{
    uint32_t run = find_in_lists(set, granules, align);
    if (run == 0)
        run = find_in_tree(set->tree, granules, align);
    if (run == 0)
        return 0;
    uint32_t start = align_up(run, align);
    cut_run(set, run, start, granules);
    return start;
}

bool runs_take_at(struct run_set *set, uint32_t index, size_t granules)
{
    if (!is_run(set, index) || span_at(index)->granules < granules)
        return false;
    cut_run(set, index, index, granules);
    return true;
}

uint32_t runs_longest(const struct run_set *set)
{
    uint32_t at = set->tree;
    while (at != 0 && span_at(at)->next != 0)
        at = span_at(at)->next;
    if (at == 0 && set->in_use != 0)
        at = set->exact[highest_bit(set->in_use)];
    return at;
}

/* In the subtree, from the longest on. */
static uint32_t find_longest(uint32_t tree, bool (*will_do)(uint32_t), int *looks)
{
    for (; tree != 0; tree = span_at(tree)->prev) {
        uint32_t found = find_longest(span_at(tree)->next, will_do, looks);
        if (found != 0 || --*looks < 0)
            return found;
        if (will_do(tree))
            return tree;
    }
    return 0;
}

uint32_t runs_longest_of(const struct run_set *set, bool (*will_do)(uint32_t run), int looks)
{
    return find_longest(set->tree, will_do, &looks);
}

void runs_forget(struct run_set *set)
{
    *set = (struct run_set){ .kind = set->kind, .arena = set->arena };
}
