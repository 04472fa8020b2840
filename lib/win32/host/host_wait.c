/* SPDX-License-Identifier: MIT */
/* host_wait.c: see host_wait.h. */
#include "win32/host/host_wait.h"

#include "os/linux/syscall.h"

#include <limits.h>
#include <time.h>

/* of <linux/futex.h>, which is not there for every C library */
enum { FUTEX_WAKE_PRIVATE = 129, FUTEX_WAIT_BITSET_PRIVATE = 137 };

#define ANY_BIT       0xFFFFFFFFL
#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)
#define INFINITE_MS   UINT32_MAX

uint64_t host_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t host_deadline(uint32_t milliseconds)
{
    return milliseconds == INFINITE_MS ? HOST_NO_DEADLINE : host_clock() + milliseconds * NS_PER_MS;
}

bool host_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline)
{
    struct timespec until = { .tv_sec = (time_t)(deadline / NS_PER_SECOND),
                              .tv_nsec = (long)(deadline % NS_PER_SECOND) };
    long result = syscall6(SYS_futex, (long)word, FUTEX_WAIT_BITSET_PRIVATE, (long)expected,
                           deadline == HOST_NO_DEADLINE ? 0 : (long)&until, 0, ANY_BIT);
    return result != -ETIMEDOUT;
}

bool host_wake_one(const _Atomic uint32_t *word)
{
    return syscall4(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0) > 0;
}

void host_wake_all(const _Atomic uint32_t *word)
{
    syscall4(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, INT_MAX, 0);
}

void host_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}
