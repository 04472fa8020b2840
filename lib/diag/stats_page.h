/* SPDX-License-Identifier: MIT */
/* stats_page.h: figures that outlive their process. `barrow run --stats` makes the page, a file in
 * memory, and names it to the programs that it starts by the variable BARROW_STATS_PAGE. Each image
 * of a process (after exec, after fork) takes a record, and counts there while it runs; so the command
 * has the figures however the process ends. Processes without the variable have no page.
 *
 *     | struct stats_page | record 0 | record 1 | ...
 *
 * All words are written with relaxed atomic stores, by the process only; but `taken`. */
#ifndef BARROW_DIAG_STATS_PAGE_H
#define BARROW_DIAG_STATS_PAGE_H

#include "barrow/barrow.h"

#include <stdatomic.h>

#define STATS_PAGE_VARIABLE "BARROW_STATS_PAGE"
#define STATS_PAGE_MAGIC    "barrow stats 1\n"

enum {
    STATS_RECORDS = 4095, /* of a page; images beyond them are only counted */
    STATS_STRIPES = 8,    /* threads count in one of these each, by their theap's number */
    STATS_NAME = 64
};

enum stats_state {
    STATS_NONE,
    STATS_RUNNING, /* or ended without a word: by a signal, _exit, or exec */
    STATS_EXITED   /* `stats` is the account at the end */
};

/* Counted since the process began, blocks of private heaps left out. `live_bytes` may be less than 0
 * in one stripe, by blocks that other threads allocated: the sum is right, modulo 2^64. */
struct stats_stripe {
    _Atomic uint64_t allocations, allocated_bytes, frees, live_blocks, live_bytes;
    uint64_t unused[3];
};

struct stats_record {
    _Atomic uint32_t state; /* enum stats_state; stored with release when the rest is complete */
    uint32_t pid;
    char name[STATS_NAME];
    /* While the process runs: committed to reservations, theaps, threads and refused are kept up to
     * date; the counts are in the stripes. */
    struct barrow_stats stats;
    _Alignas(64) struct stats_stripe stripes[STATS_STRIPES];
};

struct stats_page {
    char magic[16];
    uint32_t size, record_size; /* of struct barrow_stats and of a record: the same build's */
    _Atomic uint32_t taken;     /* records asked for so far; may be more than there are */
    _Alignas(sizeof(uint64_t) * 8) struct stats_record records[STATS_RECORDS];
};

#endif
