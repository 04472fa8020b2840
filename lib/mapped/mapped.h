/* SPDX-License-Identifier: MIT */
/* mapped.h: heaps in file mappings, as this process has them open. README.md says how they work.
 *
 * Functions that can fail for reasons outside the heap return a Win32 error, or 0. */
#ifndef BARROW_MAPPED_MAPPED_H
#define BARROW_MAPPED_MAPPED_H

#include "mapped/format.h"
#include "private/private_heap.h"

struct mapped {
    char *base; /* the file's first byte; mapped whole, as far as it may ever grow */
    struct bounded *heap;
    struct mapped_state *state;
    size_t size;      /* of the mapping */
    size_t page_size; /* the system's */
    int fd;
    uint64_t start;   /* where in the file the heap's first byte is */
    bool fixed;       /* a section: its size is what it is */
    uint32_t process; /* this process's number in the file */
    bool read_only;
    bool is_private; /* read-only, and repaired in this process's memory alone */
    bool may_cache;
    bool lost;               /* the child of a fork could not open it again */
    _Atomic uintptr_t owner; /* the thread of this process that has the lock, or 0 */
    uint32_t depth, holds;   /* how often it has it; and holds the caches off */
    uint64_t serial;         /* the private heap's; ... */
    uint32_t slot;           /* ... and its slot */
    uint32_t since_scavenge; /* calls under the lock since the dead were last looked for */
    bool keeps;              /* it is closed, not destroyed: the blocks stay */
    struct mapped *next;     /* of those that are open */
    char path[4096];         /* absolute; empty: it has none */
};

_Static_assert(sizeof(struct mapped) + PLACE_NURSERY <= (1 << PLACE_SHIFT),
               "it is placed behind the handle's heap");

ALWAYS_INLINE struct mapped *mapped_of(struct private_heap *heap)
{
    return (struct mapped *)((char *)heap + PLACE_NURSERY);
}

ALWAYS_INLINE struct mapped_cache *mapped_cache_at(const struct mapped *mapped, unsigned number)
{
    return (struct mapped_cache *)(mapped->base + MAPPED_CACHES + number * MAPPED_CACHE_BYTES);
}

/* What is in the file before it is there before what comes after it, should the process die between:
 * the system orders a death after all that the process has stored, the compiler must not reorder. */
ALWAYS_INLINE void mapped_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Changed under the lock, but read without it, too: by an opening that looks for a free number. */
ALWAYS_INLINE uint32_t mapped_cache_owner(const struct mapped_cache *cache)
{
    return atomic_load_explicit(&cache->owner, memory_order_relaxed);
}

/* release: what the cache is comes before whose it is. */
ALWAYS_INLINE void mapped_cache_set_owner(struct mapped_cache *cache, uint32_t owner)
{
    mapped_order();
    atomic_store_explicit(&cache->owner, owner, memory_order_release);
    mapped_order();
}

ALWAYS_INLINE struct mapped_root *mapped_roots(const struct mapped *mapped)
{
    return (struct mapped_root *)(mapped->base + MAPPED_ROOTS);
}

/* Bytes of the file, far beyond any contents, that are locked: while an opening or closing is under
 * way, and by each process that may write. Sections of one file lie 64 KiB apart at least. */
ALWAYS_INLINE uint64_t mapped_open_byte(const struct mapped *mapped)
{
    return ((uint64_t)1 << 62) + mapped->start;
}

ALWAYS_INLINE uint64_t mapped_process_byte(const struct mapped *mapped, uint32_t number)
{
    return mapped_open_byte(mapped) + 2 + number;
}

ALWAYS_INLINE struct private_heap *mapped_handle(struct mapped *mapped)
{
    return (struct private_heap *)((char *)mapped - PLACE_NURSERY);
}

/* ---- life: open.c --------------------------------------------------------------------------- */

struct mapped_wish {
    const char *path; /* NULL: `fd` */
    int fd;           /* opened once more */
    uint64_t start;   /* where in that file the heap is */
    size_t initial, maximum;
    uint32_t flags;   /* BARROW_HEAP_ ... of mapped_heap.h */
    uint32_t options; /* as given to HeapCreate */
    void *address;    /* where to map it, or NULL */
};

uint32_t mapped_open(const struct mapped_wish *wish, struct private_heap **out);

/* Writes everything to the disk and closes. The handle is no more, whatever is returned. */
uint32_t mapped_close(struct private_heap *heap);

extern const struct heap_backend mapped_backend HIDDEN;

/* What the backend needs of open.c. */
void mapped_end(struct private_heap *heap);
void mapped_after_fork(struct private_heap *heap);

/* The cache is any thread's of this process, if the heap with that serial is open still. */
void mapped_leave_cache(uint64_t serial, struct mapped_cache *cache);

/* The heap that the engine knows by its address alone; open and private ones only. */
struct mapped *mapped_of_engine(const struct bounded *heap);

/* The open heap in whose mapping the address is; NULL: none. */
struct mapped *mapped_around(const void *address);

/* ---- lock.c --------------------------------------------------------------------------------- */

/* The lock of all processes and threads; recursive. A thread that finds that the last owner died
 * recovers what it left. False: the heap is not open for writing. */
bool mapped_lock(struct mapped *mapped);
void mapped_unlock(struct mapped *mapped);

/* The same, and no thread of any process is at work in its cache. */
bool mapped_hold(struct mapped *mapped);
bool mapped_release(struct mapped *mapped); /* false: not held by this thread */

bool mapped_lock_is_mine(const struct mapped *mapped);

/* For assertions: the lock is this thread's, or the heap is being opened by its only user; and the
 * caches are held off, too. */
ALWAYS_INLINE bool mapped_is_locked(const struct mapped *mapped)
{
    return mapped_lock_is_mine(mapped) || mapped->serial == 0;
}

ALWAYS_INLINE bool mapped_is_held(const struct mapped *mapped)
{
    return mapped_is_locked(mapped) && (mapped->holds != 0 || mapped->serial == 0);
}

/* Whether a process that has the heap open for writing, by its number, is alive. */
bool mapped_process_is_alive(const struct mapped *mapped, uint32_t process);

/* ---- recover.c ------------------------------------------------------------------------------ */

/* With the lock, whose last owner died in the middle. False: what it left is damaged. */
bool mapped_recover(struct mapped *mapped);

/* With the lock: takes back what dead processes had in caches; true if there was any. */
bool mapped_scavenge(struct mapped *mapped);

/* The same for every cache, of a heap that no other process has open. */
void mapped_scavenge_all(struct mapped *mapped);

/* The block comes back, whatever a call that was interrupted had made of it. */
void mapped_take_back(struct mapped *mapped, uint64_t unit);

/* ---- cache.c -------------------------------------------------------------------------------- */

/* The backend's calls: by the thread's cache where that will do. */
void *mapped_alloc(struct private_heap *heap, size_t align, size_t size, bool zero);
bool mapped_free(struct private_heap *heap, void *block);

/* The same under the lock: heap.c */
void *mapped_alloc_slow(struct mapped *mapped, size_t align, size_t size, bool zero);
bool mapped_free_slow(struct mapped *mapped, void *block);

/* With the lock: the thread is about to change its cache, so that a signal handler keeps out of it;
 * false: it is a handler's, which has interrupted just that, or there is none. */
bool mapped_cache_begin(struct mapped_cache *cache);
void mapped_cache_end(struct mapped_cache *cache);

bool mapped_cache_is_own(const struct mapped *mapped, const struct mapped_cache *cache);

/* With the lock: this thread's cache, taken if it has none yet; NULL if none is to be had. */
struct mapped_cache *mapped_cache_own(struct mapped *mapped);

/* With the lock: blocks of that many units for the cache; the first of them is returned, in use. */
void *mapped_cache_fill(struct mapped *mapped, struct mapped_cache *cache, size_t size);

/* With the lock: gives blocks to the engine: half of each list, or all. */
void mapped_cache_halve(struct mapped *mapped, struct mapped_cache *cache);
void mapped_cache_empty(struct mapped *mapped, struct mapped_cache *cache);

/* While it is held: empties the caches of all processes. */
void mapped_caches_empty(struct mapped *mapped);

/* In the child of fork, or when the heap is closed: no thread's cache is at hand. */
void mapped_cache_forget(struct mapped *mapped);

/* ---- grow.c --------------------------------------------------------------------------------- */

/* Bytes of the file that blocks may be in. */
ALWAYS_INLINE uint64_t mapped_file_end(const struct mapped *mapped)
{
    return MAPPED_HEAD + mapped->heap->frontier * BOUNDED_UNIT;
}

/* Why this thread's last allocation failed: a Win32 error. */
uint32_t mapped_last_failure(void);
void mapped_set_failure(uint32_t error);

/* While it is held: free pages become holes, the file's end comes nearer. The largest free block. */
size_t mapped_compact(struct mapped *mapped);

/* ---- roots.c -------------------------------------------------------------------------------- */

uint32_t mapped_set_root(struct mapped *mapped, const char *name, const void *block);
void *mapped_root(struct mapped *mapped, const char *name);
/* The next root from *position on: its name (MAPPED_ROOT_NAME bytes) and block. False: no more. */
bool mapped_next_root(struct mapped *mapped, uint32_t *position, char *name, void **block);
struct mapped_type mapped_type(const struct mapped *mapped);
uint32_t mapped_set_type(struct mapped *mapped, const char *type, uint64_t version);

/* ---- sync.c --------------------------------------------------------------------------------- */

uint32_t mapped_sync(struct mapped *mapped);
uint32_t mapped_snapshot(struct mapped *mapped, const char *path);
/* Before the file at the path is opened: puts the synced copy in its place if the system was
 * restarted while it was open. */
uint32_t mapped_restore_synced(int fd, const char *path);
uint32_t mapped_flush(struct mapped *mapped); /* msync and fdatasync */
uint32_t mapped_forget_synced(const char *path);

/* ---- repair.c, collect.c -------------------------------------------------------------------- */

/* While it is held, with empty caches: all blocks and roots are gone. */
void mapped_remove_all(struct mapped *mapped);

/* Of a heap that no other process has open: makes lists and counts anew from the blocks. The number
 * of places where blocks could not be followed. */
uint64_t mapped_rebuild(struct mapped *mapped);

typedef void mapped_trace(void *heap, void *block, size_t size,
                          void (*visit)(void *visitor, const void *pointer), void *visitor,
                          void *context);
uint32_t mapped_collect(struct mapped *mapped, void *handle, mapped_trace *trace, void *context,
                        uint64_t *freed);

bool mapped_validate(struct mapped *mapped);

#endif
