/* SPDX-License-Identifier: MIT */
/* scope.h: a thread's plain malloc served by a private heap, for as long as it asks for that. */
#ifndef BARROW_HEAP_SCOPE_H
#define BARROW_HEAP_SCOPE_H

#include "private/private_heap.h"

struct scope {
    struct private_heap *heap; /* NULL: malloc's own */
    uint64_t serial;           /* the heap may be destroyed before the scope ends */
};

extern THREAD_LOCAL struct scope scope_current;

/* Looked at by slow paths only: while there is a scope, the thread has no fast ones. */
ALWAYS_INLINE struct private_heap *scope_heap(void)
{
    struct private_heap *heap = scope_current.heap;
    return likely(heap == NULL)                                              ? NULL
           : heap->serial == scope_current.serial && heap->kind != HEAP_GONE ? heap
                                                                             : NULL;
}

/* Returns the scope so far, to go back to. */
struct scope scope_enter(struct private_heap *heap);
void scope_leave(struct scope before);

#endif
