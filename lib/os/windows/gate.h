/* SPDX-License-Identifier: MIT */
/* gate.h: keeps all other threads out of the library's locks for a while.
 *
 * A program that has locked the heap may suspend its other threads and allocate. A thread that was
 * suspended with one of the library's locks would make it wait for ever. So each thread counts the
 * locks that it has, and passes a gate before the first of them; HeapLock closes the gate and waits
 * until every count is 0. A thread that already has a lock passes, so that it can finish.
 *
 * Locks that a program can keep for long (a private heap's mutex) are taken past the gate. */
#ifndef BARROW_OS_WINDOWS_GATE_H
#define BARROW_OS_WINDOWS_GATE_H

/* Before a lock is taken and after it is given back. Waits while another thread keeps the gate
 * closed, unless the calling thread has a lock already. */
void os_gate_enter(void);
void os_gate_leave(void);

/* Not recursive. The caller has none of the library's locks. When os_gate_close returns, no other
 * thread has one, or can take one before os_gate_open. */
void os_gate_close(void);
void os_gate_open(void);

#endif
