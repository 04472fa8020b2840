/* SPDX-License-Identifier: MIT */
/* region_state.h: what the files of this room share, and nobody outside includes.
 *
 * All of it belongs to region.lock, but for what is said to be otherwise. A file calls those that
 * stand below it only:
 *
 *     meta.c          fork.c
 *     spans.c         resize.c
 *     reservation.c   moved.c   runs_purge.c
 *     frontier.c      window.c
 *     tables.c        account.c
 *     runs.c */
#ifndef BARROW_REGION_REGION_STATE_H
#define BARROW_REGION_REGION_STATE_H

#include "region/region.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

struct region_state {
    struct os_lock lock;

    /* the reservation, from reservation.c on down */
    bool made;
    bool windowed;         /* memory is mapped piece by piece, see window.c */
    size_t granules;       /* that there are addresses for */
    size_t committed_end;  /* granules below are readable and writable */
    size_t tags_committed; /* bytes */
    size_t spans_committed;

    /* meta.c's; the reservation sets its room aside */
    char *meta, *meta_end;                    /* committed memory that is not in use yet */
    char *meta_start, *meta_top, *meta_limit; /* the room: committed up to meta_top; or NULL */

    /* the account: in bytes and pieces ... */
    _Atomic size_t reserved, reservations, meta_bytes;
    /* ... and in granules: see account.h */
    _Atomic size_t committed, committed_peak, dirty, spans;
    _Atomic size_t purged_bytes; /* by others too, without the lock */

    /* spans.c's: freed by signal handlers that interrupted this room; linked by `next`, no lock */
    _Atomic uint32_t deferred;

    /* runs_purge.c's: the run that a purge has in hand while the lock is not held, or 0 */
    uint32_t purging;
    size_t purging_granules;
    /* One purge at a time. Taken before `lock`, and held while the system works. */
    struct os_lock purge_lock;
};

extern struct region_state region HIDDEN;

#endif
