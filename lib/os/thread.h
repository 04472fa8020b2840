/* SPDX-License-Identifier: MIT */
/* thread.h: the life of threads, as far as an allocator must know it. */
#ifndef BARROW_OS_THREAD_H
#define BARROW_OS_THREAD_H

#include "os/compiler.h"

/* To be called before main: takes one of the few keys for thread-specific values that need no
 * memory. With a later one, a thread whose first allocation is for its own second key would lose
 * ours. */
void os_thread_prepare(void);

/* Who has something to do when a thread ends. */
enum os_exit { OS_EXIT_THEAP, OS_EXIT_POOLS, OS_EXIT_MAPPED, OS_EXITS };

/* Calls on_exit(argument) when the calling thread ends, after its other thread-local destructors as
 * far as possible. May be called again from within on_exit, a few times; returns false when the
 * system will not call any more. May allocate. */
bool os_thread_on_exit(enum os_exit which, void (*on_exit)(void *), void *argument);

/* True when such a call would not be answered any more. */
bool os_thread_is_past_end(enum os_exit which);

/* True from the call of OS_EXIT_THEAP on. Who frees then may be the C library, past all
 * destructors, so that a new os_thread_on_exit would never be answered. */
bool os_thread_is_ending(void);

/* Whether os_barrier works. May take some milliseconds at its first call. */
bool os_barrier_is_there(void);

/* Every other running thread passes a full memory barrier before this returns: what it stored
 * before is seen here, and what was stored here it will see. So it needs no barrier of its own
 * between a store and a load. */
void os_barrier(void);

void os_sleep_ms(uint32_t milliseconds);
void os_yield(void);

#endif
