/* SPDX-License-Identifier: MIT */
/* lock.h: a small mutual exclusion lock that knows its owner.
 *
 * The owner matters twice: a signal handler that interrupts a critical section must find out that
 * waiting would be for ever, and the child of fork must find out which locks were held by threads
 * that it does not have. No operation allocates or touches errno. */
#ifndef BARROW_OS_LOCK_H
#define BARROW_OS_LOCK_H

#include "os/thread_words.h"
#if defined(_WIN32)
#include "os/windows/gate.h"
#else
#include "os/linux/gate.h"
#endif

#include <stdatomic.h>

/* One word, so that no signal comes between taking the lock and saying who has it. */
struct os_lock {
    /* 0 when free; else os_thread_token() of the holder, with LOCK_AWAITED when somebody may wait
     * for it */
    _Atomic uintptr_t word;
};

enum { LOCK_AWAITED = 1 }; /* tokens are even */

#if defined(BARROW_OBSERVE_LOCKS)
/* bench/scaling defines them: a lock was taken; is about to be released. */
void os_lock_taken(struct os_lock *lock);
void os_lock_leaving(struct os_lock *lock);
#else
#define os_lock_taken(lock)   ((void)0)
#define os_lock_leaving(lock) ((void)0)
#endif

void os_lock_wait(struct os_lock *lock);
void os_lock_wake(struct os_lock *lock);

/* True when this very thread holds the lock: it was interrupted by a signal inside. Only the holder
 * writes its own token, so a relaxed load decides it. */
ALWAYS_INLINE bool os_lock_is_mine(struct os_lock *lock)
{
    uintptr_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    return (word & ~(uintptr_t)LOCK_AWAITED) == os_thread_token();
}

/* Past the gate: for locks that a program can keep for long, and for those below the gate. */
ALWAYS_INLINE bool os_lock_try_acquire(struct os_lock *lock)
{
    uintptr_t unheld = 0;
    /* acquire: pairs with the release in os_lock_release, so the holder sees what the last one wrote */
    bool taken = atomic_compare_exchange_strong_explicit(
        &lock->word, &unheld, os_thread_token(), memory_order_acquire, memory_order_relaxed);
    if (taken)
        os_lock_taken(lock);
    return taken;
}

ALWAYS_INLINE void os_lock_acquire(struct os_lock *lock)
{
    ASSERT(!os_lock_is_mine(lock)); /* it would wait for itself */
    if (unlikely(!os_lock_try_acquire(lock)))
        os_lock_wait(lock);
}

ALWAYS_INLINE void os_lock_release(struct os_lock *lock)
{
    ASSERT(os_lock_is_mine(lock));
    os_lock_leaving(lock);
    if (unlikely(atomic_exchange_explicit(&lock->word, 0, memory_order_release) & LOCK_AWAITED))
        os_lock_wake(lock);
}

/* By the gate. What was taken by one of these is given back by os_unlock. */
ALWAYS_INLINE bool os_try_lock(struct os_lock *lock)
{
    os_gate_enter();
    if (likely(os_lock_try_acquire(lock)))
        return true;
    os_gate_leave();
    return false;
}

ALWAYS_INLINE void os_lock(struct os_lock *lock)
{
    os_gate_enter();
    os_lock_acquire(lock);
}

ALWAYS_INLINE void os_unlock(struct os_lock *lock)
{
    os_lock_release(lock);
    os_gate_leave();
}

ALWAYS_INLINE bool os_lock_is_held(struct os_lock *lock)
{
    return atomic_load_explicit(&lock->word, memory_order_relaxed) != 0;
}

/* Marks a held lock as awaited. Returns the word to wait for a change of; 0 when the lock has been
 * taken instead, still marked: there may be others that wait. */
static inline uintptr_t os_lock_await(struct os_lock *lock)
{
    for (;;) {
        uintptr_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
        uintptr_t wanted = (word != 0 ? word : os_thread_token()) | LOCK_AWAITED;
        /* acquire as in os_lock_try_acquire */
        if (word == wanted ||
            atomic_compare_exchange_weak_explicit(&lock->word, &word, wanted, memory_order_acquire,
                                                  memory_order_relaxed))
            return word != 0 ? wanted : 0;
    }
}

/* For the child of fork, where the holder does not exist. */
ALWAYS_INLINE void os_lock_reset(struct os_lock *lock)
{
    atomic_store_explicit(&lock->word, 0, memory_order_relaxed);
}

#endif
