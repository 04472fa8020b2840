/* SPDX-License-Identifier: MIT */
/* synchapi.h: locks, condition variables and one-time initialisation within one process, and Sleep.
 * There are no objects to wait for (events, mutexes, semaphores, threads): see docs/porting.md.
 *
 * All of these may be used by any thread, and none by a signal handler. None of the calls is a
 * cancellation point. The objects may lie anywhere in memory that the process alone uses, but must
 * not be copied or moved while they are in use. They need no memory and no descriptor, so taking
 * and releasing them cannot fail. The child of a fork finds each lock as the parent had it: what
 * another thread of the parent held stays locked there. */
#ifndef BARROW_SYNCHAPI_H
#define BARROW_SYNCHAPI_H

#include "errhandlingapi.h"
#include "interlockedapi.h"

#ifndef INFINITE
#define INFINITE 0xFFFFFFFFu
#endif

/* A recursive lock. The layout is Windows'; programs may read RecursionCount and OwningThread. */
typedef struct _RTL_CRITICAL_SECTION {
    PVOID DebugInfo;      /* NULL */
    LONG LockCount;       /* -1: free */
    LONG RecursionCount;  /* how often the owner has entered */
    HANDLE OwningThread;  /* GetCurrentThreadId() of the owner */
    HANDLE LockSemaphore; /* the library's mark of the owner */
    ULONG_PTR SpinCount;  /* looks at a taken lock before the thread sleeps */
} RTL_CRITICAL_SECTION, *PRTL_CRITICAL_SECTION, CRITICAL_SECTION, *PCRITICAL_SECTION,
    *LPCRITICAL_SECTION;

/* A lock for one writer or several readers; all zero at first. */
typedef struct _RTL_SRWLOCK {
    PVOID Ptr;
} RTL_SRWLOCK, *PRTL_SRWLOCK, SRWLOCK, *PSRWLOCK;

typedef struct _RTL_CONDITION_VARIABLE {
    PVOID Ptr;
} RTL_CONDITION_VARIABLE, *PRTL_CONDITION_VARIABLE, CONDITION_VARIABLE, *PCONDITION_VARIABLE;

typedef union _RTL_RUN_ONCE {
    PVOID Ptr;
} RTL_RUN_ONCE, *PRTL_RUN_ONCE, INIT_ONCE, *PINIT_ONCE, *LPINIT_ONCE;

/* The initialiser. Returns TRUE on success. *context, if not NULL, must be a multiple of 4. */
typedef BOOL(CALLBACK *PINIT_ONCE_FN)(PINIT_ONCE once, PVOID parameter, PVOID *context);

#if UINTPTR_MAX == UINT64_MAX
BARROW_LAYOUT(sizeof(CRITICAL_SECTION) == 40);
BARROW_LAYOUT(offsetof(CRITICAL_SECTION, OwningThread) == 16);
BARROW_LAYOUT(sizeof(SRWLOCK) == 8 && sizeof(CONDITION_VARIABLE) == 8 && sizeof(INIT_ONCE) == 8);
#endif

#ifdef __cplusplus
#define BARROW_ZERO_OBJECT                                                                         \
    {                                                                                              \
    }
#else
#define BARROW_ZERO_OBJECT                                                                         \
    {                                                                                              \
        0                                                                                          \
    }
#endif
#define SRWLOCK_INIT            BARROW_ZERO_OBJECT
#define RTL_SRWLOCK_INIT        BARROW_ZERO_OBJECT
#define CONDITION_VARIABLE_INIT BARROW_ZERO_OBJECT
#define INIT_ONCE_STATIC_INIT   BARROW_ZERO_OBJECT
#define RTL_RUN_ONCE_INIT       BARROW_ZERO_OBJECT

#define CONDITION_VARIABLE_LOCKMODE_SHARED 0x1u
#define INIT_ONCE_CHECK_ONLY               0x1u
#define INIT_ONCE_ASYNC                    0x2u
#define INIT_ONCE_INIT_FAILED              0x4u
#define INIT_ONCE_CTX_RESERVED_BITS        2
#define CRITICAL_SECTION_NO_DEBUG_INFO     0x01000000u

#define InitializeCriticalSection             barrow_InitializeCriticalSection
#define InitializeCriticalSectionAndSpinCount barrow_InitializeCriticalSectionAndSpinCount
#define InitializeCriticalSectionEx           barrow_InitializeCriticalSectionEx
#define SetCriticalSectionSpinCount           barrow_SetCriticalSectionSpinCount
#define EnterCriticalSection                  barrow_EnterCriticalSection
#define TryEnterCriticalSection               barrow_TryEnterCriticalSection
#define LeaveCriticalSection                  barrow_LeaveCriticalSection
#define DeleteCriticalSection                 barrow_DeleteCriticalSection
#define InitializeSRWLock                     barrow_InitializeSRWLock
#define AcquireSRWLockExclusive               barrow_AcquireSRWLockExclusive
#define AcquireSRWLockShared                  barrow_AcquireSRWLockShared
#define TryAcquireSRWLockExclusive            barrow_TryAcquireSRWLockExclusive
#define TryAcquireSRWLockShared               barrow_TryAcquireSRWLockShared
#define ReleaseSRWLockExclusive               barrow_ReleaseSRWLockExclusive
#define ReleaseSRWLockShared                  barrow_ReleaseSRWLockShared
#define InitializeConditionVariable           barrow_InitializeConditionVariable
#define SleepConditionVariableCS              barrow_SleepConditionVariableCS
#define SleepConditionVariableSRW             barrow_SleepConditionVariableSRW
#define WakeConditionVariable                 barrow_WakeConditionVariable
#define WakeAllConditionVariable              barrow_WakeAllConditionVariable
#define InitOnceInitialize                    barrow_InitOnceInitialize
#define InitOnceExecuteOnce                   barrow_InitOnceExecuteOnce
#define InitOnceBeginInitialize               barrow_InitOnceBeginInitialize
#define InitOnceComplete                      barrow_InitOnceComplete
#define Sleep                                 barrow_Sleep

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a lock that nobody holds. spin is how often a waiting thread looks before it sleeps; it is
 * 0 on a machine with one processor. flags are accepted and have no effect. Never fails: the forms
 * with a result return TRUE. */
BARROW_API void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section);
BARROW_API BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section,
                                                             DWORD spin);
BARROW_API BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spin,
                                                   DWORD flags);

/* Changes the spin count and returns the one before. */
BARROW_API DWORD WINAPI SetCriticalSectionSpinCount(LPCRITICAL_SECTION section, DWORD spin);

/* Takes the lock, and waits for it as long as it takes. The owner may enter again, and leaves as
 * often as it entered. */
BARROW_API void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section);

/* The same without waiting: FALSE when another thread owns the lock. */
BARROW_API BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section);

/* Undoes one Enter. A thread that does not own the lock gets the exception
 * STATUS_RESOURCE_NOT_OWNED; Windows leaves that undefined. */
BARROW_API void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section);

/* Ends the life of a lock that nobody holds or waits for. It may be initialised again. */
BARROW_API void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section);

/* A lock that nobody holds, as SRWLOCK_INIT is. */
BARROW_API void WINAPI InitializeSRWLock(PSRWLOCK lock);

/* Take the lock for writing (alone) or for reading (beside other readers), and wait for it as long
 * as it takes. The lock is not recursive: a thread that holds it in any way waits for ever. Waiting
 * writers come before readers that ask later. */
BARROW_API void WINAPI AcquireSRWLockExclusive(PSRWLOCK lock);
BARROW_API void WINAPI AcquireSRWLockShared(PSRWLOCK lock);

/* The same without waiting: 0 when the lock cannot be had now. */
BARROW_API BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock);
BARROW_API BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock);

/* Give it back. A lock that is not held in this way raises STATUS_RESOURCE_NOT_OWNED. */
BARROW_API void WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock);
BARROW_API void WINAPI ReleaseSRWLockShared(PSRWLOCK lock);

/* A condition variable that nobody waits for, as CONDITION_VARIABLE_INIT is. */
BARROW_API void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE variable);

/* Release the lock (a critical section: one level of it; an SRWLOCK: held for reading with
 * CONDITION_VARIABLE_LOCKMODE_SHARED in flags, else for writing) and wait to be woken, in one step;
 * then take the lock again. A thread may also wake up without having been woken. TRUE when it woke
 * up; FALSE with ERROR_TIMEOUT when the milliseconds (INFINITE: no limit) have passed, or
 * ERROR_INVALID_PARAMETER for unknown flags. */
BARROW_API BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE variable,
                                                PCRITICAL_SECTION section, DWORD milliseconds);
BARROW_API BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE variable, PSRWLOCK lock,
                                                 DWORD milliseconds, ULONG flags);

/* Wake one of the threads that wait, or all. The caller need not hold the lock. */
BARROW_API void WINAPI WakeConditionVariable(PCONDITION_VARIABLE variable);
BARROW_API void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE variable);

/* An object whose initialisation has not been done, as INIT_ONCE_STATIC_INIT is. */
BARROW_API void WINAPI InitOnceInitialize(PINIT_ONCE once);

/* Calls the function unless a call of it has succeeded already, and stores its context to *context
 * if that is not NULL. Other threads wait meanwhile. FALSE when the function returned FALSE: the
 * next caller tries again; the last error is what the function left. */
BARROW_API BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter,
                                           LPVOID *context);

/* The same in two steps. Begin stores TRUE to *pending when the caller is to initialise and then to
 * call Complete; else FALSE, and the context. flags: INIT_ONCE_CHECK_ONLY only asks, and fails with
 * ERROR_GEN_FAILURE when it is not done; with INIT_ONCE_ASYNC several threads may initialise at a
 * time, and the first that completes wins. Complete takes INIT_ONCE_ASYNC as Begin did, or
 * INIT_ONCE_INIT_FAILED. Errors: ERROR_INVALID_PARAMETER (flags, a context that is no multiple of 4,
 * or one mode mixed with the other), ERROR_GEN_FAILURE (another thread has completed first, or
 * nothing was begun). */
BARROW_API BOOL WINAPI InitOnceBeginInitialize(PINIT_ONCE once, DWORD flags, PBOOL pending,
                                               LPVOID *context);
BARROW_API BOOL WINAPI InitOnceComplete(PINIT_ONCE once, DWORD flags, LPVOID context);

/* Waits that many milliseconds; 0 yields; INFINITE never returns. */
BARROW_API void WINAPI Sleep(DWORD milliseconds);

#ifdef __cplusplus
}
#endif

#endif
