/* SPDX-License-Identifier: MIT */
#include "heap/scope.h"

#include "heap/heap.h"
#include "heap/threads.h"

struct scope scope_enter(struct private_heap *heap)
{
    struct scope before = thread_words()->scope;
    scope_leave((struct scope){ heap, heap != NULL ? heap->serial : 0 });
    return before;
}

void scope_leave(struct scope before)
{
    thread_words()->scope = before;
    threads_use_fast_paths(before.heap == NULL);
}

bool scope_ask(struct private_heap *heap, size_t wanted, struct private_asked asked)
{
    struct scope scope = scope_enter(NULL);
    bool busy = heap_set_busy(false);
    bool again = asked.call(heap, wanted, asked.context) != 0;
    heap_set_busy(busy);
    scope_leave(scope);
    return again;
}
