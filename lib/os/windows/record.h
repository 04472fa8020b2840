/* SPDX-License-Identifier: MIT */
/* record.h: what the library keeps for each thread. thread.c makes records and gives them out. */
#ifndef BARROW_OS_WINDOWS_RECORD_H
#define BARROW_OS_WINDOWS_RECORD_H

#include "os/thread.h"
#include "os/thread_words.h"

#include <stdatomic.h>

struct thread_record {
    _Alignas(CACHE_LINE) struct thread_words words; /* first: thread_words() is its address */
    struct {
        void (*call)(void *);
        void *argument;
    } exits[OS_EXITS];
    _Atomic uint32_t locks;     /* that the thread has; gate.c's */
    struct thread_record *next; /* in the list of free ones */
    struct thread_record *next_made;
};

/* What a thread has that is past its end, or that there is no memory for. Shared by all of those. */
extern struct thread_record no_record;

/* The newest record of all that were ever made; next_made leads to the others. Records are never
 * freed. */
struct thread_record *records_made(void);

#endif
