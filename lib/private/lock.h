/* SPDX-License-Identifier: MIT */
/* lock.h: a thread at work in its pool, and who wants the whole heap. */
#ifndef BARROW_PRIVATE_LOCK_H
#define BARROW_PRIVATE_LOCK_H

#include "os/hold.h"
#include "private/private_heap.h"

enum held {
    HELD = 1,   /* a thread has locked the heap */
    CAREFUL = 2 /* there is no os_barrier: every call takes the mutex */
};

/* The calling thread begins to work in its pool; false: it must ask whether it may, see lock.c. */
ALWAYS_INLINE bool pool_begin(struct private_heap *heap, struct pool *pool)
{
    return os_work_begin(&pool->working, &heap->held);
}

ALWAYS_INLINE void pool_end(struct pool *pool)
{
    os_work_end(&pool->working);
}

/* A call's way into a heap. */
struct entry {
    struct pool *pool; /* NULL: a bounded heap, or no memory for one */
    bool locked;       /* the whole heap is held until the end */
};

struct entry private_enter(struct private_heap *heap, unsigned flags);
void private_leave(struct private_heap *heap, struct entry entry);

/* In the child of fork. */
void lock_after_fork(struct private_heap *heap);

#endif
