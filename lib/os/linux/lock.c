/* SPDX-License-Identifier: MIT */
#include "os/lock.h"

#include "os/linux/syscall.h"

/* of <linux/futex.h>, which is not there for every C library */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

/* Critical sections are some hundred instructions long: a short spin mostly ends a wait. */
enum { SPINS = 60 };

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

void os_lock_wait(struct os_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        pause_cpu();
        if (!os_lock_is_held(lock) && os_try_lock(lock))
            return;
    }
    /* acquire as in os_try_lock; state 2 makes every later unlock wake one waiter */
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        syscall4(SYS_futex, (long)&lock->state, FUTEX_WAIT_PRIVATE, 2, 0);
    atomic_store_explicit(&lock->owner, os_thread_token(), memory_order_relaxed);
}

void os_lock_wake(struct os_lock *lock)
{
    syscall4(SYS_futex, (long)&lock->state, FUTEX_WAKE_PRIVATE, 1, 0);
}
