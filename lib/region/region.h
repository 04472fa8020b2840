/* SPDX-License-Identifier: MIT */
/* region.h: spans out of one reservation: reserved, committed as a growing frontier, purged behind.
 *
 * All functions may be called from any thread; none touches errno. */
#ifndef BARROW_REGION_REGION_H
#define BARROW_REGION_REGION_H

#include "os/lock.h"
#include "os/vm.h"
#include "region/span.h"

/* What the process heap starts with and may have; set before the first span is asked for, but for
 * the limit, which may change at any time. */
struct region_settings {
    size_t reserve;      /* address space to reserve, in bytes; 0: as much as the system grants */
    size_t commit;       /* bytes to commit at the start */
    size_t commit_limit; /* the most bytes to have committed; 0: no limit */
    bool huge_pages;     /* ask for huge pages over committed memory */
};

extern struct region_settings region_settings HIDDEN;

struct region_figures {
    size_t reserved, committed, committed_peak, purged, reservations, spans;
    size_t meta; /* of what is committed: the library's own, if it stands apart from the spans */
};

/* A span of that many granules, its start a multiple of `align` granules (a power of two).
 * *zero tells whether its memory reads as zero. `room` granules more, clean, are kept behind it
 * where that costs nothing. NULL when memory, the limit or address space is exhausted. */
struct span *region_alloc(size_t granules, size_t align, size_t room, enum span_kind kind,
                          bool *zero);

/* Gives a span and its room back. Its memory is kept for a while for the next taker. */
void region_free(struct span *span);

/* Makes a large span longer without moving it. The new part's memory is zero when *zero says so.
 * False when what follows is in use. */
bool region_grow(struct span *span, size_t granules, bool *zero);

/* Makes a large span shorter; what is cut off is freed. */
void region_shrink(struct span *span, size_t granules);

/* Moves the first `bytes` of a span's memory into another span without copying. If it can't,
 * nothing has changed but the contents of `to`; or `to` is lost, and must not be used nor freed. */
enum os_moved region_move(struct span *from, struct span *to, size_t bytes);

/* Memory that is committed, in bytes; and what of it is free. */
size_t region_committed(void);
size_t region_dirty(void);

/* What is to be told when much memory has come free; set once, at the start. */
extern void (*region_on_freed)(void) HIDDEN;

/* Somebody freed that many bytes of spans. Called without a lock held: passes the word on if it is
 * worth it. */
void region_freed(size_t bytes);

/* One tick of the purge: memory that was free at the last tick already, and has not been used
 * since, goes back to the system; with `all`, all free memory does. Returns the bytes that were
 * purged. */
size_t region_purge(bool all);

/* Memory for the library's own use, zeroed, never given back; NULL when there is none. */
void *region_meta(size_t size);

/* The span that holds an address, by search: for messages and checks; NULL if there is none. */
struct span *region_find(const void *address);

void region_account_purge(size_t bytes); /* purged by the heap, inside slabs */
void region_figures(struct region_figures *figures);

/* True when this thread was interrupted inside this room: then region_alloc has nothing,
 * region_free puts the span by, and nothing else here may be called. */
bool region_is_interrupted(void);

/* In the child of fork. */
void region_after_fork(void);

#endif
