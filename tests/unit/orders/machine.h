/* SPDX-License-Identifier: MIT */
/* machine.h: a machine with a weak memory, on which a few threads run in every way that there is.
 *
 * Memory is that of C11's atomics, as an operational model with views has it: a location is a list
 * of the values stored to it, in the order that all threads agree on; a thread may read any that is
 * not older than what it has seen, and a new value may come before others that it has not seen. A
 * release store carries what its thread has seen, an acquire load takes that over. What the model
 * leaves out is that a load may be delayed past a later store of its own thread to another place
 * (load buffering); the programs here do not depend on it, for each such pair has a data or control
 * dependency or a release store between.
 *
 * The search goes through every order of the threads' steps and every value that each load may
 * have, and passes by states that it has been in before. */
#ifndef TESTS_UNIT_ORDERS_MACHINE_H
#define TESTS_UNIT_ORDERS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACES = 24, THREADS_MOST = 4 };

enum order { RELAXED, ACQUIRE, RELEASE, ACQ_REL };

/* What the threads of a program call. Places are numbers below PLACES and hold 0 at first. */
long load(unsigned place, enum order order);
void store(unsigned place, long value, enum order order);
long exchange(unsigned place, long value, enum order order);
/* A failure is a relaxed load and stores what it read in *expected. */
bool compare_exchange(unsigned place, long *expected, long value, enum order order);
/* Waits until the value can be read, as a loop of loads does that goes on for ever. */
void await(unsigned place, long value, enum order order);
/* A lock at a place of its own. */
void lock(unsigned place);
bool try_lock(unsigned place);
void unlock(unsigned place);
/* membarrier: the caller passes a full fence, each thread does, one after the other, and the caller
 * again. */
void barrier_all(void);

/* Not atomic: two of them at one place, of which one writes, must be ordered by the rest. */
long plain_read(unsigned place);
void plain_write(unsigned place, long value);

/* Must hold in every run. */
void expect(bool condition, const char *what);

struct program {
    unsigned threads;
    void (*bodies[THREADS_MOST])(void);
    void (*afterwards)(void); /* when all threads have ended, and seen by all; may be NULL */
};

struct outcome {
    const char *failure; /* NULL: none in any run */
    size_t runs, states;
};

struct outcome run_in_every_way(const struct program *program);

#endif
