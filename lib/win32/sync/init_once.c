/* SPDX-License-Identifier: MIT */
/* init_once.c: one-time initialisation in one word. Its lowest two bits are the state; when it is
 * done, the others are the context. Threads that wait for another thread's initialisation sleep on
 * the lower half of the word, which such a thread has marked as awaited. */
#include "win32/host/internal.h"

#include "barrow/synchapi.h"
#include "win32/host/host_wait.h"

enum {
    ONCE_FRESH = 0,
    ONCE_RUNNING = 1, /* one thread initialises, others wait */
    ONCE_DONE = 2,
    ONCE_RACING = 3, /* INIT_ONCE_ASYNC: several may initialise */
    ONCE_STATE = 3,
    ONCE_AWAITED = 4 /* with ONCE_RUNNING */
};

static _Atomic uintptr_t *word_of(PINIT_ONCE once)
{
    return (_Atomic uintptr_t *)&once->Ptr;
}

/* Both processors are little-endian: the lower half comes first. */
static const _Atomic uint32_t *futex_of(PINIT_ONCE once)
{
    return (const _Atomic uint32_t *)&once->Ptr;
}

/* acquire and release: who finds the work done sees what it wrote. */
static uintptr_t load(PINIT_ONCE once)
{
    return atomic_load_explicit(word_of(once), memory_order_acquire);
}

static bool change(PINIT_ONCE once, uintptr_t *from, uintptr_t to)
{
    return atomic_compare_exchange_strong_explicit(word_of(once), from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

void InitOnceInitialize(PINIT_ONCE once)
{
    once->Ptr = NULL;
}

static void wait_for_end(PINIT_ONCE once, uintptr_t word)
{
    uintptr_t awaited = ONCE_RUNNING | ONCE_AWAITED;
    if (word == awaited || change(once, &word, awaited))
        host_wait(futex_of(once), (uint32_t)awaited, HOST_NO_DEADLINE);
}

static BOOL answer(uintptr_t word, PBOOL pending, LPVOID *context)
{
    bool done = (word & ONCE_STATE) == ONCE_DONE;
    *pending = !done;
    if (done && context != NULL)
        *context = (LPVOID)(word & ~(uintptr_t)ONCE_STATE);
    return TRUE;
}

/* The word after the caller has become one that initialises, or after the work was done. A word in
 * the other mode is returned as it is. */
static uintptr_t begin(PINIT_ONCE once, uintptr_t mode)
{
    for (;;) {
        uintptr_t word = load(once);
        if (word == ONCE_FRESH) {
            if (change(once, &word, mode))
                return mode;
        } else if ((word & ONCE_STATE) != ONCE_RUNNING || mode != ONCE_RUNNING) {
            return word;
        } else {
            wait_for_end(once, word);
        }
    }
}

BOOL InitOnceBeginInitialize(PINIT_ONCE once, DWORD flags, PBOOL pending, LPVOID *context)
{
    if ((flags & INIT_ONCE_CHECK_ONLY) != 0) {
        uintptr_t word = load(once);
        if (flags != INIT_ONCE_CHECK_ONLY)
            return fail(ERROR_INVALID_PARAMETER);
        return (word & ONCE_STATE) == ONCE_DONE ? answer(word, pending, context)
                                                : fail(ERROR_GEN_FAILURE);
    }
    if ((flags & ~INIT_ONCE_ASYNC) != 0)
        return fail(ERROR_INVALID_PARAMETER);
    uintptr_t mode = flags != 0 ? ONCE_RACING : ONCE_RUNNING;
    uintptr_t word = begin(once, mode);
    uintptr_t state = word & ONCE_STATE;
    return state == ONCE_DONE || state == mode ? answer(word, pending, context)
                                               : fail(ERROR_INVALID_PARAMETER);
}

static DWORD check_completion(DWORD flags, LPVOID context)
{
    if ((flags & ~(INIT_ONCE_ASYNC | INIT_ONCE_INIT_FAILED)) != 0)
        return ERROR_INVALID_PARAMETER;
    if (((uintptr_t)context & ONCE_STATE) != 0)
        return ERROR_INVALID_PARAMETER;
    if ((flags & INIT_ONCE_INIT_FAILED) != 0 && (context != NULL || (flags & INIT_ONCE_ASYNC) != 0))
        return ERROR_INVALID_PARAMETER;
    return 0;
}

BOOL InitOnceComplete(PINIT_ONCE once, DWORD flags, LPVOID context)
{
    DWORD error = check_completion(flags, context);
    if (error != 0)
        return fail(error);
    uintptr_t mode = (flags & INIT_ONCE_ASYNC) != 0 ? ONCE_RACING : ONCE_RUNNING;
    uintptr_t end =
        (flags & INIT_ONCE_INIT_FAILED) != 0 ? ONCE_FRESH : (uintptr_t)context | ONCE_DONE;
    uintptr_t word = load(once);
    do {
        if ((word & ONCE_STATE) != mode)
            return fail(ERROR_GEN_FAILURE);
    } while (!change(once, &word, end));
    if (word == (ONCE_RUNNING | ONCE_AWAITED))
        host_wake_all(futex_of(once));
    return TRUE;
}

BOOL InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter, LPVOID *context)
{
    PVOID made = NULL;
    BOOL pending;
    if (!InitOnceBeginInitialize(once, 0, &pending, context))
        return FALSE;
    if (!pending)
        return TRUE;
    if (!function(once, parameter, &made)) {
        InitOnceComplete(once, INIT_ONCE_INIT_FAILED, NULL);
        return FALSE;
    }
    if (!InitOnceComplete(once, 0, made))
        return FALSE;
    if (context != NULL)
        *context = made;
    return TRUE;
}
