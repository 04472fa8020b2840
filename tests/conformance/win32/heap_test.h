/* SPDX-License-Identifier: MIT */
/* heap_test.h: what the tests of heaps share: the kinds of heap there are, and counting by
 * HeapWalk. */
#ifndef HEAP_TEST_H
#define HEAP_TEST_H

#include "win32_test.h"

#define KIB ((SIZE_T)1 << 10)
#define MIB ((SIZE_T)1 << 20)
#define GIB ((SIZE_T)1 << 30)

#define FAILED_SIZE ((SIZE_T)-1) /* of HeapSize */

/* Whether it is Windows' own heaps that are tested, and not ours, there or here. */
#if defined(_WIN32) && !defined(BARROW_HEAPS_ARE_OURS)
#define HEAPS_ARE_WINDOWS 1
#else
#define HEAPS_ARE_WINDOWS 0
#endif

/* Windows refuses single blocks of about 1 MiB and more in a heap with a maximum. */
#if HEAPS_ARE_WINDOWS
#define MOST_IN_BOUNDED ((SIZE_T)0xFD000)
#else
#define MOST_IN_BOUNDED (SIZE_MAX)
#endif

struct heap_kind {
    const char *name;
    DWORD options;
    SIZE_T maximum;
};

#define HEAP_KINDS 9
extern const struct heap_kind heap_kinds[HEAP_KINDS];

/* What HeapWalk lists in a heap. */
struct census {
    size_t entries, regions, busy, free, uncommitted;
    SIZE_T busy_bytes;      /* sum of the busy blocks' cbData */
    SIZE_T committed_bytes; /* sum of the regions' dwCommittedSize */
};

/* Made with options, initial size 0 and a maximum; checked. */
HANDLE heap_made(DWORD options, SIZE_T maximum);

/* HeapDestroy, checked. */
void heap_gone(HANDLE heap);

/* HeapAlloc with flags 0, checked. */
void *taken(HANDLE heap, SIZE_T size);

/* Walks the whole heap and checks that it ends as it should. */
struct census census_of(HANDLE heap);

/* The entry whose lpData is p. FALSE when there is none. */
BOOL entry_of(HANDLE heap, const void *p, PROCESS_HEAP_ENTRY *entry);

/* Whether count bytes have the value. */
BOOL all_bytes(const void *p, int value, SIZE_T count);

#endif
