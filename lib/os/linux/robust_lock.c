/* SPDX-License-Identifier: MIT */
/* robust_lock.c: a lock in memory that processes share, whose owner's death is found at once.
 *
 * The word keeps to the kernel's protocol for robust futexes: when a thread ends, the kernel looks at
 * the one futex that the thread has said it is about ("list_op_pending" of its robust list); if that
 * carries the thread's number, it is marked as its owner's death and a waiter is woken. That field is
 * free, except during the few instructions in which the C library takes or leaves a robust mutex. So no
 * address is written into the shared memory, which the list itself would need.
 *
 * The upper half of the lock names its owner for those who can find out otherwise that it is dead. It
 * changes together with the word, by the same instruction. So a lock that still has the value it had when a
 * dead owner's name was read from it still belongs to that owner. */
#include "os/linux/syscall.h"
#include "os/process.h"
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
    int thread;             /* its number, ... */
    unsigned process;       /* ... in this process; in the child of a fork it has another */
} mine;

/* The process that last said so; its threads compare what they know with it. */
static _Atomic unsigned this_process;

void robust_prepare(void)
{
    atomic_store_explicit(&this_process, (unsigned)os_process_id(), memory_order_relaxed);
}

static void find_robust_list(unsigned process)
{
    size_t size;
    mine.process = process;
    mine.thread = (int)syscall4(SYS_gettid, 0, 0, 0, 0);
    long result = syscall4(SYS_get_robust_list, 0, (long)&mine.head, (long)&size, 0);
    if (result == 0 && mine.head != NULL && mine.head != &mine.own)
        return;
    mine.own = (struct robust_head){ .next = &mine.own };
    mine.head = &mine.own;
    syscall4(SYS_set_robust_list, (long)&mine.own, sizeof mine.own, 0, 0);
}

static uint32_t own_number(void)
{
    unsigned process = atomic_load_explicit(&this_process, memory_order_relaxed);
    ASSERT(process != 0);
    if (unlikely(mine.process != process))
        find_robust_list(process);
    return (uint32_t)mine.thread;
}

static void set_pending(robust_word *lock)
{
    atomic_signal_fence(memory_order_seq_cst);
    *(void *volatile *)&mine.head->pending =
        lock == NULL ? NULL : (void *)((uintptr_t)lock - (uintptr_t)mine.head->offset);
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

static uint64_t taken_by(uint32_t owner, uint64_t marks)
{
    return (uint64_t)owner << 32 | own_number() | marks;
}

/* 0: it is another's. acquire: what the last owner did is seen */
static int try_lock(robust_word *lock, uint32_t owner, uint64_t mark)
{
    uint64_t was = atomic_load_explicit(lock, memory_order_relaxed);
    if ((was & THREAD_BITS) != 0)
        return 0;
    uint64_t wanted = taken_by(owner, (was & ROBUST_AWAITED) | mark);
    if (!atomic_compare_exchange_strong_explicit(lock, &was, wanted, memory_order_acquire,
                                                 memory_order_relaxed))
        return 0;
    return (was & ROBUST_DIED) != 0 ? 2 : 1;
}

/* The kernel's word is the lower half. */
static long wait_for_change(robust_word *lock, uint64_t value, uint32_t milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };
    return syscall4(SYS_futex, (long)lock, WAIT, (long)(uint32_t)value, (long)&time);
}

static int wait_and_lock(robust_word *lock, uint32_t owner, uint32_t milliseconds)
{
    long result = 0;
    while (result != -ETIMEDOUT) {
        uint64_t value = atomic_load_explicit(lock, memory_order_relaxed);
        if ((value & THREAD_BITS) == 0) {
            /* there may be others that wait, so the mark stays */
            int taken = try_lock(lock, owner, ROBUST_AWAITED);
            if (taken != 0)
                return taken;
            continue;
        }
        uint64_t marked = value | ROBUST_AWAITED;
        if (value == marked ||
            atomic_compare_exchange_strong_explicit(lock, &value, marked, memory_order_relaxed,
                                                    memory_order_relaxed))
            result = wait_for_change(lock, marked, milliseconds);
    }
    return try_lock(lock, owner, ROBUST_AWAITED);
}

int robust_lock(robust_word *lock, uint32_t owner, uint32_t milliseconds)
{
    ASSERT(((uintptr_t)lock & 7) == 0 && owner != 0);
    own_number();
    set_pending(lock);
    int taken = try_lock(lock, owner, 0);
    for (int i = 0; taken == 0 && i < SPINS; i++) {
        pause_cpu();
        taken = try_lock(lock, owner, 0);
    }
    if (taken == 0)
        taken = wait_and_lock(lock, owner, milliseconds);
    if (taken == 0)
        set_pending(NULL);
    return taken;
}

void robust_unlock(robust_word *lock)
{
    /* release: pairs with try_lock. If the thread dies before it has woken a waiter, the kernel does
     * so: a pending futex without an owner. */
    if (atomic_exchange_explicit(lock, 0, memory_order_release) & ROBUST_AWAITED)
        syscall4(SYS_futex, (long)lock, WAKE, 1, 0);
    set_pending(NULL);
}

bool robust_steal(robust_word *lock, uint64_t seen, uint32_t owner)
{
    ASSERT(robust_owner(seen) != 0 && owner != 0 && robust_owner(seen) != owner);
    own_number();
    set_pending(lock);
    if (atomic_compare_exchange_strong_explicit(lock, &seen, taken_by(owner, ROBUST_AWAITED),
                                                memory_order_acquire, memory_order_relaxed))
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
