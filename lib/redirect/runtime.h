/* SPDX-License-Identifier: MIT */
/* runtime.h: the C run-times of the process. There may be several: each DLL is linked with the one
 * of its own compiler. */
#ifndef BARROW_REDIRECT_RUNTIME_H
#define BARROW_REDIRECT_RUNTIME_H

#include "redirect/ntdll.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUNTIMES_MAX = 6 };

/* What a run-time exports for its heap. */
enum runtime_function {
    RUNTIME_MALLOC,
    RUNTIME_CALLOC,
    RUNTIME_REALLOC,
    RUNTIME_FREE,
    RUNTIME_MSIZE,
    RUNTIME_NEW,
    RUNTIME_DELETE,
    RUNTIME_FUNCTIONS
};

struct runtime {
    HMODULE module; /* NULL: this entry is free */
    HANDLE heap;    /* NULL until the run-time has made or chosen it */
    intptr_t (*heap_handle)(void);
    /* Called for what barrow does not do: blocks of others, failures. NULL if not exported. */
    union {
        void *(*alloc)(size_t);
        void *(*calloc)(size_t, size_t);
        void *(*realloc)(void *, size_t);
        void (*free)(void *);
        size_t (*msize)(void *);
        FARPROC address;
    } original[RUNTIME_FUNCTIONS];
};

extern struct runtime runtimes[RUNTIMES_MAX];

/* An exported name and the function that it is. */
struct runtime_export {
    const char *name;
    enum runtime_function function;
};

/* Ends with a name of NULL. The first name for a function is the one to call. */
extern const struct runtime_export runtime_exports[];

/* Whether a module's file name is that of a C run-time; debug tells whether of a debugging one,
 * whose malloc puts a header of its own before the block. */
bool runtime_is_name(const UNICODE_STRING *name, bool *debug);

/* Notes the module. NULL when the table is full. */
struct runtime *runtime_add(HMODULE module);
void runtime_remove(HMODULE module);
bool runtime_is_known(HMODULE module);

/* Whether the handle is the heap of a run-time or the process's. */
bool runtime_is_heap(HANDLE heap);

#endif
