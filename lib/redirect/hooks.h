/* SPDX-License-Identifier: MIT */
/* hooks.h: what import slots are made to point to. */
#ifndef BARROW_REDIRECT_HOOKS_H
#define BARROW_REDIRECT_HOOKS_H

#include "redirect/runtime.h"

/* In which modules a function is replaced. */
enum module_kind {
    MODULE_PROGRAM = 1, /* the program's own: not in the Windows folder, or the program itself */
    MODULE_RUNTIME = 2, /* a C run-time */
    MODULE_SYSTEM = 4,  /* anything else in the Windows folder */
    MODULE_CORE = 8,    /* kernel32, kernelbase */
    MODULE_ANY = 15
};

/* With the kinds of modules, of a function that is given a block or a heap and hands out neither: it
 * is replaced everywhere before anything that makes blocks of ours is replaced anywhere. */
enum { HOOK_FIRST = 16, EVERYWHERE_FIRST = MODULE_ANY | HOOK_FIRST };

struct hook {
    const char *name; /* as exported */
    void *original;
    void *replacement;
    unsigned where; /* of enum module_kind, and HOOK_FIRST */
    HMODULE exporter;
    bool of_runtime; /* else of kernel32, kernelbase or ntdll */
};

/* A function that Windows exports, to be replaced. */
struct named_hook {
    const char *name;
    void *replacement;
    unsigned where;
};

/* Each ends with a name of NULL. */
extern const struct named_hook heap_hooks[];       /* HeapAlloc, HeapFree ... */
extern const struct named_hook whole_heap_hooks[]; /* HeapLock, HeapWalk ... */
extern const struct named_hook release_hooks[];    /* functions inside which ntdll frees a block */
extern const struct named_hook address_hooks[];    /* GetProcAddress and its companions */
extern const struct named_hook counting_hooks[];   /* allocations that barrow does not serve */

/* Remember where calls that are not for us go to. Before any slot is changed. */
void whole_heap_hooks_start(void);
void release_hooks_start(void);
void address_hooks_start(void);

/* The replacement for a function of a run-time. */
void *malloc_hook(const struct runtime *runtime, enum runtime_function function);

/* How often each was served, counted if redirect_counting is set. */
struct redirect_counts {
    volatile LONG64 heap;    /* allocations through a run-time's or program's HeapAlloc */
    volatile LONG64 direct;  /* allocations through a module's own import of malloc and the like */
    volatile LONG64 resized; /* blocks of ours */
    volatile LONG64 freed;   /* blocks of ours */
    volatile LONG64 foreign; /* calls with blocks made before, or by others: passed on */
    volatile LONG64 elsewhere; /* allocations from heaps of HeapCreate, which stay Windows' */
    volatile LONG64 local;     /* LocalAlloc and GlobalAlloc */
    volatile LONG64 committed; /* bytes, by the program's own VirtualAlloc */
};

extern struct redirect_counts redirect_counts;
extern bool redirect_counting;

static inline void redirect_count_if(bool condition, volatile LONG64 *count)
{
    if (redirect_counting && condition)
        InterlockedIncrement64(count);
}

static inline void redirect_count(volatile LONG64 *count)
{
    redirect_count_if(true, count);
}

#endif
