/* SPDX-License-Identifier: MIT */
/* region.h: spans of address space: reserved as the heap grows, committed in steps, purged and given
 * back as it shrinks.
 *
 * All functions may be called from any thread; none touches errno. No lock is held by the caller. */
#ifndef BARROW_REGION_REGION_H
#define BARROW_REGION_REGION_H

#include "os/lock.h"
#include "os/vm.h"
#include "region/page_map.h"

/* What the process heap starts with and may have; set before the first span is asked for, except for
 * the limit, which may change at any time. */
struct region_settings {
    size_t reserve;      /* bytes of address space to reserve first; 0: a few MiB */
    size_t commit;       /* bytes to commit at the start */
    size_t commit_limit; /* the most bytes to have committed; 0: no limit */
    int64_t purge_delay; /* milliseconds, see allowance.h; 0: free memory goes back at once;
                            negative: only when it is asked for, or short */
    bool huge_pages;     /* ask for huge pages over committed memory */
};

extern struct region_settings region_settings HIDDEN;

struct region_figures {
    size_t reserved, committed, committed_peak, purged, reservations;
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

/* Gives memory back that is free beyond what is allowed for; with `all`, all that is free. Returns
 * the bytes that went back. */
size_t region_purge(bool all);

/* The arena that the calling thread takes spans from: a number below REGION_ARENAS, which few threads
 * share. */
enum { REGION_ARENAS = 64 };
uint32_t region_arena(void);

/* How many arenas have been given to threads so far; at least 1. */
uint32_t region_arenas(void);

/* The calling thread will allocate no more: its free memory is for others. */
void region_thread_ends(void);

/* Memory for the library's own use, zeroed, never given back; NULL when there is none. */
void *region_meta(size_t size);

/* The same for a table of which few pages are ever touched. It counts as address space alone, since it
 * costs no memory where nothing is written. */
void *region_sparse_meta(size_t size);

void region_account_purge(size_t bytes); /* purged by the heap, inside slabs */

/* So many bytes more, or less, of the span hold no memory although it is in use: holes of slabs. */
void region_account_hollow(const struct span *span, ptrdiff_t bytes);
void region_figures(struct region_figures *figures);

/* True when this thread was interrupted inside this folder: then region_alloc has nothing, region_free
 * defers the span, and nothing else here may be called. */
bool region_is_interrupted(void);

/* In the child of fork. */
void region_after_fork(void);

#endif
