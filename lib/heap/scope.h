/* SPDX-License-Identifier: MIT */
/* scope.h: a thread's plain malloc served by a private heap, for as long as it asks for that. */
#ifndef BARROW_HEAP_SCOPE_H
#define BARROW_HEAP_SCOPE_H

#include "os/thread_words.h"
#include "private/private_heap.h"

/* Looked at by slow paths only: while there is a scope, the thread has no fast ones. */
ALWAYS_INLINE struct private_heap *scope_heap(void)
{
    const struct scope *scope = &thread_words()->scope;
    struct private_heap *heap = scope->heap;
    return likely(heap == NULL)                                       ? NULL
           : heap->serial == scope->serial && heap->kind != HEAP_GONE ? heap
                                                                      : NULL;
}

/* Calls the program's function for private_asks_again, outside the scope. */
bool scope_ask(struct private_heap *heap, size_t wanted, struct private_asked asked);

/* Returns the scope so far, to go back to. */
struct scope scope_enter(struct private_heap *heap);
void scope_leave(struct scope before);

#endif
