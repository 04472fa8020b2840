/* SPDX-License-Identifier: MIT */
/* exception_handlers.c: the lists of vectored handlers.
 *
 * Each handler has a number; the lists are in its order. A search remembers the number of
 * the last handler that was called and looks for the next higher one, so that handlers can be added and
 * removed while another runs, even itself. The lock is held for the search alone. A thread that was
 * interrupted while it held the lock reads without: the lists are whole at every instruction. */
#include "win32/exception/exception.h"

#include "os/child.h"
#include "os/lock.h"
#include "win32/host/meta.h"

#include <stdint.h>

struct handler {
    _Atomic(struct handler *) next;
    int64_t number;
    PVECTORED_EXCEPTION_HANDLER call;
};

static struct os_lock lock;
static _Atomic(struct handler *) lists[2];
static int64_t lowest, highest; /* numbers in use */

static PVECTORED_EXCEPTION_HANDLER next_after(enum vectored list, int64_t *number)
{
    bool mine = os_lock_is_mine(&lock);
    PVECTORED_EXCEPTION_HANDLER call = NULL;
    os_child_look();
    if (!mine)
        os_lock(&lock);
    struct handler *at = lists[list];
    while (at != NULL && at->number <= *number)
        at = at->next;
    if (at != NULL) {
        call = at->call;
        *number = at->number;
    }
    if (!mine)
        os_unlock(&lock);
    return call;
}

bool vectored_ask(enum vectored list, EXCEPTION_POINTERS *pointers)
{
    int64_t number = INT64_MIN;
    PVECTORED_EXCEPTION_HANDLER call;
    if (lists[list] == NULL)
        return false;
    while ((call = next_after(list, &number)) != NULL) {
        if (call(pointers) == EXCEPTION_CONTINUE_EXECUTION)
            return true;
    }
    return false;
}

bool vectored_are_any(void)
{
    return lists[VECTORED_EXCEPTION] != NULL;
}

void vectored_fork_child(void)
{
    if (!os_lock_is_mine(&lock))
        os_lock_reset(&lock);
}

static _Atomic(struct handler *) *end_of(enum vectored list)
{
    _Atomic(struct handler *) *link = &lists[list];
    while (*link != NULL)
        link = &(*link)->next;
    return link;
}

static PVOID add(enum vectored list, bool first, PVECTORED_EXCEPTION_HANDLER call)
{
    struct handler *added = NULL;
    exception_needed();
    if (!os_lock_is_mine(&lock))
        added = meta_alloc(sizeof(*added));
    if (added == NULL)
        return fail_null(ERROR_NOT_ENOUGH_MEMORY);
    added->call = call;
    os_child_look();
    os_lock(&lock);
    _Atomic(struct handler *) *link = first ? &lists[list] : end_of(list);
    added->number = first ? --lowest : ++highest;
    added->next = *link;
    *link = added;
    os_unlock(&lock);
    return added;
}

static ULONG take_out(enum vectored list, struct handler *handler)
{
    if (handler == NULL || os_lock_is_mine(&lock))
        return 0;
    os_child_look();
    os_lock(&lock);
    _Atomic(struct handler *) *link = &lists[list];
    while (*link != NULL && *link != handler)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found)
        *link = handler->next;
    os_unlock(&lock);
    if (found)
        meta_free(handler, sizeof(*handler));
    return found;
}

PVOID AddVectoredExceptionHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
    return add(VECTORED_EXCEPTION, first != 0, handler);
}

ULONG RemoveVectoredExceptionHandler(PVOID handle)
{
    return take_out(VECTORED_EXCEPTION, handle);
}

PVOID AddVectoredContinueHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
    return add(VECTORED_CONTINUE, first != 0, handler);
}

ULONG RemoveVectoredContinueHandler(PVOID handle)
{
    return take_out(VECTORED_CONTINUE, handle);
}
