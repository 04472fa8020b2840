/* SPDX-License-Identifier: MIT */
#include "os/child.h"

#include "os/linux/syscall.h"
#include "os/thread.h"
#include "os/thread_words.h"
#include "os/vm.h"

#include <pthread.h>
#include <sys/mman.h>

/* of <linux/mman.h>, which is not there for every C library */
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static _Atomic uint32_t unwatched = OS_CHILD_KNOWN; /* where no page can be wiped */
_Atomic uint32_t *os_child_word = &unwatched;

static void (*_Atomic hooks[OS_CHILD_HOOKS])(void);
static _Atomic unsigned hook_count;
static _Atomic uintptr_t beginner; /* the thread that is in a hook, or 0 */

static void call_hooks(void)
{
    for (unsigned i = 0; i < OS_CHILD_HOOKS; i++) {
        /* acquire: what the hook's owner had set up before it gave it to us */
        void (*child)(void) = atomic_load_explicit(&hooks[i], memory_order_acquire);
        if (child != NULL)
            child();
    }
}

static void begin(void)
{
    atomic_store_explicit(&beginner, os_thread_token(), memory_order_relaxed);
    call_hooks();
    atomic_store_explicit(&beginner, 0, memory_order_relaxed);
    atomic_store_explicit(os_child_word, OS_CHILD_KNOWN, memory_order_release);
}

void os_child_found(void)
{
    uint32_t state = OS_CHILD_UNKNOWN;
    if (atomic_compare_exchange_strong_explicit(os_child_word, &state, OS_CHILD_BEGINS,
                                                memory_order_relaxed, memory_order_relaxed)) {
        begin();
        return;
    }
    /* a hook may come here itself */
    while (atomic_load_explicit(&beginner, memory_order_relaxed) != os_thread_token() &&
           atomic_load_explicit(os_child_word, memory_order_acquire) != OS_CHILD_KNOWN)
        os_yield();
}

static void on_fork(void)
{
    if (os_child_word == &unwatched)
        begin();
    else
        os_child_look();
}

static void watch(void)
{
    size_t page = os_page_size();
    void *memory = os_reserve(page);
    if (memory == NULL)
        return;
    if (!os_commit(memory, page) ||
        syscall4(SYS_madvise, (long)memory, (long)page, MADV_WIPEONFORK, 0) != 0) {
        os_release(memory, page);
        return;
    }
    _Atomic uint32_t *word = memory;
    atomic_store_explicit(word, OS_CHILD_KNOWN, memory_order_relaxed);
    os_child_word = word;
}

void os_on_fork_child(void (*child)(void))
{
    unsigned i = atomic_fetch_add_explicit(&hook_count, 1, memory_order_relaxed);
    ASSERT(i < OS_CHILD_HOOKS);
    atomic_store_explicit(&hooks[i], child, memory_order_release);
    if (i != 0)
        return;
    watch();
    pthread_atfork(NULL, NULL, on_fork);
}

/* The system gives a process's number to the thread that it begins with. */
bool os_child_is_first_thread(void)
{
    return syscall4(SYS_getpid, 0, 0, 0, 0) == syscall4(SYS_gettid, 0, 0, 0, 0);
}
