/* SPDX-License-Identifier: MIT */
/* account_read.c: parses the blocks "barrow-stats PID NAME" to "end" (tools/README.md), and keeps the one of the
 * program's process. Unknown keys are skipped, missing ones are 0. */
#include "account.h"

#include <err.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct key {
    const char *name;
    size_t offset;
};

#define KEY(field) .name = #field, .offset = offsetof(struct barrow_stats, field)

static const struct key keys[] = {
    { KEY(live_blocks) },  { KEY(live_bytes) },      { KEY(cached_blocks) }, { KEY(cached_bytes) },
    { KEY(committed) },    { KEY(committed_peak) },  { KEY(commit_limit) },  { KEY(reserved) },
    { KEY(purged) },       { KEY(reservations) },    { KEY(spans) },         { KEY(slabs) },
    { KEY(large_blocks) }, { KEY(large_bytes) },     { KEY(threads) },       { KEY(theaps) },
    { KEY(allocations) },  { KEY(allocated_bytes) }, { KEY(frees) },
};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* One block while it is read. */
struct block {
    bool open;
    intmax_t pid;
    char name[64];
    struct barrow_stats stats;
};

bool account_open(struct account_file *file)
{
    char path[64];
    file->fd = memfd_create("barrow-stats", MFD_CLOEXEC);
    if (file->fd < 0) {
        warn("memfd_create");
        return false;
    }
    snprintf(path, sizeof path, "/proc/%jd/fd/%d", (intmax_t)getpid(), file->fd);
    if (setenv("BARROW_STATS", path, 1) != 0) {
        warn("BARROW_STATS");
        return false;
    }
    return true;
}

/* "barrow-stats PID NAME"; the name may be empty and may hold blanks. */
static bool block_begin(struct block *block, const char *line)
{
    static const char opening[] = "barrow-stats ";
    if (strncmp(line, opening, sizeof opening - 1) != 0)
        return false;
    char *end;
    block->open = true;
    block->pid = strtoimax(line + sizeof opening - 1, &end, 10);
    snprintf(block->name, sizeof block->name, "%s", end + strspn(end, " "));
    memset(&block->stats, 0, sizeof block->stats);
    return true;
}

/* "KEY VALUE". A key that is not known here is a newer library's. */
static void block_take(struct block *block, const char *line)
{
    char name[64];
    uint64_t value;
    if (sscanf(line, "%63s %" SCNu64, name, &value) != 2)
        return;
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            *(uint64_t *)((char *)&block->stats + keys[i].offset) = value;
}

static void block_end(struct block *block, pid_t pid, struct account *account)
{
    if (!block->open)
        return;
    block->open = false;
    if (block->pid != pid) {
        account->others++;
        return;
    }
    account->found = true;
    account->stats = block->stats;
    memcpy(account->name, block->name, sizeof account->name);
}

static void read_lines(FILE *in, pid_t pid, struct account *account)
{
    struct block block = { 0 };
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, in) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "end") == 0)
            block_end(&block, pid, account);
        else if (!block_begin(&block, line) && block.open)
            block_take(&block, line);
    }
    free(line);
}

bool account_read(const struct account_file *file, pid_t pid, struct account *account)
{
    memset(account, 0, sizeof *account);
    FILE *in = fdopen(file->fd, "r");
    if (!in) {
        warn("the account");
        return false;
    }
    rewind(in); /* the others wrote through descriptions of their own */
    read_lines(in, pid, account);
    fclose(in);
    return true;
}
