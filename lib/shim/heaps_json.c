/* SPDX-License-Identifier: MIT */
/* heaps_json.c: heaps and their figures as JSON (RFC 8259), as snprintf does it: stores what fits and
 * returns the whole length. */
#include "shim/face.h"
#include "shim/heaps.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *bytes;
    size_t size;   /* of the buffer, with the 0 at the end */
    size_t length; /* of the whole text */
};

static void add_bytes(struct text *text, const char *bytes, size_t count)
{
    if (text->length < text->size) {
        size_t space = text->size - text->length;
        memcpy(text->bytes + text->length, bytes, count < space ? count : space);
    }
    text->length += count;
}

static void PRINTF(2, 3) add(struct text *text, const char *format, ...)
{
    char piece[128]; /* names are written apart */
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    ASSERT(n >= 0 && (size_t)n < sizeof piece);
    add_bytes(text, piece, (size_t)n);
}

static void add_string(struct text *text, const char *string)
{
    add(text, "\"");
    for (; *string != '\0'; string++)
        if (*string == '"' || *string == '\\')
            add(text, "\\%c", *string);
        else if ((unsigned char)*string < ' ' || *string == 127)
            add(text, "\\u%04x", (unsigned)*string);
        else
            add_bytes(text, string, 1);
    add(text, "\"");
}

static void add_flag(struct text *text, const char *name, bool is_set)
{
    add(text, ", \"%s\": %s", name, is_set ? "true" : "false");
}

static void add_figure(struct text *text, const char *name, uint64_t figure)
{
    add(text, ", \"%s\": %" PRIu64, name, figure);
}

static void add_heap(struct text *text, struct private_heap *heap, enum known known)
{
    struct barrow_heap_stats stats;
    heaps_figures(heap, known, &stats);
    add(text, "{\"handle\": \"%p\", \"name\": ", (void *)heap);
    add_string(text, stats.name);
    add_flag(text, "serialized", stats.flags & BARROW_HEAP_SERIALIZED);
    add_flag(text, "bounded", stats.flags & BARROW_HEAP_BOUNDED);
    add_flag(text, "executable", stats.flags & BARROW_HEAP_EXECUTABLE);
    add_flag(text, "process", stats.flags & BARROW_HEAP_PROCESS);
    if (known == KNOWN_ALL) {
        add_figure(text, "live_blocks", stats.live_blocks);
        add_figure(text, "live_bytes", stats.live_bytes);
    }
    if (known != KNOWN_LIMITS) {
        add_figure(text, "committed", stats.committed);
        add_figure(text, "committed_peak", stats.committed_peak);
    }
    add_figure(text, "reserved", stats.reserved);
    add_figure(text, "maximum", stats.maximum);
    add_figure(text, "limit", stats.limit);
    add_figure(text, "refused", stats.refused);
    add(text, "}");
}

static int finish(struct text *text)
{
    if (text->size != 0)
        text->bytes[text->length < text->size ? text->length : text->size - 1] = '\0';
    return text->length < INT_MAX ? (int)text->length : INT_MAX;
}

static int invalid(void)
{
    errno = EINVAL;
    return -1;
}

EXPORT int barrow_heap_json(void *handle, char *buffer, size_t size)
{
    struct private_heap *heap = private_heap_of(handle);
    struct text text = { buffer, size, 0 };
    if (heap == NULL || (buffer == NULL && size != 0))
        return invalid();
    private_lock(heap);
    add_heap(&text, heap, KNOWN_ALL);
    private_unlock(heap);
    return finish(&text);
}

/* One that is being destroyed is left out. */
static void add_pinned(struct text *text, struct private_heap *heap)
{
    enum known known = heaps_known(heap);
    bool locked = known == KNOWN_ALL && private_lock_pinned(heap);
    if (known == KNOWN_ALL && !locked)
        return;
    add_bytes(text, ",\n ", text->length > 1 ? 3 : 0);
    add_heap(text, heap, known);
    if (locked)
        private_unlock(heap);
}

EXPORT int barrow_heaps_json(char *buffer, size_t size)
{
    struct text text = { buffer, size, 0 };
    if (buffer == NULL && size != 0)
        return invalid();
    private_process_heap(); /* made first, so that it is first in the list */
    add(&text, "[");
    for (struct private_heap *heap = NULL; (heap = private_pin_next(heap)) != NULL;)
        add_pinned(&text, heap);
    add(&text, "]\n");
    return finish(&text);
}
