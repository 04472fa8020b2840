/* SPDX-License-Identifier: MIT */
#include "json.h"
#include "stats.h"

#include <inttypes.h>

static void figure(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, ", \"%s\": %" PRIu64, name, value);
}

static void flag(FILE *out, const char *name, bool value)
{
    fprintf(out, ", \"%s\": %s", name, value ? "true" : "false");
}

static void field(const char *name, uint64_t value, void *out)
{
    fprintf(out, ",\n \"%s\": %" PRIu64, name, value);
}

static void add_class(FILE *out, const struct view_class *class)
{
    fprintf(out, "{\"block_bytes\": %" PRIu64, class->block);
    figure(out, "slabs", class->slabs);
    figure(out, "capacity", class->capacity);
    figure(out, "used", class->used);
    figure(out, "cached", class->cached);
    figure(out, "bytes", class->bytes);
    fputs("}", out);
}

static void add_heap(FILE *out, const struct view_heap *heap)
{
    fprintf(out, "{\"handle\": \"0x%" PRIx64 "\", \"name\": ", heap->handle);
    json_string(out, heap->name);
    flag(out, "serialized", heap->serialized);
    flag(out, "bounded", heap->bounded);
    figure(out, "committed", heap->committed);
    figure(out, "committed_peak", heap->committed_peak);
    figure(out, "maximum", heap->maximum);
    figure(out, "limit", heap->limit);
    figure(out, "refused", heap->refused);
    fputs("}", out);
}

static void add_thread(FILE *out, const struct view_thread *thread)
{
    fprintf(out, "{\"number\": %" PRIu32, thread->number);
    flag(out, "idle", thread->idle);
    figure(out, "cached_blocks", thread->cached_blocks);
    figure(out, "cached_bytes", thread->cached_bytes);
    figure(out, "allocations", thread->allocations);
    figure(out, "frees", thread->frees);
    fputs("}", out);
}

static void add_classes(FILE *out, const struct view *view)
{
    const char *before = "";
    fputs(",\n \"size_classes\": [", out);
    for (uint32_t i = 0; i < view->classes_count; i++)
        if (view->classes[i].slabs) {
            fprintf(out, "%s\n  ", before);
            add_class(out, &view->classes[i]);
            before = ",";
        }
    fputs("]", out);
}

void stats_json(FILE *out, const struct view *view)
{
    fprintf(out, "{\"pid\": %jd,\n \"name\": ", (intmax_t)view->pid);
    json_string(out, view->name);
    fputs(",\n \"library\": ", out);
    json_string(out, view->library);
    stats_fields(&view->stats, field, out);
    add_classes(out, view);
    fputs(",\n \"private_heaps\": [", out);
    const char *before = "";
    for (size_t i = 0; i < view->heaps_count; i++)
        if (view->heaps[i].number != 0) {
            fprintf(out, "%s\n  ", before);
            add_heap(out, &view->heaps[i]);
            before = ",";
        }
    fputs("],\n \"threads_list\": [", out);
    for (size_t i = 0; i < view->threads_count; i++) {
        fputs(i ? ",\n  " : "\n  ", out);
        add_thread(out, &view->threads[i]);
    }
    fputs("]}\n", out);
}
