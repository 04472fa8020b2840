/* SPDX-License-Identifier: MIT */
/* thread_words.h: the library's thread-local words, all in one record, of which each thread has its
 * own. THREAD_WORDS()->name is a load or store of one instruction on Linux; on Windows, where the
 * compiler's thread-local variables are function calls (MinGW-w64), the record is found through a
 * slot of the thread's environment block.
 *
 * The layers above declare their words here; this layer gives each thread its record and knows nothing of
 * what the words mean. */
#ifndef BARROW_OS_THREAD_WORDS_H
#define BARROW_OS_THREAD_WORDS_H

#include "os/compiler.h"

struct theap;
struct own_slabs;
struct pool;
struct private_heap;

struct seats;

/* The private heap that serves a thread's plain malloc, see heap/scope.h. */
struct scope {
    struct private_heap *heap; /* NULL: malloc's own */
    uint64_t serial;           /* the heap may be destroyed before the scope ends */
};

struct thread_words {
    struct theap *theap_fast; /* heap/theap.h: never NULL */
    struct own_slabs *own;    /* heap/own_slabs.h: theap_fast's; never NULL */
    struct theap *theap;      /* heap/threads.c: the theap that the thread has; theap_fast is the
                                 same, or theap_none when calls are slow */
    bool busy;                /* heap/heap.c: on a slow path */
    bool only_slow_paths;     /* heap/threads.c */
    bool asking;              /* private/limit.c: in the program's function */
    uint8_t in_region;        /* region/arena.h: locks of that folder that are held */
    uint8_t arena;            /* region/arena.c: number of the thread's arena, plus one; or 0 */
    struct scope scope;       /* heap/scope.c */
    struct pool *at_hand;     /* private/attach.h: never NULL */
    struct seats *seats;      /* the same; NULL: none yet */
    struct pool *pools;       /* private/attach.c: all that the thread has in heaps, and ... */
    struct pool *spare_pools; /* ... those whose heaps are gone */
    uint64_t random;          /* heap/random.c */
    uint32_t random_age;
    uint32_t until_sample; /* heap/sampled.c: allocations to the next sampled one */
};

/* What a thread starts with; defined by heap/theap.c as THREAD_WORDS_AT_START = { ... };
 *
 *     struct thread_words *thread_words(void);
 *     uintptr_t os_thread_token(void);   a value other than 0 that no other living thread has
 */
#if defined(_WIN32)
#include "os/windows/thread_words.h"
#else
#include "os/linux/thread_words.h"
#endif

#endif
