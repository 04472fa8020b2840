/* SPDX-License-Identifier: MIT */
/* lock.h: a thread at work in its pool, and who wants the whole heap. */
#ifndef BARROW_PRIVATE_LOCK_H
#define BARROW_PRIVATE_LOCK_H

#include "os/hold.h"
#include "private/private_heap.h"

enum held {
    HELD = 1,   /* a thread has locked the heap */
    CAREFUL = 2 /* every call takes the mutex: there is no os_barrier, or no right of way */
};

/* The calling thread begins to work in its pool; false: it must ask whether it may, see lock.c, or
 * the pool is not of the heap whose handle that is. pool_end must follow all the same. */
ALWAYS_INLINE bool pool_begin(const void *handle, struct pool *pool)
{
    return likely((const void *)OS_WORK_BEGIN(&pool->working, &pool->free_for) == handle);
}

/* What pool_begin said, or would say now. */
ALWAYS_INLINE bool pool_is_free_for(const void *handle, struct pool *pool)
{
    return (const void *)atomic_load_explicit(&pool->free_for, memory_order_acquire) == handle;
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
