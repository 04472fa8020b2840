/* SPDX-License-Identifier: MIT */
/* redirect.h: Windows: the C run-times' heap and the process heap served by barrow.dll, from the
 * moment that it is loaded. BARROW_REDIRECT=0 in the environment leaves them alone.
 *
 * Any thread, at any time. */
#ifndef BARROW_REDIRECT_H
#define BARROW_REDIRECT_H

#include "barrow/barrow.h"

#ifdef __cplusplus
extern "C" {
#endif

struct barrow_redirect_figures {
    size_t size;         /* set by the caller to sizeof(struct barrow_redirect_figures) */
    uint64_t modules;    /* modules in which imports were changed */
    uint64_t imports;    /* imports that were changed */
    uint64_t runtimes;   /* C run-times seen */
    uint64_t heap;       /* allocations by HeapAlloc, most of them a run-time's own calls */
    uint64_t direct;     /* allocations by malloc, calloc and new, past the run-time */
    uint64_t resized;    /* blocks of barrow's resized */
    uint64_t freed;      /* blocks of barrow's freed */
    uint64_t passed_on;  /* calls with blocks that are not barrow's */
    uint64_t left_alone; /* modules whose imports could not be changed */
    uint64_t elsewhere;  /* allocations from heaps of HeapCreate, which stay Windows' own */
    uint64_t local;      /* allocations by LocalAlloc and GlobalAlloc, which do so too */
    uint64_t committed;  /* bytes that the program's own modules committed by VirtualAlloc */
};

/* Whether the process's run-times are served by barrow: 1 or 0. */
BARROW_API int barrow_redirected(void);

/* Whether the address lies in barrow's heap: 1 or 0. Any address. */
BARROW_API int barrow_redirect_owns(const void *address);

/* Fills *figures, no further than figures->size. Calls are counted only when statistics are on
 * (BARROW_STATS). Returns 0, or -1 when figures is NULL or figures->size is 0. */
BARROW_API int barrow_redirect_figures(struct barrow_redirect_figures *figures);

#ifdef __cplusplus
}
#endif

#endif
