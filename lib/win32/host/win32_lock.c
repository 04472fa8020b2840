/* SPDX-License-Identifier: MIT */
/* win32_lock.c: the lock of the tables, and what a fork needs: every lock is held across it, so that
 * the child finds whole tables that agree with the memory it inherits.
 *
 * The hooks are registered when the library is loaded, before the program can register any: so they
 * are the last that fork calls before it forks and the first after it, and handlers of the program
 * that wait for locks of its own do so while ours are free. */
#include "win32/host/internal.h"

#include "win32/exception/exception.h"
#include "win32/handle/object.h"
#include "win32/host/face_lock.h"
#include "win32/host/host_watch.h"
#include "win32/host/meta.h"
#include "win32/section/section.h"

#include "heap/scope.h"
#include "os/child.h"

#include <pthread.h>

FACE_LOCK(lock)
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool registered;

/* The copy has only the thread that made it. */
static void let_go_of_lost_locks(void)
{
    face_locks_lost();
    vectored_fork_child();
}

static void register_hooks(void)
{
    /* the C library may take memory for it, which must not go with a heap of the program's */
    struct scope before = scope_enter(NULL);
    pthread_atfork(win32_fork_prepare, win32_fork_parent, win32_fork_child);
    os_on_fork_child(let_go_of_lost_locks);
    scope_leave(before);
    registered = true;
}

void win32_fork_register(void)
{
    if (!registered)
        pthread_once(&once, register_hooks);
}

AT_LOAD(win32_fork_register)

void win32_lock(void)
{
    win32_fork_register();
    face_lock(&lock);
}

void win32_unlock(void)
{
    face_unlock(&lock);
}

bool win32_lock_is_mine(void)
{
    return face_lock_is_mine(&lock);
}

void win32_fork_prepare(void)
{
    face_lock_hold(&lock);
    handle_fork_prepare();
    section_fork_prepare();
    global_fork_prepare();
    meta_fork_prepare();
    face_fork_begin();
}

void win32_fork_parent(void)
{
    face_fork_end();
    meta_fork_release();
    global_fork_release();
    section_fork_parent();
    handle_fork_release();
    face_lock_let_go(&lock);
}

void win32_fork_child(void)
{
    meta_fork_release();
    global_fork_release();
    section_fork_child();
    handle_fork_release();
    host_watch_forget();
    locked_fork_child();
    vectored_fork_child();
    face_fork_end();
    face_lock_let_go(&lock);
}
