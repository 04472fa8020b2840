/* SPDX-License-Identifier: MIT */
#include "heap/scope.h"

#include "heap/threads.h"

THREAD_LOCAL struct scope scope_current;

struct scope scope_enter(struct private_heap *heap)
{
    struct scope before = scope_current;
    scope_leave((struct scope){ heap, heap != NULL ? heap->serial : 0 });
    return before;
}

void scope_leave(struct scope before)
{
    scope_current = before;
    threads_use_fast_paths(before.heap == NULL);
}
