/* SPDX-License-Identifier: MIT */
/* process.h: the process heap's beginning: its settings, and what it must be told of the process.
 */
#ifndef BARROW_HEAP_PROCESS_H
#define BARROW_HEAP_PROCESS_H

#include "os/compiler.h"

#include <stdatomic.h>

/* Reads the options, once, as soon as there is an environment to read. Called before the first
 * theap is made, and again from the library's constructor. */
void process_heap_start(void);

/* An allocation of the plain malloc family or operator new is about to fail. If the environment limits the
 * heap, one line says so, the first time: many programs end by a crash then. */
void process_heap_refused(void);

/* How often it was called. */
extern _Atomic uint64_t process_heap_refusals HIDDEN;

/* The value of BARROW_STATS, or NULL. */
const char *process_heap_stats_option(void);

#endif
