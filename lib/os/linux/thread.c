/* SPDX-License-Identifier: MIT */
#include "os/thread.h"

#include "os/linux/syscall.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

/* ---- thread exit -------------------------------------------------------------------------- */

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool exit_key_works;
static _Atomic(void (*)(void *)) exit_call;
static THREAD_LOCAL int exit_rounds;

static void run_exit_call(void *argument)
{
    exit_rounds++;
    atomic_load_explicit(&exit_call, memory_order_relaxed)(argument);
}

static void make_exit_key(void)
{
    exit_key_works = pthread_key_create(&exit_key, run_exit_call) == 0;
}

void os_thread_prepare(void)
{
    pthread_once(&exit_once, make_exit_key);
}

bool os_thread_on_exit(void (*on_exit)(void *), void *argument)
{
    /* The C library goes over the keys that have values a limited number of times. */
    if (exit_rounds >= _POSIX_THREAD_DESTRUCTOR_ITERATIONS - 1)
        return false;
    atomic_store_explicit(&exit_call, on_exit, memory_order_relaxed);
    os_thread_prepare();
    return exit_key_works && pthread_setspecific(exit_key, argument) == 0;
}

bool os_thread_is_ending(void)
{
    return exit_rounds > 0;
}

void os_on_fork_child(void (*child)(void))
{
    pthread_atfork(NULL, NULL, child);
}

/* ---- background thread -------------------------------------------------------------------- */

/* One mapping: the stack in the lower half; the thread pointer in the middle of the upper half, so
 * that thread-local words below it (x86-64) and above it (aarch64) are zeroed memory. */
enum { STACK_SIZE = 64 * 1024, TLS_SIZE = 64 * 1024 };

static void *background_memory;
static _Atomic uint32_t background_alive; /* the kernel clears it and wakes waiters at the end */

static int background_main(void *run)
{
    ((void (*)(void))run)();
    return 0;
}

bool os_background_start(void (*run)(void))
{
    if (atomic_load_explicit(&background_alive, memory_order_acquire) != 0)
        return false;
    if (background_memory == NULL) {
        long memory = syscall6(SYS_mmap, 0, STACK_SIZE + TLS_SIZE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if ((unsigned long)memory > -4096UL)
            return false;
        background_memory = (void *)memory;
    }
    char *stack_top = (char *)background_memory + STACK_SIZE;
    char *thread_pointer = stack_top + TLS_SIZE / 2;
    *(void **)thread_pointer = thread_pointer; /* the x86-64 ABI reads it there */

    uint64_t all = ~0ULL, before;
    int saved_errno = errno; /* clone() is the C library's */
    syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all);
    atomic_store_explicit(&background_alive, 1, memory_order_relaxed);
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_SETTLS | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
    int thread =
        clone(background_main, stack_top, flags, (void *)run, (int *)(uintptr_t)&background_alive,
              thread_pointer, (int *)(uintptr_t)&background_alive);
    if (thread < 0)
        atomic_store_explicit(&background_alive, 0, memory_order_relaxed);
    syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before);
    errno = saved_errno;
    return thread >= 0;
}

void os_background_forget(void)
{
    atomic_store_explicit(&background_alive, 0, memory_order_relaxed);
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
