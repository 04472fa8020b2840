/* SPDX-License-Identifier: MIT */
/* purge.c: pages inside free runs go back to the system. While they do the run is pinned: it is in no
 * index, so nobody takes it and no neighbour is joined with it, and the lock need not be held. */
#include "medium/medium.h"

#include "medium/pages.h"
#include "os/vm.h"
#include "region/region.h"

enum { WORTH_IT = 16 };

/* The cells of a run whose pages are given back without being asked for. At least one of the system's
 * pages lies inside. */
static uint32_t worth_it(void)
{
    uint32_t two_pages = (uint32_t)(2 * os_page_size() >> CELL_SHIFT);
    return two_pages > WORTH_IT ? two_pages : WORTH_IT;
}

static struct pages pages_of(struct place run)
{
    return pages_inside(run.cell, cell_of(run)->length);
}

static void pin(struct medium *medium, struct place run)
{
    free_runs_remove(&medium->dirty, run);
    set_state(run, CELL_PINNED);
    medium->pinned++;
}

bool medium_pin(struct medium *medium)
{
    struct place run = free_runs_longest(&medium->dirty);
    if (medium->due != 0 || run.map == NULL || cell_of(run)->length < worth_it())
        return false;
    pin(medium, run);
    medium->due = place_word(run);
    return true;
}

bool medium_discard(struct place run)
{
    struct pages pages = pages_of(run);
    char *start = (char *)run.map->start + ((size_t)pages.first << MAP_PAGE_SHIFT);
    return pages.first == pages.end ||
           os_discard(start, (size_t)(pages.end - pages.first) << MAP_PAGE_SHIFT);
}

/* Pages of a map that have once gone back may hold what was there, see os_discard. */
static size_t note_gone(struct medium *medium, struct place run)
{
    run.map->zero = false;
    size_t bytes = (size_t)pages_gone(medium, run.map, pages_of(run)) << MAP_PAGE_SHIFT;
    region_account_purge(bytes);
    return bytes;
}

size_t medium_unpin(struct medium *medium, struct place run, bool gone)
{
    ASSERT(state_of(run) == CELL_PINNED && medium->pinned > 0);
    medium->pinned--;
    size_t bytes = gone ? note_gone(medium, run) : 0;
    medium_join(medium, run);
    return bytes;
}

uint32_t medium_pin_dirty(struct medium *medium, struct place *runs, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t number = medium->maps; number != 0; number = map_by_number(number)->next)
        for (struct place run = { map_by_number(number), 0 }; count < max && medium_next(&run);
             run.cell += cell_of(run)->length)
            if (state_of(run) == CELL_DIRTY && pages_touched(run.map, pages_of(run)) != 0) {
                pin(medium, run);
                runs[count++] = run;
            }
    return count;
}

/* The region knows spans that may hold memory and spans that hold none, and nothing in between. Taken
 * again as one that does, the span would not tell that its pages are missed, and a steady cycle that
 * gives them back would not learn to keep them. */
void medium_free_emptied(uint32_t index)
{
    while (index != 0) {
        struct span *span = span_at(index);
        size_t bytes = (size_t)span->granules << GRANULE_SHIFT;
        index = span->next;
        span->emptied = span->hollow && os_purge(span_start(span), bytes);
        region_free(span);
    }
}

void medium_unpin_all(struct medium *medium)
{
    medium->due = 0;
    for (uint32_t number = medium->maps; number != 0 && medium->pinned != 0;) {
        struct place run = { map_by_number(number), 0 };
        number = run.map->next; /* the span may be empty then, and go */
        for (; medium_next(&run); run.cell += cell_of(run)->length)
            if (state_of(run) == CELL_PINNED) {
                medium_unpin(medium, run, false);
                run.cell = 0;
            }
    }
}
