/* SPDX-License-Identifier: MIT */
#include "heap/scope.h"

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
