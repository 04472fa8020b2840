/* SPDX-License-Identifier: MIT */
/* region_state.h: what the files of this folder share, and nobody outside includes.
 *
 * Files call only those below them:
 *
 *     fork.c    meta.c    large.c
 *     spans.c   resize.c  moved.c
 *     runs_purge.c                 free memory goes back
 *     grow.c                       address space from the system
 *     arena.c                      free runs and figures, behind a lock
 *     runs.c    account.c  allowance.c  kept.c
 *     page_map.c
 *
 * Order of locks: an arena's lock, then the ground's (arena 0). Neither is held during a system call:
 * granules that one is about are in no list meanwhile. */
#ifndef BARROW_REGION_REGION_STATE_H
#define BARROW_REGION_REGION_STATE_H

#include "region/allowance.h"
#include "region/kept.h"
#include "region/region.h"
#include "region/runs.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum {
    GROUND = 0, /* the arena from which all others get memory; the first thread's own */
    ARENAS_MAX = REGION_ARENAS, /* threads beyond so many share arenas */
};

/* Free runs of granules, and the lock under which spans are cut from them. Each thread takes spans
 * from one arena, and few threads share one. A span goes back to the arena that it came from. */
struct ALIGNED(CACHE_LINE) arena {
    struct os_lock lock;

    /* under the lock */
    struct run_set clean, dirty, reserved; /* `reserved`: the ground's only */
    size_t clean_granules;                 /* not the ground's */
    struct allowance allowance;

    /* written under the lock; read by anybody, relaxed, for they are figures */
    _Atomic size_t dirty_granules;

    /* without the lock */
    _Atomic size_t hollow;  /* bytes of spans in use that hold no memory */
    _Atomic uint32_t users; /* threads that take spans here */
    struct kept kept;
};

struct region_state {
    struct arena arenas[ARENAS_MAX];

    /* relaxed: figures, and the decisions of runs_purge.c, which may be late by a call */
    _Atomic size_t committed; /* granules; see account.h */
    _Atomic size_t committed_peak;
    _Atomic size_t purged_bytes;
    _Atomic size_t meta_bytes;

    struct os_lock start_lock; /* while arenas are initialised */
    struct os_lock cover_lock; /* while the page map is extended */

    _Atomic bool growing;     /* a thread is reserving a region */
    _Atomic bool free_pieces; /* there may be a piece of address space that is free as a whole */
    _Atomic size_t reserved;  /* bytes, without the page map */
    _Atomic size_t reservations;
    _Atomic size_t refused;  /* the size that the system refused last, doubled as it grants; or 0 */
    _Atomic size_t regions;  /* made so far */
    _Atomic size_t mappings; /* that pieces and their guards take, about */
    uint32_t pieces;         /* grow.c's: the first of a list, under the ground's lock */

    struct os_lock meta_lock; /* meta.c's */

    struct os_lock
        purge_lock; /* held by one of the purges that have a run in hand, to be waited for;
                                  nobody waits for it who is not out of memory */
    _Atomic uint32_t purging; /* purges that have a run in hand */
    _Atomic uint32_t
        deferred; /* spans.c's: freed by signal handlers that interrupted this folder */
};

extern struct region_state region HIDDEN;

#endif
