/* SPDX-License-Identifier: MIT */
#include "heap/hold.h"

#include "heap/threads.h"
#include "os/thread.h"
#include "private/private_heap.h"

_Atomic uint32_t malloc_is_held;

void hold_malloc(void)
{
    if (!os_barrier_is_there())
        return; /* then nothing of malloc's waits */
    atomic_store_explicit(&malloc_is_held, 1, memory_order_seq_cst);
    os_barrier();
    for (uint32_t number = 1; number <= threads_theaps(); number++) {
        struct theap *theap = threads_theap(number);
        if (theap == threads_current_if_any())
            continue; /* a signal handler */
        os_work_await(&theap->working);
    }
    os_gate_close();
}

void release_malloc(void)
{
    os_gate_open();
    atomic_store_explicit(&malloc_is_held, 0, memory_order_release);
}

bool hold_await(void)
{
    struct os_lock *mutex = &private_process_heap()->mutex;
    if (os_lock_is_mine(mutex))
        return true;
    os_lock_acquire(mutex);
    os_lock_release(mutex);
    return false;
}

void hold_after_fork(void)
{
    if (atomic_load_explicit(&malloc_is_held, memory_order_relaxed) != 0 &&
        !os_lock_is_mine(&private_process_heap()->mutex))
        atomic_store_explicit(&malloc_is_held, 0, memory_order_relaxed);
    for (uint32_t number = 1; number <= threads_theaps(); number++)
        if (threads_theap(number) != threads_current_if_any())
            atomic_store_explicit(&threads_theap(number)->working, 0, memory_order_relaxed);
}
