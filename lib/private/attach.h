/* SPDX-License-Identifier: MIT */
/* attach.h: which thread has which pool of a shared heap.
 *
 * A thread finds its pools by a few seats of its own. A seat names the heap by its serial, so it
 * need not be cleared when the heap is destroyed. Pools are never freed, only given to others. */
#ifndef BARROW_PRIVATE_ATTACH_H
#define BARROW_PRIVATE_ATTACH_H

#include "private/private_heap.h"

struct seat {
    uint64_t serial; /* 0: empty */
    struct pool *pool;
};

enum { SEATS = 8 };

extern THREAD_LOCAL struct seat seats[SEATS] HIDDEN;

ALWAYS_INLINE struct seat *seat_for(const struct private_heap *heap)
{
    return (struct seat *)(void *)((char *)seats + heap->seat);
}

/* Whether the calling thread's pool of the heap sits there; *pool is it then. */
ALWAYS_INLINE bool is_seated(const struct private_heap *heap, struct pool **pool)
{
    const struct seat *seat = seat_for(heap);
    *pool = seat->pool;
    return likely(seat->serial == heap->serial);
}

/* The same; it is found or made. NULL when there is no memory for one, or when the thread is so
 * late in its end that nobody would take it back. */
struct pool *attach_pool(struct private_heap *heap);

/* The heap's common pool, for a caller that holds the heap. */
struct pool *attach_common(struct private_heap *heap);

/* Takes all pools from a heap that nobody uses any more. */
void attach_release(struct private_heap *heap);

/* Gives a block, marked free, to the pool that it is of, which is not the calling thread's. */
void attach_post(struct pool *owner, struct block *block);

/* In the child of fork: pools of threads that are no more; before and after the heaps are looked
 * at one by one. */
void attach_begin_after_fork(void);
void attach_after_fork(struct private_heap *heap);

#endif
