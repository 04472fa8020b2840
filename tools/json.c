/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stddef.h>

/* Bytes of the character in UTF-8 that begins there; 0 if none does. Surrogates and long forms are let
 * through: they are no names that a program would give. */
static size_t utf8_length(const char *text)
{
    unsigned char first = (unsigned char)*text;
    size_t length = first < 0x80                    ? 1
                    : first >= 0xC2 && first < 0xE0 ? 2
                    : first >= 0xE0 && first < 0xF0 ? 3
                    : first >= 0xF0 && first < 0xF5 ? 4
                                                    : 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        size_t length = utf8_length(text);
        if (length == 0)
            fputc('?', out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fwrite(text, 1, length, out);
        text += length ? length : 1;
    }
    fputc('"', out);
}

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct barrow_stats, name)                                                 \
    }

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    FIELD(live_blocks),  FIELD(live_bytes),      FIELD(cached_blocks), FIELD(cached_bytes),
    FIELD(committed),    FIELD(committed_peak),  FIELD(commit_limit),  FIELD(reserved),
    FIELD(purged),       FIELD(reservations),    FIELD(spans),         FIELD(slabs),
    FIELD(large_blocks), FIELD(large_bytes),     FIELD(threads),       FIELD(theaps),
    FIELD(allocations),  FIELD(allocated_bytes), FIELD(frees),         FIELD(refused),
};

void stats_fields(const struct barrow_stats *stats,
                  void (*each)(const char *name, uint64_t value, void *context), void *context)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        each(fields[i].name, *(const uint64_t *)((const char *)stats + fields[i].offset), context);
}
