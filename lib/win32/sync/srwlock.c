/* SPDX-License-Identifier: MIT */
/* srwlock.c: a lock for one writer or several readers, in eight bytes.
 *
 * The lower half is the state: the number of readers, or WRITER, and two marks for threads that
 * sleep. The upper half is a count that changes with each wake-up of writers; writers sleep on it,
 * readers on the state. While a writer waits, no reader enters. The last to leave wakes one writer
 * or, if there is none, all readers. When both wait, the writer is woken and the readers' mark
 * stays, so that the writer wakes them when it leaves. No reader enters past a mark of either kind:
 * the thread that clears the mark is then sure to wake all that it was for. */
#include "win32/host/internal.h"

#include "barrow/synchapi.h"
#include "win32/host/host_wait.h"

#define HOLDERS         0x3FFFFFFFu
#define WRITER          HOLDERS
#define READERS_WAIT    0x40000000u
#define WRITERS_WAIT    0x80000000u
#define READERS_MAXIMUM (WRITER - 1)

struct srwlock {
    _Atomic uint32_t state;
    _Atomic uint32_t writer_wakes;
};

_Static_assert(sizeof(struct srwlock) == sizeof(SRWLOCK), "an SRWLOCK has one pointer's size");

static struct srwlock *lock_of(PSRWLOCK lock)
{
    return (struct srwlock *)lock;
}

/* Acquire pairs with the releases in unlock: what the holders before wrote is seen. */
static bool change(struct srwlock *lock, uint32_t *from, uint32_t to)
{
    return atomic_compare_exchange_weak_explicit(&lock->state, from, to, memory_order_acquire,
                                                 memory_order_relaxed);
}

static bool may_read(uint32_t state)
{
    return (state & HOLDERS) < READERS_MAXIMUM && (state & (READERS_WAIT | WRITERS_WAIT)) == 0;
}

static bool may_write(uint32_t state)
{
    return (state & HOLDERS) == 0;
}

void InitializeSRWLock(PSRWLOCK lock)
{
    lock->Ptr = NULL;
}

BOOLEAN TryAcquireSRWLockShared(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);
    while (may_read(state)) {
        if (change(l, &state, state + 1))
            return TRUE;
    }
    return FALSE;
}

BOOLEAN TryAcquireSRWLockExclusive(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);
    while (may_write(state)) {
        if (change(l, &state, state | WRITER))
            return TRUE;
    }
    return FALSE;
}

void AcquireSRWLockShared(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);
    for (;;) {
        if (may_read(state)) {
            if (change(l, &state, state + 1))
                return;
            continue;
        }
        if ((state & READERS_WAIT) == 0 && !change(l, &state, state | READERS_WAIT))
            continue;
        host_wait(&l->state, state | READERS_WAIT, HOST_NO_DEADLINE);
        state = atomic_load_explicit(&l->state, memory_order_relaxed);
    }
}

/* A writer that has slept takes the lock with the writers' mark: others may still sleep. */
void AcquireSRWLockExclusive(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    uint32_t mark = 0;
    uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);
    for (;;) {
        if (may_write(state)) {
            if (change(l, &state, state | WRITER | mark))
                return;
            continue;
        }
        if ((state & WRITERS_WAIT) == 0 && !change(l, &state, state | WRITERS_WAIT))
            continue;
        mark = WRITERS_WAIT;
        /* the count is read before the state, so a wake-up in between ends the wait at once */
        uint32_t wakes = atomic_load_explicit(&l->writer_wakes, memory_order_acquire);
        state = atomic_load_explicit(&l->state, memory_order_relaxed);
        if (may_write(state) || (state & WRITERS_WAIT) == 0)
            continue;
        host_wait(&l->writer_wakes, wakes, HOST_NO_DEADLINE);
        state = atomic_load_explicit(&l->state, memory_order_relaxed);
    }
}

static bool wake_writer(struct srwlock *lock)
{
    atomic_fetch_add_explicit(&lock->writer_wakes, 1, memory_order_release);
    return host_wake_one(&lock->writer_wakes);
}

/* Takes marks off a lock that nobody holds. False when the state has changed: *state is the new one. */
static bool clear_marks(struct srwlock *lock, uint32_t *state, uint32_t marks)
{
    return atomic_compare_exchange_strong_explicit(&lock->state, state, *state & ~marks,
                                                   memory_order_relaxed, memory_order_relaxed);
}

/* The writers' mark may be left from writers that have come and gone. Then nobody is woken, and it
 * is the readers' turn. A thread that takes the lock meanwhile keeps the marks, and does this work
 * itself when it leaves; one that only sets a mark sleeps, and counts on this one. */
static void wake(struct srwlock *lock, uint32_t state)
{
    while (state != 0 && (state & HOLDERS) == 0) {
        uint32_t mark = (state & WRITERS_WAIT) != 0 ? WRITERS_WAIT : READERS_WAIT;
        if (!clear_marks(lock, &state, mark))
            continue;
        if (mark == READERS_WAIT) {
            host_wake_all(&lock->state);
            return;
        }
        if (wake_writer(lock))
            return;
        state &= ~WRITERS_WAIT;
    }
}

static void unlock(struct srwlock *lock, uint32_t holders)
{
    uint32_t state =
        atomic_fetch_sub_explicit(&lock->state, holders, memory_order_release) - holders;
    if ((state & HOLDERS) == 0 && state != 0)
        wake(lock, state);
}

void ReleaseSRWLockShared(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    uint32_t holders = atomic_load_explicit(&l->state, memory_order_relaxed) & HOLDERS;
    if (holders == 0 || holders == WRITER)
        RaiseException(STATUS_RESOURCE_NOT_OWNED, 0, 0, NULL);
    else
        unlock(l, 1);
}

void ReleaseSRWLockExclusive(PSRWLOCK lock)
{
    struct srwlock *l = lock_of(lock);
    if ((atomic_load_explicit(&l->state, memory_order_relaxed) & HOLDERS) != WRITER)
        RaiseException(STATUS_RESOURCE_NOT_OWNED, 0, 0, NULL);
    else
        unlock(l, WRITER);
}
