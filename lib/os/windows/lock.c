/* SPDX-License-Identifier: MIT */
/* lock.c: the slow paths of os_lock: a short spin, then RtlWaitOnAddress on the lock's word. When
 * ExitProcess has stopped the holder, the waiter takes the lock over. */
#include "os/lock.h"

#include "os/windows/module.h"
#include "os/windows/ntdll.h"

/* Critical sections are some hundred instructions long: a short spin mostly ends a wait. */
enum { SPINS = 60 };

static bool spin(struct os_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        YieldProcessor();
        if (!os_lock_is_held(lock) && os_lock_try_acquire(lock))
            return true;
    }
    return false;
}

/* ExitProcess has stopped the holder. As in the child of fork, what it left is put in order; what
 * even that leaves held is taken, for nobody else is there to change anything. */
static void take_from_the_dead(struct os_lock *lock)
{
    os_after_shutdown();
    os_lock_reset(lock);
    os_lock_try_acquire(lock);
}

void os_lock_wait(struct os_lock *lock)
{
    uintptr_t word;
    if (spin(lock))
        return;
    while ((word = os_lock_await(lock)) != 0) {
        if (RtlDllShutdownInProgress()) {
            take_from_the_dead(lock);
            return;
        }
        RtlWaitOnAddress((const void *)&lock->word, &word, sizeof word, NULL);
    }
}

void os_lock_wake(struct os_lock *lock)
{
    RtlWakeAddressSingle((const void *)&lock->word);
}
