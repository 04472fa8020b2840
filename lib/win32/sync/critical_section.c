/* SPDX-License-Identifier: MIT */
/* critical_section.c: recursive locks in the layout of Windows' CRITICAL_SECTION.
 *
 * LockCount is the futex: -1 free, 0 taken, 1 taken and perhaps awaited (the three-state mutex of
 * Drepper's "Futexes are tricky"). A thread that gives the lock back makes a system call only in the
 * third state. The owner is known by the address of a thread-local variable, which, unlike the
 * thread's number, is the same in the child of a fork. */
#include "win32/host/internal.h"

#include "barrow/processthreadsapi.h"
#include "barrow/synchapi.h"
#include "win32/host/host_process.h"
#include "win32/host/host_wait.h"

enum { UNHELD = -1, HELD = 0, AWAITED = 1 };

static THREAD_LOCAL char identity;

static _Atomic int32_t *state_of(LPCRITICAL_SECTION section)
{
    return (_Atomic int32_t *)&section->LockCount;
}

static const _Atomic uint32_t *futex_of(LPCRITICAL_SECTION section)
{
    return (const _Atomic uint32_t *)&section->LockCount;
}

/* Other threads read the owner's mark while it changes; only equality with their own counts, and
 * that value is written by themselves alone. */
static bool is_mine(LPCRITICAL_SECTION section)
{
    return LOAD_RELAXED(&section->LockSemaphore) == (HANDLE)&identity;
}

static bool take(LPCRITICAL_SECTION section)
{
    int32_t unheld = UNHELD;
    /* acquire: pairs with the exchange in Leave, so the new owner sees what the last one wrote */
    return atomic_compare_exchange_strong_explicit(state_of(section), &unheld, HELD,
                                                   memory_order_acquire, memory_order_relaxed);
}

static bool take_by_spinning(LPCRITICAL_SECTION section)
{
    for (ULONG_PTR i = 0; i < section->SpinCount; i++) {
        host_pause();
        if (atomic_load_explicit(state_of(section), memory_order_relaxed) == UNHELD &&
            take(section))
            return true;
    }
    return false;
}

/* A thread that has slept takes the lock as awaited: others may still sleep. */
static void take_by_sleeping(LPCRITICAL_SECTION section)
{
    while (atomic_exchange_explicit(state_of(section), AWAITED, memory_order_acquire) != UNHELD)
        host_wait(futex_of(section), AWAITED, HOST_NO_DEADLINE);
}

static void own(LPCRITICAL_SECTION section)
{
    section->RecursionCount = 1;
    section->OwningThread = ULongToHandle(GetCurrentThreadId());
    STORE_RELAXED(&section->LockSemaphore, (HANDLE)&identity);
}

BOOL InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spin, DWORD flags)
{
    (void)flags;
    section->DebugInfo = NULL;
    section->LockCount = UNHELD;
    section->RecursionCount = 0;
    section->OwningThread = NULL;
    section->LockSemaphore = NULL;
    SetCriticalSectionSpinCount(section, spin);
    return TRUE;
}

BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spin)
{
    return InitializeCriticalSectionEx(section, spin, 0);
}

void InitializeCriticalSection(LPCRITICAL_SECTION section)
{
    InitializeCriticalSectionEx(section, 0, 0);
}

/* Windows keeps flags in the upper byte of the argument. */
DWORD SetCriticalSectionSpinCount(LPCRITICAL_SECTION section, DWORD spin)
{
    DWORD before = (DWORD)section->SpinCount;
    section->SpinCount = host_processors() > 1 ? spin & 0x00FFFFFFu : 0;
    return before;
}

void EnterCriticalSection(LPCRITICAL_SECTION section)
{
    if (is_mine(section)) {
        section->RecursionCount++;
        return;
    }
    if (!take(section) && !take_by_spinning(section))
        take_by_sleeping(section);
    own(section);
}

BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section)
{
    if (is_mine(section)) {
        section->RecursionCount++;
        return TRUE;
    }
    if (!take(section))
        return FALSE;
    own(section);
    return TRUE;
}

void LeaveCriticalSection(LPCRITICAL_SECTION section)
{
    if (!is_mine(section)) {
        RaiseException(STATUS_RESOURCE_NOT_OWNED, 0, 0, NULL);
        return;
    }
    if (--section->RecursionCount != 0)
        return;
    section->OwningThread = NULL;
    STORE_RELAXED(&section->LockSemaphore, NULL);
    if (atomic_exchange_explicit(state_of(section), UNHELD, memory_order_release) == AWAITED)
        host_wake_one(futex_of(section));
}

void DeleteCriticalSection(LPCRITICAL_SECTION section)
{
    InitializeCriticalSectionEx(section, 0, 0);
}
