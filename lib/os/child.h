/* SPDX-License-Identifier: MIT */
/* child.h: the child of a fork learns that it is one, however it was made.
 *
 * A process can be copied without the C library, by a system call of the program's own, and then no
 * handler of pthread_atfork runs. So a page that the system clears in every copy of the process
 * (MADV_WIPEONFORK, Linux 4.14) holds a word, which slow paths look at before they take a lock.
 * Processes that share the memory (vfork, CLONE_VM) share the word, and are not copies. */
#ifndef BARROW_OS_CHILD_H
#define BARROW_OS_CHILD_H

#include "os/compiler.h"

#include <stdatomic.h>

/* Once for each function, of which there are at most OS_CHILD_HOOKS (on Windows one), before there are
 * children: calls `child` in every later copy of the process, in the first thread that looks, or in the
 * handler of fork() if that comes first. No lock is held by the caller, except by a fork() that holds it
 * for its child. */
enum { OS_CHILD_HOOKS = 2 };
void os_on_fork_child(void (*child)(void));

/* Whether the calling thread is the only one that the child began with. False in a thread that the
 * child has made since: the first one may be at work in any function that did not look. */
bool os_child_is_first_thread(void);

#if defined(_WIN32)
/* Windows has no fork. */
ALWAYS_INLINE void os_child_look(void) {}
#else
enum { OS_CHILD_UNKNOWN, OS_CHILD_BEGINS, OS_CHILD_KNOWN };

extern _Atomic uint32_t *os_child_word HIDDEN;
void os_child_found(void);

/* To be called where no lock of the library's is held. */
ALWAYS_INLINE void os_child_look(void)
{
    /* acquire: what another thread's call of `child` has put in order is seen */
    if (unlikely(atomic_load_explicit(os_child_word, memory_order_acquire) != OS_CHILD_KNOWN))
        os_child_found();
}
#endif

#endif
