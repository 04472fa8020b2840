/* SPDX-License-Identifier: MIT */
/* ways.h: every way in which a module gets memory from its C run-time or from the process heap.
 * This is compiled into each module of the test, for its own run-time:
 *
 *     the program    part.c's DLL, there at the start    part.c's DLL, loaded late */
#ifndef TESTS_REDIRECT_WAYS_H
#define TESTS_REDIRECT_WAYS_H

/* Whether barrow owns the address. */
typedef int ways_owns(const void *address);

/* Checks all ways. Returns how many checks failed; each has been told on standard output. */
int ways_check(ways_owns *owns);

/* Makes blocks in several ways, before the library is there ... */
void ways_before(void);

/* ... and sizes, resizes and frees them when it is. Returns as ways_check(). */
int ways_after(ways_owns *owns);

/* How many checks there were, in this module. */
int ways_checks(void);

#endif
