/* SPDX-License-Identifier: MIT */
/* condition.c: condition variables in eight bytes: a count of wake-ups, which is the futex, and the
 * number of threads that wait. A thread reads the count before it gives up the lock, so a wake-up
 * that comes after that ends its wait, or keeps it from beginning. */
#include "win32/host/internal.h"

#include "barrow/synchapi.h"
#include "win32/host/host_wait.h"

struct condition {
    _Atomic uint32_t wakes;
    _Atomic uint32_t waiting;
};

_Static_assert(sizeof(struct condition) == sizeof(CONDITION_VARIABLE),
               "a CONDITION_VARIABLE has one pointer's size");

/* The order of all operations on the two counts is one and the same for all threads (seq_cst): a
 * waker that sees nobody waiting has raised `wakes` before the waiter reads it. */
static uint32_t join(struct condition *condition)
{
    atomic_fetch_add(&condition->waiting, 1);
    return atomic_load(&condition->wakes);
}

static bool wait_for_wake(struct condition *condition, uint32_t seen, DWORD milliseconds)
{
    bool woken = host_wait(&condition->wakes, seen, host_deadline(milliseconds));
    atomic_fetch_sub(&condition->waiting, 1);
    return woken || atomic_load(&condition->wakes) != seen;
}

void InitializeConditionVariable(PCONDITION_VARIABLE variable)
{
    variable->Ptr = NULL;
}

BOOL SleepConditionVariableCS(PCONDITION_VARIABLE variable, PCRITICAL_SECTION section,
                              DWORD milliseconds)
{
    struct condition *condition = (struct condition *)variable;
    uint32_t seen = join(condition);
    LeaveCriticalSection(section);
    bool woken = wait_for_wake(condition, seen, milliseconds);
    EnterCriticalSection(section);
    return woken ? TRUE : fail(ERROR_TIMEOUT);
}

static void release(PSRWLOCK lock, bool shared)
{
    if (shared)
        ReleaseSRWLockShared(lock);
    else
        ReleaseSRWLockExclusive(lock);
}

static void acquire(PSRWLOCK lock, bool shared)
{
    if (shared)
        AcquireSRWLockShared(lock);
    else
        AcquireSRWLockExclusive(lock);
}

BOOL SleepConditionVariableSRW(PCONDITION_VARIABLE variable, PSRWLOCK lock, DWORD milliseconds,
                               ULONG flags)
{
    struct condition *condition = (struct condition *)variable;
    bool shared = (flags & CONDITION_VARIABLE_LOCKMODE_SHARED) != 0;
    if ((flags & ~CONDITION_VARIABLE_LOCKMODE_SHARED) != 0)
        return fail(ERROR_INVALID_PARAMETER);
    uint32_t seen = join(condition);
    release(lock, shared);
    bool woken = wait_for_wake(condition, seen, milliseconds);
    acquire(lock, shared);
    return woken ? TRUE : fail(ERROR_TIMEOUT);
}

void WakeConditionVariable(PCONDITION_VARIABLE variable)
{
    struct condition *condition = (struct condition *)variable;
    atomic_fetch_add(&condition->wakes, 1);
    if (atomic_load(&condition->waiting) != 0)
        host_wake_one(&condition->wakes);
}

void WakeAllConditionVariable(PCONDITION_VARIABLE variable)
{
    struct condition *condition = (struct condition *)variable;
    atomic_fetch_add(&condition->wakes, 1);
    if (atomic_load(&condition->waiting) != 0)
        host_wake_all(&condition->wakes);
}
