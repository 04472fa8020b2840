/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void top_size(char *text, size_t size, double bytes)
{
    static const char units[] = "BKMGTPE";
    unsigned unit = 0;
    bool negative = bytes < 0;
    for (bytes = negative ? -bytes : bytes; bytes >= 999.95 && unit < 6; unit++)
        bytes /= 1024;
    snprintf(text, size, unit ? "%s%.1f%c" : "%s%.0f%c", negative ? "-" : "", bytes, units[unit]);
}

void top_title(char *text, size_t size)
{
    snprintf(text, size, "%7s %7s %7s %7s %7s %7s %8s %8s  %s", "PID", "LIVE", "CACHED", "COMMIT",
             "RES", "PEAK", "CHANGE/s", "ALLOC/s", "NAME");
}

void top_row(char *text, size_t size, const struct watched *watched)
{
    char sizes[6][16], calls[16] = "-";
    const struct barrow_stats *stats = &watched->stats;
    const double bytes[] = { (double)stats->live_bytes,     (double)stats->cached_bytes,
                             (double)stats->committed,      (double)watched->resident,
                             (double)stats->committed_peak, watched->change };
    for (int i = 0; i < 6; i++)
        top_size(sizes[i], sizeof sizes[i], bytes[i]);
    if (watched->calls >= 0)
        snprintf(calls, sizeof calls, "%.0f", watched->calls);
    snprintf(text, size, "%7jd %7s %7s %7s %7s %7s %8s %8s  %s", (intmax_t)watched->pid, sizes[0],
             sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], calls, watched->name);
}

/* ---- one process ---------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add(struct lines *lines, const char *format, ...)
{
    va_list arguments;
    if (lines->count == lines->room) {
        size_t room = lines->room * 2 + 64;
        void *text = realloc(lines->text, room * sizeof *lines->text);
        if (!text)
            return;
        lines->text = text;
        lines->room = room;
    }
    va_start(arguments, format);
    vsnprintf(lines->text[lines->count++], sizeof *lines->text, format, arguments);
    va_end(arguments);
}

static void add_heap(struct lines *lines, const struct view_heap *heap)
{
    char committed[16], peak[16], limit[16] = "-", unnamed[32];
    uint64_t most = heap->limit ? heap->limit : heap->maximum;
    top_size(committed, sizeof committed, (double)heap->committed);
    top_size(peak, sizeof peak, (double)heap->committed_peak);
    if (most)
        top_size(limit, sizeof limit, (double)most);
    snprintf(unnamed, sizeof unnamed, "0x%" PRIx64, heap->handle);
    add(lines, "  %-30.30s %9s %9s %9s %9" PRIu64, heap->name[0] ? heap->name : unnamed, committed,
        peak, limit, heap->refused);
}

static void add_heaps(struct lines *lines, const struct view *view)
{
    add(lines, "  %-30s %9s %9s %9s %9s", "HEAP", "COMMIT", "PEAK", "LIMIT", "REFUSED");
    struct view_heap process = { .name = "malloc",
                                 .committed = view->stats.committed,
                                 .committed_peak = view->stats.committed_peak,
                                 .limit = view->stats.commit_limit,
                                 .refused = view->stats.refused };
    add_heap(lines, &process);
    for (size_t i = 0; i < view->heaps_count; i++)
        if (view->heaps[i].number != 0)
            add_heap(lines, &view->heaps[i]);
}

static void add_class(struct lines *lines, const struct view_class *class)
{
    char memory[16], waste[16], bar[13];
    uint64_t live = class->used > class->cached ? class->used - class->cached : 0,
             bytes = live * class->block;
    double fill = class->bytes ? (double)bytes / (double)class->bytes : 0;
    size_t full = fill >= 1 ? 12 : (size_t)(fill * 12 + .5);
    memset(bar, '|', full);
    memset(bar + full, '.', 12 - full);
    bar[12] = '\0';
    top_size(memory, sizeof memory, (double)class->bytes);
    top_size(waste, sizeof waste, class->bytes > bytes ? (double)(class->bytes - bytes) : 0);
    add(lines, "  %8" PRIu64 " %7" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8s %8s [%s]%4.0f%%",
        class->block, class->slabs, live, class->cached, memory, waste, bar,
        fill > 1 ? 100 : fill * 100);
}

static int more_cached(const void *a, const void *b)
{
    const struct view_thread *left = a, *right = b;
    return (left->cached_bytes < right->cached_bytes) - (left->cached_bytes > right->cached_bytes);
}

static void add_threads(struct lines *lines, const struct view *view)
{
    char cached[16];
    qsort(view->threads, view->threads_count, sizeof *view->threads, more_cached);
    add(lines, "  %8s %9s %9s %s", "THREAD", "CACHED", "BLOCKS", "");
    for (size_t i = 0; i < view->threads_count; i++) {
        const struct view_thread *thread = &view->threads[i];
        top_size(cached, sizeof cached, (double)thread->cached_bytes);
        add(lines, "  %8" PRIu32 " %9s %9" PRIu64 " %s", thread->number, cached,
            thread->cached_blocks, thread->idle ? "ended" : "");
    }
}

void top_detail(struct lines *lines, const struct view *view)
{
    lines->count = 0;
    add_heaps(lines, view);
    add(lines, "%s", "");
    add(lines, "  %8s %7s %9s %9s %8s %8s %s", "BLOCK", "SLABS", "LIVE", "CACHED", "MEMORY",
        "WASTE", "FILL");
    for (uint32_t i = 0; i < view->classes_count; i++)
        if (view->classes[i].slabs)
            add_class(lines, &view->classes[i]);
    add(lines, "%s", "");
    add_threads(lines, view);
}
