/* SPDX-License-Identifier: MIT */
#include "medium/free_runs.h"

enum { LOOKS = 4 /* at runs of a list of which not each will do */ };

static const struct place nowhere = { NULL, 0 };

static bool fits(struct place run, uint32_t cells, uint32_t align)
{
    uint32_t front = -run.cell & (align - 1);
    return cell_of(run)->length >= front + cells;
}

static struct place find_among(const struct free_runs *runs, unsigned list, uint32_t cells,
                               uint32_t align)
{
    uint32_t word = runs->first[list];
    for (int i = 0; i < LOOKS && word != 0; i++) {
        struct place run = place_at(word);
        if (fits(run, cells, align))
            return run;
        word = cell_of(run)->next;
    }
    return nowhere;
}

struct place free_runs_find(const struct free_runs *runs, uint32_t cells, uint32_t align)
{
    ASSERT(cells >= 1 && cells + align - 1 <= MAP_CELLS && is_power_of_two(align));
    uint32_t longest = cells + align - 1; /* as long a run will do wherever it starts */
    unsigned sure = longest == 1 ? 0 : run_list_of(longest - 1) + 1;
    unsigned list = run_list_from(runs, run_list_of(cells));
    for (; list < sure; list = run_list_from(runs, list + 1)) {
        struct place run = find_among(runs, list, cells, align);
        if (run.map != NULL)
            return run;
    }
    return list < RUN_LISTS ? place_at(runs->first[list]) : nowhere;
}

struct place free_runs_longest(const struct free_runs *runs)
{
    if (runs->in_use[1] != 0)
        return place_at(runs->first[64 + highest_bit(runs->in_use[1])]);
    if (runs->in_use[0] != 0)
        return place_at(runs->first[highest_bit(runs->in_use[0])]);
    return nowhere;
}
