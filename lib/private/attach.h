/* SPDX-License-Identifier: MIT */
/* attach.h: which thread has which pool of a shared heap.
 *
 * A thread finds its pools by a seat for each heap that it has used, without a lock. A seat names the heap by its serial, so it
 * need not be cleared when the heap is destroyed. The pool that the thread used last is at hand
 * besides: it says itself for which handle it may be used. Pools are never freed, and given to
 * others only after their thread has ended: so what a thread has at hand is its own.
 *
 * In a serialized bounded heap a pool has no blocks: it is the right of way that a thread has there
 * until another one comes, see lock.c. */
#ifndef BARROW_PRIVATE_ATTACH_H
#define BARROW_PRIVATE_ATTACH_H

#include "os/thread_words.h"
#include "private/private_heap.h"

/* The calling thread's pool of the heap, which is at hand then; NULL when it has none so far. */
struct pool *attach_seated(struct private_heap *heap);

/* Whether another pool than the given one, the thread's for that handle, has come to hand. */
bool attach_is_other(const void *handle, const struct pool *pool);

/* The thread's pool is found or made, and is at hand then. NULL when there is no memory for one, or
 * when the thread is so late in its end that nobody would take it back. */
struct pool *attach_pool(struct private_heap *heap);

/* The threads that have pools may no longer, or may again, work without asking; of a bounded heap
 * only the one that has the right of way. The caller has the heap's mutex. */
void attach_forbid(struct private_heap *heap);
void attach_allow(struct private_heap *heap);

/* The heap's common pool, for a caller that holds the heap. */
struct pool *attach_common(struct private_heap *heap);

/* Takes all pools from a heap that nobody uses any more. */
void attach_release(struct private_heap *heap);

/* Gives a block, marked free, to the pool that it is of, which is not the calling thread's. */
void attach_post(struct pool *owner, struct freed *block);

/* In the child of fork: pools of threads that are no more; before and after the heaps are looked
 * at one by one. */
void attach_begin_after_fork(void);
void attach_after_fork(struct private_heap *heap);

#endif
