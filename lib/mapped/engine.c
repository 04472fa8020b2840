/* SPDX-License-Identifier: MIT */
/* engine.c: the bounded engine, journaled: its beginning, and what is believed of a heap's records
 * when a file is opened. The engine itself is lib/private's, compiled a second time. */
#define BOUNDED_JOURNALED 1
#include "private/bounded.c"

size_t bounded_least(size_t maximum)
{
    struct plan plan = plan_records(maximum);
    return round_up(plan.end + (BOUNDED_LEAST + 2) * BOUNDED_UNIT, PAGE);
}

void bounded_format(struct bounded *heap, size_t maximum, size_t committed)
{
    struct plan plan = plan_records(maximum);
    bounded_journal_begin(heap);
    start(heap, maximum, committed, &plan);
    bounded_journal_end(heap);
}

/* All that a reader believes of the records: the places of everything. A change touches none of them
 * except the frontier, one word, which is looked at once. */
bool bounded_places_are_sound(const struct bounded *heap, size_t maximum, size_t committed)
{
    struct plan plan = plan_records(maximum);
    uint64_t first = (plan.end + 8 + BOUNDED_UNIT - 1) / BOUNDED_UNIT;
    uint64_t frontier = __atomic_load_n(&heap->frontier, __ATOMIC_RELAXED);
    return heap->end == maximum / BOUNDED_UNIT && heap->limit == heap->end &&
           heap->levels == plan.levels && heap->lists == plan.lists && heap->quick_fields == 0 &&
           heap->quick_bytes == 0 && heap->quick_room == bounded_quick_share(heap) &&
           heap->first == first && frontier <= committed / BOUNDED_UNIT && frontier > first &&
           frontier <= heap->end && frontier % (PAGE / BOUNDED_UNIT) == 0 &&
           heap->initial <= heap->end && heap->key >> 63 == 1 && heap->key % 2 == 1;
}

static bool list_is_sound(const struct bounded *heap, unsigned list)
{
    bool in_use = heap->sublists[list / BOUNDED_SUBLISTS] >> list % BOUNDED_SUBLISTS & 1;
    uint64_t unit = index_lists(heap)[list];
    return in_use ? is_unit(heap, unit) : unit == no_block(heap);
}

/* All that the engine believes without asking again: the places, and that the lists' heads are
 * blocks. */
bool bounded_records_are_sound(const struct bounded *heap, size_t maximum, size_t committed)
{
    if (!bounded_places_are_sound(heap, maximum, committed) || heap->fresh < heap->first ||
        heap->fresh > heap->frontier)
        return false;
    for (unsigned level = 0; level < BOUNDED_LEVELS; level++)
        if ((heap->level_bits >> level & 1) != (heap->sublists[level] != 0) ||
            (level >= heap->levels && heap->sublists[level] != 0))
            return false;
    for (unsigned list = 0; list < heap->levels * (unsigned)BOUNDED_SUBLISTS; list++)
        if (!list_is_sound(heap, list))
            return false;
    return heap->level_bits >> BOUNDED_LEVELS == 0;
}

/* Of a heap whose records can't be believed: all but the lists and the counts. */
void bounded_restore_places(struct bounded *heap, size_t maximum, size_t committed, uint64_t key,
                            uint64_t salt)
{
    struct plan plan = plan_records(maximum);
    uint64_t page = PAGE / BOUNDED_UNIT, most = committed / PAGE * page, frontier = heap->frontier;
    uint64_t end = maximum / BOUNDED_UNIT;
    most = most < end ? most : end;
    if (frontier > most || frontier % page != 0 || frontier < bounded_least(maximum) / BOUNDED_UNIT)
        frontier = most;
    *heap = (struct bounded){ .key = key,
                              .salt = salt,
                              .unkey = inverse(key),
                              .quick_last = frontier - 1,
                              .first = (plan.end + 8 + BOUNDED_UNIT - 1) / BOUNDED_UNIT,
                              .frontier = frontier,
                              .end = end,
                              .limit = end,
                              .initial = bounded_least(maximum) / BOUNDED_UNIT,
                              .reached = frontier,
                              .lists = (uint32_t)plan.lists,
                              .levels = (uint16_t)plan.levels };
    heap->quick_room = bounded_quick_share(heap);
}
