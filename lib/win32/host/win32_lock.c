/* SPDX-License-Identifier: MIT */
/* fork.c: the lock of the tables, and what a fork needs: every lock is held across it, so that the
 * child finds whole tables that agree with the memory it inherits. */
#include "win32/host/internal.h"

#include "win32/exception/exception.h"
#include "win32/handle/object.h"
#include "win32/host/host_watch.h"
#include "win32/host/meta.h"
#include "win32/section/section.h"

#include "heap/scope.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static THREAD_LOCAL bool held;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool registered;

static void register_hooks(void)
{
    /* the C library may take memory for it, which must not go with a heap of the program's */
    struct scope before = scope_enter(NULL);
    pthread_atfork(win32_fork_prepare, win32_fork_parent, win32_fork_child);
    scope_leave(before);
    registered = true;
}

void win32_fork_register(void)
{
    if (!registered)
        pthread_once(&once, register_hooks);
}

void win32_lock(void)
{
    win32_fork_register();
    pthread_mutex_lock(&lock);
    held = true;
}

bool win32_lock_is_mine(void)
{
    return held;
}

void win32_unlock(void)
{
    held = false;
    pthread_mutex_unlock(&lock);
}

void win32_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
    handle_fork_prepare();
    section_fork_prepare();
    global_fork_prepare();
    meta_fork_prepare();
}

void win32_fork_parent(void)
{
    meta_fork_release();
    global_fork_release();
    section_fork_parent();
    handle_fork_release();
    pthread_mutex_unlock(&lock);
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
    pthread_mutex_unlock(&lock);
}
