/* SPDX-License-Identifier: MIT */
/* threads.h: which thread has which theap. Theaps are never freed: a thread that ends leaves its
 * own, with all its slabs, to the next one that starts. */
#ifndef BARROW_HEAP_THREADS_H
#define BARROW_HEAP_THREADS_H

#include "heap/theap.h"

/* The calling thread's theap; one is found or made for it. NULL when there is no memory for one, or
 * when the thread is so late in its end that nobody would take it back. */
struct theap *threads_current(void);

/* The same, or NULL if it has none. */
struct theap *threads_current_if_any(void);

/* The same, for a free. A thread at its end, whose theap is gone, gets no other for that: the C
 * library frees what is its own after the last destructor, when nobody would take a theap back. */
struct theap *threads_current_to_free(void);

/* By number, as slabs' tags name it; NULL for a number never given out. */
struct theap *threads_theap(uint32_t number);

/* Locks the theap that owns a slab or a span of medium blocks, which another thread may be giving back meanwhile:
 * while the lock is held it can't. NULL, and nothing is locked: it is neither any more, or its theap must be left alone, for it
 * is broken, or this very thread has been interrupted in it. */
struct theap *threads_lock_owner(const struct span *span);

/* How many there have been: numbers run from 1 to this. */
uint32_t threads_theaps(void);
uint32_t threads_idle_theaps(void);

/* Gives back the memory of the tables of own slabs of theaps that no thread has and that have no slabs. */
void threads_purge_tables(void);

/* The theap that anybody may use who has none, under the lock that comes with it; NULL when this
 * thread has been interrupted while using it, or there is no memory. */
struct theap *threads_lock_spare(void);
void threads_unlock_spare(void);

/* The table of theaps for who reads the process: see diag/layout.h. */
extern const struct threads_layout threads_layout HIDDEN;

/* Whether the calling thread's calls may be served by its cache alone. */
void threads_use_fast_paths(bool use);

/* From now on all calls take the slow path; and are counted there. Before there are threads. */
void threads_slow_calls(void);
void threads_count_calls(void);
bool threads_calls_are_counted(void);

/* In the child of fork: the theaps of threads that are no more. */
void threads_after_fork(void);

#endif
