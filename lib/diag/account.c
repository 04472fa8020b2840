/* SPDX-License-Identifier: MIT */
/* account.c: writes the figures at the process's end. The text is made in a buffer on the stack and written by one
 * call, so the blocks of processes that end together do not mix. Called once, by shim/startup.c; takes no lock. */
#include "diag/account.h"

#include "barrow/barrow.h"
#include "diag/message.h"
#include "os/process.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define FIELD(name) #name, offsetof(struct barrow_stats, name)

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    { FIELD(live_blocks) },  { FIELD(live_bytes) },  { FIELD(cached_blocks) },
    { FIELD(cached_bytes) }, { FIELD(committed) },   { FIELD(committed_peak) },
    { FIELD(commit_limit) }, { FIELD(reserved) },    { FIELD(purged) },
    { FIELD(reservations) }, { FIELD(spans) },       { FIELD(slabs) },
    { FIELD(large_blocks) }, { FIELD(large_bytes) }, { FIELD(threads) },
    { FIELD(theaps) },       { FIELD(allocations) }, { FIELD(allocated_bytes) },
    { FIELD(frees) },        { FIELD(refused) },
};

enum { MOST = 2048 };

struct text {
    char bytes[MOST];
    size_t length;
};

static void PRINTF(2, 3) add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->bytes + text->length, MOST - text->length, format, arguments);
    va_end(arguments);
    if (n > 0)
        text->length += (size_t)n < MOST - text->length ? (size_t)n : MOST - 1 - text->length;
}

/* The program's name, without what would break the line. */
static void add_name(struct text *text)
{
    for (const char *c = os_program_name(); c != NULL && *c != '\0'; c++)
        add(text, "%c", (unsigned char)*c < ' ' || *c == 127 ? '?' : *c);
}

void account_append(const struct barrow_stats *stats, const char *path)
{
    struct text text = { .length = 0 };
    add(&text, "barrow-stats %d ", os_process_id());
    add_name(&text);
    add(&text, "\n");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        add(&text, "%s %" PRIu64 "\n", fields[i].name,
            *(const uint64_t *)(const void *)((const char *)stats + fields[i].offset));
    add(&text, "end\n");
    if (!os_append_file(path, text.bytes, text.length))
        message("BARROW_STATS=%.100s is ignored: the file can't be written", path);
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024 * 1024);
}

void account_print(const struct barrow_stats *stats)
{
    message("account of process %d (%.100s)", os_process_id(), os_program_name());
    message("  allocated %" PRIu64 " blocks, %.1f MiB; freed %" PRIu64 " blocks",
            stats->allocations, mib(stats->allocated_bytes), stats->frees);
    message("  live      %" PRIu64 " blocks, %.1f MiB", stats->live_blocks, mib(stats->live_bytes));
    message("  committed %.1f MiB, at most %.1f MiB; given back %.1f MiB", mib(stats->committed),
            mib(stats->committed_peak), mib(stats->purged));
    message("  spans     %" PRIu64 ": %" PRIu64 " slabs, %" PRIu64 " large blocks", stats->spans,
            stats->slabs, stats->large_blocks);
    message("  threads   %" PRIu64 " at the end, %" PRIu64 " at once at most", stats->threads,
            stats->theaps);
}
