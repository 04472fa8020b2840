/* SPDX-License-Identifier: MIT */
/* scopes.c: a thread's plain malloc sent to a heap, for the program. */
#include "barrow/barrow.h"
#include "heap/scope.h"
#include "os/lock.h"
#include "shim/face.h"
#include "shim/heaps.h"

#include <errno.h>

static int invalid(void)
{
    errno = EINVAL;
    return -1;
}

static struct barrow_scope public_scope(struct scope scope)
{
    return (struct barrow_scope){ scope.heap, scope.serial, (const void *)os_thread_token() };
}

EXPORT int barrow_scope_enter(struct barrow_scope *scope, void *handle)
{
    struct private_heap *heap = private_heap_of(handle);
    if (scope == NULL)
        return invalid();
    *scope = public_scope(thread_words()->scope);
    if (handle != NULL && heap == NULL)
        return invalid();
    scope_enter(heap != NULL && is_malloc_heap(heap) ? NULL : heap);
    return 0;
}

EXPORT int barrow_scope_leave(const struct barrow_scope *scope)
{
    if (scope == NULL || scope->thread != (const void *)os_thread_token())
        return invalid();
    scope_leave((struct scope){ scope->heap, scope->serial });
    return 0;
}

EXPORT void *barrow_scope_heap(void)
{
    return scope_heap();
}
