/* SPDX-License-Identifier: MIT */
/* heap_view.h: the heap of another process as it was at a moment: what lies where, and the sums. */
#ifndef BARROW_TOOLS_HEAP_VIEW_H
#define BARROW_TOOLS_HEAP_VIEW_H

#include "barrow/barrow.h"
#include "remote.h"

/* A span, or a run of free granules. */
struct view_span {
    uint64_t address, bytes;
    uint64_t holes; /* slab: 64ths of it (pages, in a short one) that hold no blocks */
    uint32_t
        used; /* slab: blocks of it that are not on its free list; medium: the program's blocks */
    uint32_t heap; /* pool, large: 0 malloc's, else a heap's number in `heaps`, from 1 */
    uint8_t kind;  /* enum layout_kind */
    uint8_t size_class;
};

struct view_class {
    uint64_t block, slabs, capacity; /* bytes; number; blocks that its slabs have memory for */
    uint64_t used, cached;           /* blocks: the program's and caches'; of these, in caches */
    uint64_t bytes;                  /* of the slabs' memory */
};

struct view_heap {
    uint64_t handle, number; /* 0: the process heap */
    char name[64];
    bool bounded, serialized;
    uint64_t committed, committed_peak, limit, maximum, refused;
    uint64_t start, end; /* of one with a reservation, else 0 */
};

struct view_thread {
    uint32_t number;
    bool idle; /* it has ended, and left what it had */
    uint64_t cached_blocks, cached_bytes, allocations, frees;
};

struct view {
    pid_t pid;
    char name[64], library[16];
    struct barrow_stats stats; /* as barrow_stats_get gives them, but all caches are looked into */
    uint32_t granule_bytes, classes_count;
    uint64_t medium_spans;
    struct view_class classes[LAYOUT_CLASSES];
    struct view_span *spans; /* in order of address; without guards and what is lost */
    size_t spans_count;
    struct view_heap *heaps;
    size_t heaps_count;
    struct view_thread *threads;
    size_t threads_count;
};

/* A bit for each of `count` things, read from another process; NULL if it can't be. free() it. */
struct bits {
    uint64_t *words;
    size_t count;
};

/* Which pages of the span are in memory. */
struct bits view_resident(const struct remote *remote, const struct view_span *span);

/* Which blocks of the slab are the program's. Blocks in pages that are not in memory are free. */
struct bits view_blocks(const struct remote *remote, const struct view_span *slab, uint64_t block);

static inline bool bit(const struct bits *bits, size_t number)
{
    return bits->words[number / 64] >> (number % 64) & 1;
}

/* False when there is no memory, or the process has ended meanwhile. */
bool view_take(struct view *view, const struct remote *remote);
void view_free(struct view *view);

#endif
