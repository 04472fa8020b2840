/* SPDX-License-Identifier: MIT */
/* kinds.h: a heap of each kind. */
#ifndef BARROW_TESTS_KINDS_H
#define BARROW_TESTS_KINDS_H

#include <barrow/barrow.h>
#include <barrow/heapapi.h>

#include "support/memory.h"

struct kind {
    const char *name;
    DWORD options;
    SIZE_T maximum;
};

static const struct kind kinds[] = {
    { "serialized", 0, 0 },
    { "one thread", HEAP_NO_SERIALIZE, 0 },
    { "bounded", 0, 16 * MIB },
    { "bounded, one thread", HEAP_NO_SERIALIZE, 16 * MIB },
    { "executable", HEAP_CREATE_ENABLE_EXECUTE, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static inline HANDLE kind_make(const struct kind *kind)
{
    return HeapCreate(kind->options, 0, kind->maximum);
}

static inline struct barrow_heap_stats stats_of(HANDLE heap)
{
    struct barrow_heap_stats stats = { .size = sizeof stats };
    barrow_heap_stats_get(heap, &stats);
    return stats;
}

#endif
