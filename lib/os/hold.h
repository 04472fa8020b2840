/* SPDX-License-Identifier: MIT */
/* hold.h: many threads at work without a lock, and one that holds them all off now and then.
 *
 * Dekker's protocol with one-sided fences. A thread stores its own `working` and loads `held`; the
 * two may pass each other. The holder stores `held`, has every thread pass a barrier (os_barrier),
 * and then looks at each `working`: either it sees 1 and waits, or that thread's load, after the
 * barrier, sees `held`. tests/unit/orders.c goes through all orders. */
#ifndef BARROW_OS_HOLD_H
#define BARROW_OS_HOLD_H

#include "os/compiler.h"
#include "os/thread.h"

#include <stdatomic.h>

/* Expands to the value of the word by which the holder says that it holds: an expression, for such
 * words have different types. os_work_end must follow, whatever it is.
 * acquire: what the last holder did is seen */
#define OS_WORK_BEGIN(working, word)                                                               \
    (atomic_store_explicit(working, 1, memory_order_relaxed),                                      \
     atomic_signal_fence(memory_order_seq_cst), atomic_load_explicit(word, memory_order_acquire))

ALWAYS_INLINE void os_work_end(_Atomic uint32_t *working)
{
    /* release: the holder that sees 0 sees the work */
    atomic_store_explicit(working, 0, memory_order_release);
}

/* The holder has stored `held` and called os_barrier: waits for one thread. */
static inline void os_work_await(_Atomic uint32_t *working)
{
    enum { SPINS = 100 };
    /* acquire: pairs with os_work_end */
    for (int i = 0; atomic_load_explicit(working, memory_order_acquire) != 0; i++)
        if (i > SPINS)
            os_yield();
}

#endif
