/* SPDX-License-Identifier: MIT */
/* hold.h: HeapLock on the process heap, as far as malloc is concerned. A thread's slow paths wait
 * while another thread holds the heap; what its cache can serve passes, as on Windows. */
#ifndef BARROW_HEAP_HOLD_H
#define BARROW_HEAP_HOLD_H

#include "heap/theap.h"
#include "os/hold.h"

/* The holder has the process heap's mutex, see private/private_heap.h. */
void hold_malloc(void);
void release_malloc(void);

extern _Atomic uint32_t malloc_is_held;

/* The thread begins a slow path; false: hold_await, then again. */
ALWAYS_INLINE bool hold_begin(struct theap *theap)
{
    return likely(OS_WORK_BEGIN(&theap->working, &malloc_is_held) == 0);
}

ALWAYS_INLINE void hold_end(struct theap *theap)
{
    os_work_end(&theap->working);
}

/* Waits until nobody else holds the heap; true if the caller does so itself. */
bool hold_await(void);

void hold_after_fork(void);

#endif
