/* SPDX-License-Identifier: MIT */
/* lock.h: a small mutual exclusion lock that knows its owner.
 *
 * The owner matters twice: a signal handler that interrupts a critical section must find out that
 * waiting would be for ever, and the child of fork must find out which locks were held by threads
 * that it does not have. No operation allocates or touches errno. */
#ifndef BARROW_OS_LOCK_H
#define BARROW_OS_LOCK_H

#include "os/thread_words.h"

#include <stdatomic.h>

struct os_lock {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and somebody may be waiting */
    _Atomic uintptr_t
        owner; /* os_thread_token() of the holder, 0 when free; written by the holder */
};

void os_lock_wait(struct os_lock *lock);
void os_lock_wake(struct os_lock *lock);

ALWAYS_INLINE bool os_try_lock(struct os_lock *lock)
{
    uint32_t free_state = 0;
    /* acquire: pairs with the release in os_unlock, so the holder sees what the last one wrote */
    if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    atomic_store_explicit(&lock->owner, os_thread_token(), memory_order_relaxed);
    return true;
}

ALWAYS_INLINE void os_lock(struct os_lock *lock)
{
    if (unlikely(!os_try_lock(lock)))
        os_lock_wait(lock);
}

ALWAYS_INLINE void os_unlock(struct os_lock *lock)
{
    atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
    if (unlikely(atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2))
        os_lock_wake(lock);
}

/* True when this very thread holds the lock: it was interrupted by a signal inside. Only the holder
 * writes its own token, so a relaxed load decides it. */
ALWAYS_INLINE bool os_lock_is_mine(struct os_lock *lock)
{
    return atomic_load_explicit(&lock->owner, memory_order_relaxed) == os_thread_token();
}

ALWAYS_INLINE bool os_lock_is_held(struct os_lock *lock)
{
    return atomic_load_explicit(&lock->state, memory_order_relaxed) != 0;
}

/* For the child of fork, where the holder does not exist. */
ALWAYS_INLINE void os_lock_reset(struct os_lock *lock)
{
    atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
    atomic_store_explicit(&lock->state, 0, memory_order_relaxed);
}

#endif
