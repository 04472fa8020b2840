/* SPDX-License-Identifier: MIT */
/* stats_openmetrics.c: OpenMetrics 1.0, the successor of Prometheus' text form. A family's lines must
 * stand together, so each is written for all processes at once. */
#include "json.h"
#include "stats.h"

#include <inttypes.h>
#include <stddef.h>

#define STAT(field) offsetof(struct barrow_stats, field)
#define HEAP(field) offsetof(struct view_heap, field)

struct family {
    const char *name, *unit, *help; /* unit: NULL for none; it ends the name */
    bool counter;                   /* only rises; else a gauge */
    size_t offset;
};

static const struct family families[] = {
    { "barrow_live_blocks", NULL, "Blocks that the program holds.", false, STAT(live_blocks) },
    { "barrow_live_bytes", "bytes", "Their sizes.", false, STAT(live_bytes) },
    { "barrow_cached_blocks", NULL, "Free blocks in threads' caches.", false, STAT(cached_blocks) },
    { "barrow_cached_bytes", "bytes", "Their sizes.", false, STAT(cached_bytes) },
    { "barrow_committed_bytes", "bytes", "Memory charged to the heap.", false, STAT(committed) },
    { "barrow_committed_peak_bytes", "bytes", "The most that it was.", false,
      STAT(committed_peak) },
    { "barrow_commit_limit_bytes", "bytes", "The limit on it, 0 for none.", false,
      STAT(commit_limit) },
    { "barrow_reserved_bytes", "bytes", "Address space.", false, STAT(reserved) },
    { "barrow_purged_bytes", "bytes", "Memory given back to the system so far.", true,
      STAT(purged) },
    { "barrow_slabs", NULL, "Slabs.", false, STAT(slabs) },
    { "barrow_large_blocks", NULL, "Blocks with a span of their own.", false, STAT(large_blocks) },
    { "barrow_large_bytes", "bytes", "Their sizes.", false, STAT(large_bytes) },
    { "barrow_threads", NULL, "Threads that allocate.", false, STAT(threads) },
    { "barrow_refused_calls", NULL, "Calls that failed for want of memory.", true, STAT(refused) },
};

static const struct family heap_families[] = {
    { "barrow_heap_committed_bytes", "bytes", "Memory of a private heap.", false, HEAP(committed) },
    { "barrow_heap_committed_peak_bytes", "bytes", "The most that it was.", false,
      HEAP(committed_peak) },
    { "barrow_heap_limit_bytes", "bytes", "Its limit, 0 for none.", false, HEAP(limit) },
    { "barrow_heap_refused_calls", NULL, "Calls that it could not serve.", true, HEAP(refused) },
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static void head(FILE *out, const struct family *family)
{
    fprintf(out, "# TYPE %s %s\n", family->name, family->counter ? "counter" : "gauge");
    if (family->unit)
        fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
    fprintf(out, "# HELP %s %s\n", family->name, family->help);
}

static void sample(FILE *out, const struct family *family, const struct view *view,
                   const struct view_heap *heap, const void *structure)
{
    fprintf(out, "%s%s{pid=\"%jd\",name=", family->name, family->counter ? "_total" : "",
            (intmax_t)view->pid);
    json_string(out, view->name);
    if (heap) {
        fprintf(out, ",handle=\"0x%" PRIx64 "\",heap=", heap->handle);
        json_string(out, heap->name);
    }
    fprintf(out, "} %" PRIu64 "\n",
            *(const uint64_t *)(const void *)((const char *)structure + family->offset));
}

static void of_heaps(FILE *out, const struct family *family, const struct view *view)
{
    for (size_t i = 0; i < view->heaps_count; i++)
        if (view->heaps[i].number != 0)
            sample(out, family, view, &view->heaps[i], &view->heaps[i]);
}

void stats_openmetrics(FILE *out, const struct view *views, size_t count)
{
    for (size_t i = 0; i < LENGTH(families); i++) {
        head(out, &families[i]);
        for (size_t j = 0; j < count; j++)
            sample(out, &families[i], &views[j], NULL, &views[j].stats);
    }
    for (size_t i = 0; i < LENGTH(heap_families); i++) {
        head(out, &heap_families[i]);
        for (size_t j = 0; j < count; j++)
            of_heaps(out, &heap_families[i], &views[j]);
    }
    fputs("# EOF\n", out);
}
