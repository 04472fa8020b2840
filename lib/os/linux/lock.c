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
    uintptr_t word;
    while ((word = os_lock_await(lock)) != 0) /* a futex is the lower half of the word */
        syscall4(SYS_futex, (long)&lock->word, FUTEX_WAIT_PRIVATE, (long)(uint32_t)word, 0);
}

void os_lock_wake(struct os_lock *lock)
{
    syscall4(SYS_futex, (long)&lock->word, FUTEX_WAKE_PRIVATE, 1, 0);
}
