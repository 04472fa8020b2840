/* SPDX-License-Identifier: MIT */
/* face_lock.h: the locks of the Win32 face.
 *
 * A fork holds all of them. A copy of the process that the C library does not know of (a raw clone) was
 * made while any thread held any of them; face_lock finds out, by os/child.h, before it waits. The thread
 * of a fork may still call the face, from handlers of pthread_atfork
 * that the program has registered: the tables are whole then, so for this thread the locks are open.
 *
 * Once faults are answered (guard pages, pages that another process has committed), a thread blocks
 * signals while it holds a lock: a signal handler that touches such a page needs the tables, which
 * the code that it has interrupted may have left half changed. Programs without such pages pay
 * nothing for it. */
#ifndef BARROW_WIN32_HOST_FACE_LOCK_H
#define BARROW_WIN32_HOST_FACE_LOCK_H

#include "os/lock.h"

struct face_lock {
    struct os_lock lock;
    struct face_lock *next; /* in the list of all; constant once the library is loaded */
};

/* A file's own lock. It is listed when the library is loaded, for face_locks_lost. */
#define FACE_LOCK(name)                                                                            \
    static struct face_lock name;                                                                  \
    static void list_##name(void)                                                                  \
    {                                                                                              \
        face_lock_list(&(name));                                                                   \
    }                                                                                              \
    AT_LOAD(list_##name)

void face_lock_list(struct face_lock *lock);

/* A thread may hold several locks, each of them once. */
void face_lock(struct face_lock *lock);
void face_unlock(struct face_lock *lock);

/* For assertions, and for handlers that must not wait for their own thread. */
ALWAYS_INLINE bool face_lock_is_mine(struct face_lock *lock)
{
    return os_lock_is_mine(&lock->lock);
}

/* Whether the calling thread holds any lock of the face, or has been interrupted while it did. */
bool face_is_inside(void);

/* From here on signals are blocked inside; at once, if the calling thread is. */
void face_block_signals(void);

/* In a copy of the process that was made without fork(): lets go of the locks that are held by threads which
 * the copy does not have. What those threads were changing may be half changed. Nothing during a fork(). */
void face_locks_lost(void);

/* For the fork hooks: takes the lock for the time of a fork, and releases it in parent and child.
 * Between face_fork_begin and face_fork_end the locks are open to the calling thread. */
void face_lock_hold(struct face_lock *lock);
void face_lock_let_go(struct face_lock *lock);
void face_fork_begin(void);
void face_fork_end(void);

#endif
