/* SPDX-License-Identifier: MIT */
/* face_lock.c: see face_lock.h. Signals are blocked before a lock is taken and let in again after
 * the last was released, so that no handler runs in between. Signals for the thread's own faults
 * are not blocked: a blocked one would end the process. */
#include "win32/host/face_lock.h"

#include "os/child.h"
#include "os/linux/syscall.h"

#include <signal.h>

/* What the kernel has of a signal mask. */
typedef uint64_t kernel_mask;
#define BIT(number) ((kernel_mask)1 << ((number)-1))

static const kernel_mask BLOCKED =
    ~(BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGSYS));

static _Atomic bool signals_matter;
static struct face_lock *all;

static THREAD_LOCAL struct {
    unsigned depth; /* locks held */
    bool forking;   /* the thread holds every lock for a fork */
    bool blocked;
    kernel_mask before;
} inside;

static void block_signals(void)
{
    syscall4(SYS_rt_sigprocmask, SIG_BLOCK, (long)&BLOCKED, (long)&inside.before, sizeof(BLOCKED));
    inside.blocked = true;
}

static void let_signals_in(void)
{
    inside.blocked = false;
    syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&inside.before, 0, sizeof(BLOCKED));
}

void face_lock(struct face_lock *lock)
{
    /* relaxed: a thread that has seen no page whose fault is answered has none to lose */
    if (inside.depth == 0 && atomic_load_explicit(&signals_matter, memory_order_relaxed))
        block_signals();
    inside.depth++;
    if (inside.forking)
        return;
    os_child_look();
    ASSERT(!os_lock_is_mine(&lock->lock));
    os_lock(&lock->lock);
}

void face_unlock(struct face_lock *lock)
{
    ASSERT(inside.depth > 0);
    if (!inside.forking)
        os_unlock(&lock->lock);
    if (--inside.depth == 0 && inside.blocked)
        let_signals_in();
}

bool face_is_inside(void)
{
    return inside.depth > 0;
}

void face_block_signals(void)
{
    atomic_store_explicit(&signals_matter, true, memory_order_relaxed);
    if (inside.depth > 0 && !inside.blocked)
        block_signals();
}

void face_lock_list(struct face_lock *lock)
{
    lock->next = all;
    all = lock;
}

void face_locks_lost(void)
{
    if (inside.forking)
        return;
    for (struct face_lock *lock = all; lock != NULL; lock = lock->next)
        if (os_lock_is_held(&lock->lock) && !os_lock_is_mine(&lock->lock))
            os_lock_reset(&lock->lock);
}

void face_lock_hold(struct face_lock *lock)
{
    ASSERT(!os_lock_is_mine(&lock->lock));
    os_lock(&lock->lock);
}

void face_lock_let_go(struct face_lock *lock)
{
    os_unlock(&lock->lock);
}

void face_fork_begin(void)
{
    inside.forking = true;
}

void face_fork_end(void)
{
    inside.forking = false;
}
