/* SPDX-License-Identifier: MIT */
/* thread.c: ends of threads, by keys of thread-specific data whose destructors ask for a further round while others'
 * still run; and the background thread, which is made by clone(2) with a stack and thread-local storage of its own,
 * so the C library does not count it. No lock is taken. */
#include "os/thread.h"

#include "os/linux/syscall.h"
#include "os/thread_words.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* ---- thread exit -------------------------------------------------------------------------- */

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static struct {
    pthread_key_t key;
    bool key_works;
    _Atomic(void (*)(void *)) call;
} exits[OS_EXITS];
static THREAD_LOCAL int exit_rounds[OS_EXITS];

static void run_exit_call(enum os_exit which, void *argument)
{
    exit_rounds[which]++;
    atomic_load_explicit(&exits[which].call, memory_order_relaxed)(argument);
}

static void run_theap_exit(void *argument)
{
    run_exit_call(OS_EXIT_THEAP, argument);
}

static void run_pools_exit(void *argument)
{
    run_exit_call(OS_EXIT_POOLS, argument);
}

static void run_mapped_exit(void *argument)
{
    run_exit_call(OS_EXIT_MAPPED, argument);
}

static void make_exit_keys(void)
{
    static void (*const run[OS_EXITS])(void *) = { run_theap_exit, run_pools_exit,
                                                   run_mapped_exit };
    for (int i = 0; i < OS_EXITS; i++)
        exits[i].key_works = pthread_key_create(&exits[i].key, run[i]) == 0;
}

void os_thread_prepare(void)
{
    pthread_once(&exit_once, make_exit_keys);
}

bool os_thread_is_past_end(enum os_exit which)
{
    ASSERT(which < OS_EXITS);
    /* The C library goes over the keys that have values a limited number of times. */
    return exit_rounds[which] >= _POSIX_THREAD_DESTRUCTOR_ITERATIONS - 1;
}

bool os_thread_on_exit(enum os_exit which, void (*on_exit)(void *), void *argument)
{
    ASSERT(which < OS_EXITS && on_exit != NULL);
    if (os_thread_is_past_end(which))
        return false;
    atomic_store_explicit(&exits[which].call, on_exit, memory_order_relaxed);
    os_thread_prepare();
    return exits[which].key_works && pthread_setspecific(exits[which].key, argument) == 0;
}

bool os_thread_is_ending(void)
{
    return exit_rounds[OS_EXIT_THEAP] > 0;
}

/* ---- barrier ------------------------------------------------------------------------------ */

/* linux/membarrier.h's numbers: not every C library comes with the kernel's headers. */
enum { BARRIER = 1 << 3, REGISTER_BARRIER = 1 << 4 };

static pthread_once_t barrier_once = PTHREAD_ONCE_INIT;
static bool barrier_works;

static void register_barrier(void)
{
    barrier_works = syscall4(SYS_membarrier, REGISTER_BARRIER, 0, 0, 0) == 0;
}

bool os_barrier_is_there(void)
{
    pthread_once(&barrier_once, register_barrier);
    return barrier_works;
}

void os_barrier(void)
{
    syscall4(SYS_membarrier, BARRIER, 0, 0, 0);
}

void os_sleep_ms(uint32_t milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };
    syscall4(SYS_nanosleep, (long)&time, 0, 0, 0);
}

void os_yield(void)
{
    syscall4(SYS_sched_yield, 0, 0, 0, 0);
}
