/* SPDX-License-Identifier: MIT */
/* figures.c: a preload library that stands for barrow in the tests of the command: it leaves figures
 * that are known beforehand in the page of `barrow run --stats`, as lib/diag/stats_page.h says, but
 * allocates nothing. */
#include "diag/stats_page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct stats_record *record;

static const struct barrow_stats at_end = {
    .size = sizeof at_end,
    .live_blocks = 1,
    .live_bytes = 1023,
    .cached_blocks = 12,
    .cached_bytes = 1024,
    .committed = 1572864,
    .committed_peak = 1073741824,
    .reserved = 1099511627776,
    .purged = 1048575,
    .reservations = 2,
    .spans = 1234,
    .slabs = 1200,
    .large_blocks = 34,
    .large_bytes = 35651584,
    .threads = 3,
    .theaps = 7,
    .allocations = 1234567,
    .allocated_bytes = UINT64_MAX,
    .frees = 999,
    .refused = 21,
};

/* As after five calls of a thread, and three frees of another. */
static void count(void)
{
    record->stats.committed = record->stats.committed_peak = 2 << 20;
    atomic_store(&record->stripes[1].allocations, 5);
    atomic_store(&record->stripes[1].allocated_bytes, 5000);
    atomic_store(&record->stripes[1].live_blocks, 5);
    atomic_store(&record->stripes[1].live_bytes, 5120);
    atomic_store(&record->stripes[2].frees, 3);
    atomic_store(&record->stripes[2].live_blocks, (uint64_t)-3);
    atomic_store(&record->stripes[2].live_bytes, (uint64_t)-3072);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(STATS_PAGE_VARIABLE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    struct stats_page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED || memcmp(page->magic, STATS_PAGE_MAGIC, sizeof page->magic) != 0)
        abort();
    uint32_t number = atomic_fetch_add(&page->taken, 1);
    if (number >= STATS_RECORDS)
        return;
    record = &page->records[number];
    record->pid = (uint32_t)getpid();
    strcpy(record->name, "a name");
    count();
    atomic_store(&record->state, STATS_RUNNING);
}

__attribute__((destructor)) static void end(void)
{
    if (!record || record->pid != (uint32_t)getpid())
        return;
    record->stats = at_end;
    atomic_store(&record->state, STATS_EXITED);
}
