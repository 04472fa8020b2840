/* SPDX-License-Identifier: MIT */
/* Free runs stand in bins by length, one set of bins for each kind. Bins 0 to 31 hold runs of
 * exactly 1 to 32 granules; above, each doubling has four bins. A bitmap of bins in use makes the
 * search for a fitting run a matter of two instructions; within a bin of mixed lengths a few are
 * looked at. */
#include "region/runs.h"

enum { EXACT_BINS = 32, BINS = 128, KINDS = 4, LOOKS = 8 };

static struct {
    uint64_t in_use[2]; /* bit b: bins[b] is not empty */
    uint32_t bins[BINS];
} sets[KINDS];

static inline int set_of(enum span_kind kind)
{
    return (int)kind - SPAN_UNMAPPED;
}

static unsigned bin_of(size_t granules)
{
    if (granules <= EXACT_BINS)
        return (unsigned)granules - 1;
    unsigned log = highest_bit(granules);
    unsigned bin = EXACT_BINS + (log - 5) * 4 + (unsigned)((granules >> (log - 2)) & 3);
    return bin < BINS ? bin : BINS - 1; /* all of 28 TiB and more */
}

static void link_run(uint32_t index, enum span_kind kind)
{
    struct span *run = span_at(index);
    unsigned bin = bin_of(run->granules);
    uint32_t *list = &sets[set_of(kind)].bins[bin];
    run->prev = 0;
    run->next = *list;
    if (*list != 0)
        span_at(*list)->prev = index;
    *list = index;
    sets[set_of(kind)].in_use[bin / 64] |= 1ULL << (bin % 64);
}

static void unlink_run(uint32_t index)
{
    struct span *run = span_at(index);
    int set = set_of(span_kind(run));
    if (run->next != 0)
        span_at(run->next)->prev = run->prev;
    if (run->prev != 0) {
        span_at(run->prev)->next = run->next;
        return;
    }
    unsigned bin = bin_of(run->granules);
    sets[set].bins[bin] = run->next;
    if (run->next == 0)
        sets[set].in_use[bin / 64] &= ~(1ULL << (bin % 64));
}

static void place_run(uint32_t index, size_t granules, enum span_kind kind)
{
    struct span *run = span_at(index);
    run->granules = (uint32_t)granules;
    span_set(&span_at(index + granules - 1)->head, index);
    span_set_kind(run, kind);
    link_run(index, kind);
}

static void remove_run(uint32_t index)
{
    unlink_run(index);
    span_set_kind(span_at(index), SPAN_NONE);
}

/* What one run may hold: memory that reads as zero stays apart from memory that may not. */
static bool may_join(enum span_kind one, enum span_kind other)
{
    return one == other ||
           (one >= SPAN_YOUNG && one <= SPAN_OLD && other >= SPAN_YOUNG && other <= SPAN_OLD);
}

/* The free run that ends right before index and may be joined with one of that kind, or 0. The last
 * granule's `head` may be stale; it counts only if the head that it names is one, and ends here. */
static uint32_t run_before(uint32_t index, enum span_kind kind)
{
    if (index <= 1)
        return 0;
    uint32_t head = span_get(&span_at(index - 1)->head);
    if (head == 0 || head >= index || !may_join(span_kind(span_at(head)), kind))
        return 0;
    return head + span_at(head)->granules == index ? head : 0;
}

static bool run_starts_at(uint32_t index, enum span_kind kind)
{
    return granule_is_ours(index) && may_join(span_kind(span_at(index)), kind);
}

static enum span_kind other_age(enum span_kind kind)
{
    return kind == SPAN_YOUNG ? SPAN_OLD : SPAN_YOUNG;
}

/* A run of young and old parts is as old as most of it: so a little that is freed beside it does
 * not keep a long old run from being purged, nor a short old one have a long young one purged. */
void runs_insert(uint32_t index, size_t granules, enum span_kind kind)
{
    uint32_t after = index + (uint32_t)granules;
    uint32_t parts[2] = { run_before(index, kind), run_starts_at(after, kind) ? after : 0 };
    size_t alike = granules, different = 0;
    for (int i = 0; i < 2; i++) {
        if (parts[i] == 0)
            continue;
        const struct span *part = span_at(parts[i]);
        *(span_kind(part) == kind ? &alike : &different) += part->granules;
        remove_run(parts[i]);
    }
    place_run(parts[0] != 0 ? parts[0] : index, alike + different,
              different > alike ? other_age(kind) : kind);
}

/* Takes [start, start+granules) out of the run at index, which holds it. */
static void cut_run(uint32_t index, uint32_t start, size_t granules)
{
    struct span *run = span_at(index);
    enum span_kind kind = span_kind(run);
    uint32_t end = index + run->granules;
    remove_run(index);
    if (start > index)
        place_run(index, start - index, kind);
    if (start + granules < end)
        place_run(start + (uint32_t)granules, end - start - granules, kind);
}

static uint32_t align_up(uint32_t index, size_t align)
{
    /* what must be aligned is the address; region.base itself is aligned to a granule only */
    uintptr_t unit = (uintptr_t)align << GRANULE_SHIFT;
    uintptr_t address = region_map.base + ((uintptr_t)index << GRANULE_SHIFT);
    return (uint32_t)((((address + unit - 1) & ~(unit - 1)) - region_map.base) >> GRANULE_SHIFT);
}

/* The best of the first few runs of a list. */
static uint32_t best_in_list(uint32_t list, size_t granules, size_t align, uint32_t *start)
{
    uint32_t best = 0;
    for (int i = 0; list != 0 && i < LOOKS; i++, list = span_at(list)->next) {
        uint32_t aligned = align_up(list, align);
        if (aligned + granules > (size_t)list + span_at(list)->granules)
            continue;
        if (best == 0 || span_at(list)->granules < span_at(best)->granules) {
            best = list;
            *start = aligned;
        }
    }
    return best;
}

static unsigned next_bin_in_use(int set, unsigned bin)
{
    uint64_t low = bin < 64 ? sets[set].in_use[0] & (~0ULL << bin) : 0;
    if (low != 0)
        return lowest_bit(low);
    uint64_t high = sets[set].in_use[1];
    if (bin > 64)
        high = bin < BINS ? high & (~0ULL << (bin - 64)) : 0;
    return high != 0 ? 64 + lowest_bit(high) : BINS;
}

uint32_t runs_take(enum span_kind kind, size_t granules, size_t align)
{
    int set = set_of(kind);
    for (unsigned bin = bin_of(granules); (bin = next_bin_in_use(set, bin)) < BINS; bin++) {
        uint32_t start = 0;
        uint32_t run = best_in_list(sets[set].bins[bin], granules, align, &start);
        if (run == 0)
            continue;
        cut_run(run, start, granules);
        return start;
    }
    return 0;
}

enum span_kind runs_take_at(uint32_t index, size_t granules)
{
    if (!granule_is_ours(index))
        return SPAN_NONE;
    enum span_kind kind = span_kind(span_at(index));
    if (kind < SPAN_CLEAN || kind > SPAN_OLD || span_at(index)->granules < granules)
        return SPAN_NONE;
    cut_run(index, index, granules);
    return kind;
}

uint32_t runs_take_any(enum span_kind kind, size_t *granules)
{
    unsigned bin = next_bin_in_use(set_of(kind), 0);
    if (bin == BINS)
        return 0;
    uint32_t index = sets[set_of(kind)].bins[bin];
    *granules = span_at(index)->granules;
    remove_run(index);
    return index;
}

void runs_forget(void)
{
    for (int set = 0; set < KINDS; set++) {
        sets[set].in_use[0] = sets[set].in_use[1] = 0;
        for (unsigned bin = 0; bin < BINS; bin++)
            sets[set].bins[bin] = 0;
    }
}
