/* SPDX-License-Identifier: MIT */
#include "account.h"
#include "size.h"
#include "stats.h"

#include <inttypes.h>

#define COUNT(value) (count_text(value).text)
#define SIZE(value)  (size_text(value).text)

static const char *limit_text(const struct view_heap *heap)
{
    uint64_t limit = heap->limit ? heap->limit : heap->maximum;
    static struct figure figure;
    figure = size_text(limit);
    return limit ? figure.text : "-";
}

static void print_heaps(FILE *out, const struct view *view)
{
    bool titled = false;
    for (size_t i = 0; i < view->heaps_count; i++) {
        const struct view_heap *heap = &view->heaps[i];
        if (heap->number == 0)
            continue;
        if (!titled)
            fprintf(out, "\n  %-24s %12s %12s %12s %10s\n", "PRIVATE HEAP", "COMMITTED", "PEAK",
                    "LIMIT", "REFUSED");
        titled = true;
        char unnamed[32];
        snprintf(unnamed, sizeof unnamed, "0x%" PRIx64, heap->handle);
        fprintf(out, "  %-24.24s %12s %12s %12s %10s\n", heap->name[0] ? heap->name : unnamed,
                SIZE(heap->committed), SIZE(heap->committed_peak), limit_text(heap),
                COUNT(heap->refused));
    }
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 100 / (double)whole + .5) : 0;
}

static void print_classes(FILE *out, const struct view *view)
{
    fprintf(out, "\n  %10s %10s %12s %12s %12s %6s\n", "BLOCK SIZE", "SLABS", "BLOCKS", "CACHED",
            "MEMORY", "IN USE");
    for (uint32_t i = 0; i < view->classes_count; i++) {
        const struct view_class *class = &view->classes[i];
        uint64_t live = class->used > class->cached ? class->used - class->cached : 0;
        if (class->slabs)
            fprintf(out, "  %10s %10s %12s %12s %12s %5u%%\n", COUNT(class->block),
                    COUNT(class->slabs), COUNT(live), COUNT(class->cached), SIZE(class->bytes),
                    percent(live * class->block, class->bytes));
    }
}

void stats_text(FILE *out, const struct view *view)
{
    fprintf(out, "barrow %s: the heap of %s, process %jd\n", view->library, view->name,
            (intmax_t)view->pid);
    account_print_heap(out, &view->stats);
    print_classes(out, view);
    print_heaps(out, view);
}
