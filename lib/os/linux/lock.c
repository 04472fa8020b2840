/* SPDX-License-Identifier: MIT */
/* lock.c: the slow paths of os_lock: a short spin, then a futex wait on the lower half of the lock's word, as in
 * Drepper's "Futexes Are Tricky". Any thread may call, also in a signal handler. */
#include "os/lock.h"

#include "os/linux/syscall.h"

#include <time.h>

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

/* A signal may come between a lock's release and the call that wakes who waits for it, and its
 * handler may want what the sleeper holds. So nobody sleeps for ever beside a lock that is free. */
static const struct timespec LOOK_AGAIN = { 0, 20 * 1000 * 1000 };

void os_lock_wait(struct os_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        pause_cpu();
        if (!os_lock_is_held(lock) && os_try_lock(lock))
            return;
    }
    uintptr_t word;
    while ((word = os_lock_await(lock)) != 0) /* a futex is the lower half of the word */
        syscall4(SYS_futex, (long)&lock->word, FUTEX_WAIT_PRIVATE, (long)(uint32_t)word,
                 (long)&LOOK_AGAIN);
    os_lock_taken(lock);
}

void os_lock_wake(struct os_lock *lock)
{
    syscall4(SYS_futex, (long)&lock->word, FUTEX_WAKE_PRIVATE, 1, 0);
}
