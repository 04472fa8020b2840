/* SPDX-License-Identifier: MIT */
/* lock.h: a thread at work in its pool, and who wants the whole heap. */
#ifndef BARROW_PRIVATE_LOCK_H
#define BARROW_PRIVATE_LOCK_H

#include "private/private_heap.h"

enum held {
    HELD = 1,   /* a thread has locked the heap */
    CAREFUL = 2 /* there is no os_barrier: every call takes the mutex */
};

/* The calling thread begins to work in its pool; false: it must ask whether it may, see lock.c. */
ALWAYS_INLINE bool pool_begin(struct private_heap *heap, struct pool *pool)
{
    /* Dekker's protocol with one-sided fences. This store and the load of `held` may pass each
     * other here; the holder stores `held`, has every thread pass a barrier, and then looks at
     * `working`: either it sees 1 and waits, or the load, after the barrier, sees `held`. */
    atomic_store_explicit(&pool->working, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    /* acquire: what the last holder did to the pool is seen */
    return likely(atomic_load_explicit(&heap->held, memory_order_acquire) == 0);
}

ALWAYS_INLINE void pool_end(struct pool *pool)
{
    /* release: the holder that sees 0 sees the work */
    atomic_store_explicit(&pool->working, 0, memory_order_release);
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
