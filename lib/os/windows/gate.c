/* SPDX-License-Identifier: MIT */
/* gate.c: see gate.h. Both sides store first and then look at the other's word, sequentially
 * consistent: either the thread sees the gate closed, or the closer sees its count.
 *
 * Threads past their end share one record, which cannot count for each of them. They go one at a
 * time instead, behind a lock of their own, which knows its owner. */
#include "os/windows/gate.h"

#include "os/lock.h"
#include "os/windows/ntdll.h"
#include "os/windows/record.h"

static _Atomic uintptr_t closer; /* its os_thread_token(); 0 while the gate is open */

static struct os_lock ended;
static uint32_t ended_depth; /* the holder's locks */

static bool is_closed(void)
{
    uintptr_t token = atomic_load_explicit(&closer, memory_order_seq_cst);
    return unlikely(token != 0) && token != os_thread_token();
}

/* After ExitProcess nobody else runs, the closer included. */
static void await_open(void)
{
    uintptr_t token;
    while ((token = atomic_load_explicit(&closer, memory_order_acquire)) != 0) {
        if (RtlDllShutdownInProgress()) {
            atomic_store_explicit(&closer, 0, memory_order_relaxed);
            return;
        }
        RtlWaitOnAddress((const void *)&closer, &token, sizeof token, NULL);
    }
}

static void enter_ended(void)
{
    if (os_lock_is_mine(&ended)) {
        ended_depth++;
        return;
    }
    os_lock_acquire(&ended);
    while (is_closed()) {
        os_lock_release(&ended);
        await_open();
        os_lock_acquire(&ended);
    }
    ended_depth = 1;
}

static struct thread_record *record_of_caller(void)
{
    return (struct thread_record *)(void *)thread_words();
}

void os_gate_enter(void)
{
    struct thread_record *record = record_of_caller();
    if (unlikely(record == &no_record)) {
        enter_ended();
        return;
    }
    while (atomic_fetch_add_explicit(&record->locks, 1, memory_order_seq_cst) == 0 && is_closed()) {
        atomic_store_explicit(&record->locks, 0, memory_order_release);
        await_open();
    }
}

/* A thread that ends inside a lock's scope leaves as what it entered: `ended` knows. */
void os_gate_leave(void)
{
    struct thread_record *record = record_of_caller();
    if (likely(record != &no_record))
        /* release: the closer that sees 0 sees the work */
        atomic_fetch_sub_explicit(&record->locks, 1, memory_order_release);
    else if (--ended_depth == 0)
        os_lock_release(&ended);
}

/* The caller's own record is asked too: it has no lock. */
static void await_locks(void)
{
    for (struct thread_record *r = records_made(); r != NULL; r = r->next_made)
        while (atomic_load_explicit(&r->locks, memory_order_seq_cst) != 0)
            os_yield();
    while (os_lock_is_held(&ended))
        os_yield();
}

void os_gate_close(void)
{
    atomic_store_explicit(&closer, os_thread_token(), memory_order_seq_cst);
    if (!RtlDllShutdownInProgress())
        await_locks();
}

void os_gate_open(void)
{
    atomic_store_explicit(&closer, 0, memory_order_release);
    RtlWakeAddressAll((const void *)&closer);
}
