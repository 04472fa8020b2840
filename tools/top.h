/* SPDX-License-Identifier: MIT */
/* top.h: the processes that barrow top watches, and its screens. */
#ifndef BARROW_TOOLS_TOP_H
#define BARROW_TOOLS_TOP_H

#include "heap_view.h"
#include "terminal.h"

#include <stdio.h>

enum { HISTORY = 60 }; /* samples that are kept */

struct watched {
    pid_t pid;
    bool seen; /* in the latest round */
    char name[64];
    struct barrow_stats stats;
    uint64_t resident;
    double taken_at; /* seconds */
    double change,
        calls; /* a second: of live bytes; of allocations, less than 0 when not counted */
    uint64_t live[HISTORY];
    size_t samples; /* so far */
};

enum order {
    BY_LIVE,
    BY_COMMITTED,
    BY_RESIDENT,
    BY_PEAK,
    BY_CHANGE,
    BY_CALLS,
    BY_PID,
    BY_NAME,
    ORDERS
};

struct watch {
    struct watched *list;
    size_t count, room;
    enum order order;
    bool others; /* processes of other users too */
};

/* Looks at all processes again, or at `only` if it is not 0. */
void watch_update(struct watch *watch, pid_t only);
void watch_sort(struct watch *watch);
struct watched *watch_find(struct watch *watch, pid_t pid);

/* The title and a row for a process, without an end of line; as wide as 80 columns allow. */
void top_title(char *text, size_t size);
void top_row(char *text, size_t size, const struct watched *watched);

/* "1023.9M", at most seven characters. */
void top_size(char *text, size_t size, double bytes);

/* Lines that one process's screen scrolls over: heaps, size classes, threads' caches. */
struct lines {
    char (*text)[100];
    size_t count, room;
};

void top_detail(struct lines *lines, const struct view *view);

/* Runs until the user leaves; `pid` is opened at once if it is not 0. An exit status. */
int top_run(const struct terminal *terminal, struct watch *watch, pid_t pid);

#endif
