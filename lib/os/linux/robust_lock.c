/* SPDX-License-Identifier: MIT */
/* robust_lock.c: a lock in memory that processes share, whose owner's death is found at once.
 *
 * The word keeps to the kernel's protocol for robust futexes: when a thread ends, the kernel looks at
 * the one futex that the thread has said it is about ("list_op_pending" of its robust list); if that
 * carries the thread's number, it is marked as its owner's death and a waiter is woken. That field is
 * free, except during the few instructions in which the C library takes or leaves a robust mutex. So no
 * address is written into the shared memory, which the list itself would need. */
#include "os/linux/syscall.h"
#include "os/shared_file.h"

#include <time.h>

enum {
    THREAD_BITS = 0x3fffffff,
    WAIT = 0, /* of <linux/futex.h> */
    WAKE = 1,
    SPINS = 60,
    REGISTER_GLOBAL_EXPEDITED = 1 << 2, /* of <linux/membarrier.h> */
    GLOBAL_EXPEDITED = 1 << 1
};

/* of <linux/futex.h> */
struct robust_head {
    void *next;
    long offset;
    void *pending;
};

static THREAD_LOCAL struct {
    struct robust_head *head;
    struct robust_head own; /* where the C library has registered none */
    int thread;             /* its number; 0: not known yet */
} mine;

static void find_robust_list(void)
{
    size_t size;
    mine.thread = (int)syscall4(SYS_gettid, 0, 0, 0, 0);
    long result = syscall4(SYS_get_robust_list, 0, (long)&mine.head, (long)&size, 0);
    if (result == 0 && mine.head != NULL && mine.head != &mine.own)
        return;
    mine.own = (struct robust_head){ .next = &mine.own };
    mine.head = &mine.own;
    syscall4(SYS_set_robust_list, (long)&mine.own, sizeof mine.own, 0, 0);
}

void robust_after_fork(void)
{
    mine.thread = 0;
}

static uint32_t own_number(void)
{
    if (unlikely(mine.thread == 0))
        find_robust_list();
    return (uint32_t)mine.thread;
}

static void set_pending(_Atomic uint32_t *word)
{
    atomic_signal_fence(memory_order_seq_cst);
    *(void *volatile *)&mine.head->pending =
        word == NULL ? NULL : (void *)((uintptr_t)word - (uintptr_t)mine.head->offset);
    atomic_signal_fence(memory_order_seq_cst);
}

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

/* 0: it is another's. acquire: what the last owner did is seen */
static int try_lock(_Atomic uint32_t *word, uint32_t mark)
{
    uint32_t was = atomic_load_explicit(word, memory_order_relaxed);
    if ((was & THREAD_BITS) != 0)
        return 0;
    uint32_t wanted = own_number() | (was & (uint32_t)ROBUST_AWAITED) | mark;
    if (!atomic_compare_exchange_strong_explicit(word, &was, wanted, memory_order_acquire,
                                                 memory_order_relaxed))
        return 0;
    return (was & ROBUST_DIED) != 0 ? 2 : 1;
}

static long wait_for_change(_Atomic uint32_t *word, uint32_t value, uint32_t milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };
    return syscall4(SYS_futex, (long)word, WAIT, (long)value, (long)&time);
}

static int wait_and_lock(_Atomic uint32_t *word, uint32_t milliseconds)
{
    long result = 0;
    while (result != -ETIMEDOUT) {
        uint32_t value = atomic_load_explicit(word, memory_order_relaxed);
        if ((value & THREAD_BITS) == 0) {
            /* there may be others that wait, so the mark stays */
            int taken = try_lock(word, (uint32_t)ROBUST_AWAITED);
            if (taken != 0)
                return taken;
            continue;
        }
        uint32_t marked = value | (uint32_t)ROBUST_AWAITED;
        if (value == marked ||
            atomic_compare_exchange_strong_explicit(word, &value, marked, memory_order_relaxed,
                                                    memory_order_relaxed))
            result = wait_for_change(word, marked, milliseconds);
    }
    return try_lock(word, (uint32_t)ROBUST_AWAITED);
}

int robust_lock(_Atomic uint32_t *word, uint32_t milliseconds)
{
    ASSERT(((uintptr_t)word & 3) == 0);
    own_number();
    set_pending(word);
    int taken = try_lock(word, 0);
    for (int i = 0; taken == 0 && i < SPINS; i++) {
        pause_cpu();
        taken = try_lock(word, 0);
    }
    if (taken == 0)
        taken = wait_and_lock(word, milliseconds);
    if (taken == 0)
        set_pending(NULL);
    return taken;
}

void robust_unlock(_Atomic uint32_t *word)
{
    /* release: pairs with try_lock. If the thread dies before it has woken a waiter, the kernel does
     * so: a pending futex without an owner. */
    if (atomic_exchange_explicit(word, 0, memory_order_release) & (uint32_t)ROBUST_AWAITED)
        syscall4(SYS_futex, (long)word, WAKE, 1, 0);
    set_pending(NULL);
}

bool robust_steal(_Atomic uint32_t *word, uint32_t expected)
{
    ASSERT(expected != 0);
    set_pending(word);
    uint32_t wanted = own_number() | (uint32_t)ROBUST_AWAITED;
    if (atomic_compare_exchange_strong_explicit(word, &expected, wanted, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    set_pending(NULL);
    return false;
}

bool shared_barrier_register(void)
{
    return syscall4(SYS_membarrier, REGISTER_GLOBAL_EXPEDITED, 0, 0, 0) == 0;
}

bool shared_barrier(void)
{
    return syscall4(SYS_membarrier, GLOBAL_EXPEDITED, 0, 0, 0) == 0;
}
