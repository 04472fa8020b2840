/* SPDX-License-Identifier: MIT */
/* host_wait.h: waiting for a change of a word in memory that this process alone uses (futexes). No
 * function here changes errno or is a cancellation point. */
#ifndef BARROW_WIN32_HOST_HOST_WAIT_H
#define BARROW_WIN32_HOST_HOST_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HOST_NO_DEADLINE UINT64_MAX

/* The monotonic clock, in nanoseconds. */
uint64_t host_clock(void);

/* The clock's value when that many milliseconds have passed; HOST_NO_DEADLINE for INFINITE. */
uint64_t host_deadline(uint32_t milliseconds);

/* Sleeps while the word has the expected value, until it is woken or the clock reaches the deadline.
 * May return early for no reason, so the caller looks again. False: the deadline has passed. */
bool host_wait(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline);

/* Wakes threads that wait for the word: one (false: there was none), or all. */
bool host_wake_one(const _Atomic uint32_t *word);
void host_wake_all(const _Atomic uint32_t *word);

/* Lets a loop that waits for another processor go easy on this one. */
void host_pause(void);

#endif
