/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include "json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char snapshot_kinds[] = "-rcdgmlspLMb";

_Static_assert(sizeof snapshot_kinds == VIEW_BOUNDED + 2, "a letter for each kind");

static void write_name(FILE *out, const char *name)
{
    if (*name == '\0')
        fputc('-', out);
    for (; *name; name++)
        if (isalnum((unsigned char)*name) || strchr("-._", *name))
            fputc(*name, out);
        else
            fprintf(out, "%%%02X", (unsigned)(unsigned char)*name);
    fputc('\n', out);
}

static void write_stat(const char *name, uint64_t value, void *out)
{
    fprintf(out, "stat %s %" PRIu64 "\n", name, value);
}

/* Lengths of stretches of ones and zeros in turn. */
static void write_bits(FILE *out, struct bits bits)
{
    fputc(' ', out);
    if (bits.words == NULL)
        fputc('-', out);
    bool value = true, begun = false;
    for (size_t first = 0, end; bits.words && first < bits.count; first = end, value = !value) {
        for (end = first; end < bits.count && bit(&bits, end) == value;)
            end++;
        fprintf(out, begun ? ",%zu" : "%zu", end - first);
        begun = true;
    }
    free(bits.words);
}

static bool has_memory(const struct view_span *span)
{
    return span->kind != LAYOUT_RESERVED && span->kind != LAYOUT_CLEAN;
}

static void write_span(FILE *out, const struct view *view, const struct remote *remote,
                       const struct view_span *span, bool with_blocks)
{
    struct bits none = { NULL, 0 };
    fprintf(out, "span %" PRIx64 " %" PRIx64 " %c %u %" PRIu32 " %" PRIu32, span->address,
            span->bytes, snapshot_kinds[span->kind], span->size_class, span->used, span->heap);
    write_bits(out, has_memory(span) ? view_resident(remote, span) : none);
    write_bits(out, with_blocks && span->kind == LAYOUT_SLAB
                        ? view_blocks(remote, span, view->classes[span->size_class].block)
                        : none);
    fputc('\n', out);
}

/* A heap with a reservation is not in the page map. */
static void write_bounded(FILE *out, const struct view *view, const struct remote *remote,
                          size_t number)
{
    const struct view_heap *heap = &view->heaps[number];
    uint64_t bytes = heap->end - heap->start;
    if (!heap->bounded || heap->end <= heap->start || heap->committed > bytes)
        return;
    struct view_span span = { .address = heap->start,
                              .bytes = heap->committed,
                              .kind = VIEW_BOUNDED,
                              .heap = (uint32_t)number + 1 };
    if (span.bytes)
        write_span(out, view, remote, &span, false);
    span.address += span.bytes;
    span.bytes = bytes - span.bytes;
    span.kind = LAYOUT_RESERVED;
    if (span.bytes)
        write_span(out, view, remote, &span, false);
}

static void write_heaps(FILE *out, const struct view *view)
{
    for (size_t i = 0; i < view->heaps_count; i++) {
        const struct view_heap *heap = &view->heaps[i];
        fprintf(out, "heap %zu %" PRIx64 " %" PRIu64 " %" PRIu64 " ", i + 1, heap->handle,
                heap->committed, heap->limit ? heap->limit : heap->maximum);
        write_name(out, heap->number == 0 ? "process heap" : heap->name);
    }
}

void snapshot_write(FILE *out, const struct view *view, const struct remote *remote, double seconds,
                    uint64_t slabs_most)
{
    uint64_t slabs = 0;
    fprintf(out, "snapshot %jd %.3f ", (intmax_t)view->pid, seconds);
    write_name(out, view->name);
    stats_fields(&view->stats, write_stat, out);
    for (uint32_t i = 0; i < view->classes_count; i++) {
        slabs += view->classes[i].bytes;
        if (view->classes[i].slabs)
            fprintf(out, "class %" PRIu32 " %" PRIu64 "\n", i, view->classes[i].block);
    }
    write_heaps(out, view);
    for (size_t i = 0; i < view->spans_count; i++)
        write_span(out, view, remote, &view->spans[i], slabs <= slabs_most);
    for (size_t i = 0; i < view->heaps_count; i++)
        write_bounded(out, view, remote, i);
    fputs("end\n", out);
}
