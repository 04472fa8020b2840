/* SPDX-License-Identifier: MIT */
/* barrow.h: what the library offers beyond malloc and Win32: its version, statistics of the process
 * heap, the malloc family under names of its own, and for private heaps: scopes that send plain malloc
 * to them, limits, names and statistics.
 *
 * Every function here may be called from any thread at any time, unless it says otherwise. */
#ifndef BARROW_BARROW_H
#define BARROW_BARROW_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(BARROW_BUILD_SHARED)
#define BARROW_API __declspec(dllexport)
#elif defined(_WIN32) && defined(BARROW_SHARED)
#define BARROW_API __declspec(dllimport)
#elif defined(_WIN32)
#define BARROW_API
#elif defined(__GNUC__)
#define BARROW_API __attribute__((visibility("default")))
#else
#define BARROW_API
#endif

#define BARROW_VERSION_MAJOR 0
#define BARROW_VERSION_MINOR 1
#define BARROW_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that was loaded, as "MAJOR.MINOR.PATCH". Never fails. */
BARROW_API const char *barrow_version(void);

/* A program's settings for its process heap, as the linker's option /HEAP makes them on Windows. A
 * program makes them by defining `const struct barrow_config barrow_process_heap`; the environment
 * variables BARROW_RESERVE, BARROW_COMMIT and BARROW_COMMIT_LIMIT override them. In bytes; 0 is the
 * library's default. */
struct barrow_config {
    size_t reserve;      /* address space to reserve */
    size_t commit;       /* memory to commit at the start */
    size_t commit_limit; /* the limit of memory; beyond it malloc fails with ENOMEM */
};

/* Statistics of the process heap; sizes in bytes. Later versions add fields at the end. */
struct barrow_stats {
    size_t size;              /* set by the caller to sizeof(struct barrow_stats) */
    uint64_t live_blocks;     /* blocks held by the program */
    uint64_t live_bytes;      /* their bytes, as malloc_usable_size counts them */
    uint64_t cached_blocks;   /* free blocks in threads' caches */
    uint64_t cached_bytes;    /* their bytes */
    uint64_t committed;       /* memory that is readable and writable and charged to the heap */
    uint64_t committed_peak;  /* its highest value */
    uint64_t commit_limit;    /* the limit on committed, 0 when there is none */
    uint64_t reserved;        /* address space */
    uint64_t purged;          /* bytes given back to the system so far */
    uint64_t reservations;    /* ranges of address space reserved */
    uint64_t spans;           /* spans in use: slabs and large blocks */
    uint64_t slabs;           /* of these, slabs */
    uint64_t large_blocks;    /* of these, large blocks */
    uint64_t large_bytes;     /* their bytes */
    uint64_t threads;         /* theaps in use by a thread */
    uint64_t theaps;          /* theaps made so far: the highest number of threads alive at once */
    uint64_t allocations;     /* calls that allocated; counted only when statistics are on */
    uint64_t allocated_bytes; /* bytes asked for; counted only when statistics are on */
    uint64_t frees;           /* calls that freed; counted only when statistics are on */
    uint64_t refused;         /* calls that failed for want of memory */
};

/* Fills *stats, no further than stats->size.
 * Returns 0, or -1 with errno EINVAL when stats is NULL or stats->size is 0.
 * Other threads continue meanwhile: each figure is exact, but figures may be of different moments. */
BARROW_API int barrow_stats_get(struct barrow_stats *stats);

/* Checks every block of the process heap, and ends the process with a message if memory outside a
 * block, or of a freed block, was written to. Only in the checked mode (BARROW_CHECKS in the
 * environment, see docs/checks.md). Returns 0, or -1 with errno ENOSYS outside that mode. */
BARROW_API int barrow_check(void);

/* The malloc family. Same behaviour, errno and sources as the functions without the prefix
 * (POSIX.1-2024, C23, glibc's manual for the rest); they exist also in builds where the plain names
 * are left alone (CMake option BARROW_OVERRIDE_MALLOC=OFF). */
BARROW_API void *barrow_malloc(size_t size);
BARROW_API void *barrow_calloc(size_t count, size_t size);
BARROW_API void *barrow_realloc(void *block, size_t size);
BARROW_API void *barrow_reallocarray(void *block, size_t count, size_t size);
BARROW_API void barrow_free(void *block);

/* Free a block that was allocated, or last resized, with that size, and with that alignment. A size
 * that belongs to another size class, and an alignment that the address does not have, end the
 * process with a message; in the checked mode and for blocks of private heaps every other size
 * does. So do C++'s sized operators delete. */
BARROW_API void barrow_free_sized(void *block, size_t size);
BARROW_API void barrow_free_aligned_sized(void *block, size_t alignment, size_t size);

BARROW_API int barrow_posix_memalign(void **out, size_t alignment, size_t size);
BARROW_API void *barrow_aligned_alloc(size_t alignment, size_t size);
BARROW_API void *barrow_memalign(size_t alignment, size_t size);
BARROW_API size_t barrow_memalignment(const void *address);
BARROW_API void *barrow_valloc(size_t size);
BARROW_API void *barrow_pvalloc(size_t size);
BARROW_API size_t barrow_malloc_usable_size(void *block);
BARROW_API int barrow_malloc_trim(size_t pad);

/* ---- heaps ----------------------------------------------------------------------------------
 *
 * `heap` is a handle as HeapCreate or GetProcessHeap of <barrow/heapapi.h> returns it. A handle
 * that is NULL, invalid or destroyed is answered by -1 and errno EINVAL, unless a function says
 * that NULL means something. Functions that look at a heap's blocks hold a serialized heap
 * meanwhile, as HeapLock does; for a heap of HEAP_NO_SERIALIZE the caller sees to it that no other
 * thread uses it. No heap may be destroyed by one thread while another passes its handle to a
 * function. barrow_heaps_json takes no handle and may be called at any time. */

/* What served a thread's malloc before a scope. The caller passes it to barrow_scope_leave unchanged. */
struct barrow_scope {
    void *heap;
    uint64_t serial;
    const void *thread;
};

/* Begins a scope: the calling thread's malloc, calloc, realloc (of NULL), aligned_alloc and the rest
 * of the family, and C++'s operators new, allocate from `heap`, in libraries too. NULL and
 * GetProcessHeap() mean malloc's own heap. *scope receives what barrow_scope_leave needs; scopes nest.
 *
 * Result: 0, or -1 with errno EINVAL (bad handle, or scope is NULL); then nothing has changed, and
 * leaving *scope changes nothing.
 *
 * In a scope:
 * - A block is aligned to 16 bytes or as asked for; malloc_usable_size answers the size asked for.
 *   When the heap is full, or its limit is reached, malloc fails with ENOMEM (operator new:
 *   std::bad_alloc), as usual.
 * - A block always belongs to the heap it was allocated from: free finds the heap, and realloc keeps
 *   the block in it. Blocks of the heap may be freed outside the
 *   scope and by any thread, and malloc's own inside. For a heap of HEAP_NO_SERIALIZE, however, all
 *   calls, free among them, must come from one thread at a time.
 * - The scope is that of one thread: threads that it starts, before or later, have none. The child
 *   of fork has the scope of the thread that forked.
 * - The dynamic loader's own blocks (of dlopen, and for a new thread's thread-local storage) stay
 *   out of the heap where the C library is glibc and the program is dynamically linked.
 * - When the heap is destroyed before the scope ends, malloc's own heap serves.
 *
 * What is destroyed with the heap must not be used any more. That holds for what libraries keep
 * for themselves when they are first called in the scope, the C library among them: a stream's
 * buffer, environment, locale, time zone, handlers for exit; and a C++ exception that leaves it. */
BARROW_API int barrow_scope_enter(struct barrow_scope *scope, void *heap);

/* Ends the scope: malloc is served as it was before barrow_scope_enter, and scopes that were
 * entered since and not left are ended too. Called by the thread that entered it.
 * Result: 0, or -1 with errno EINVAL (scope is NULL, or another thread's). */
BARROW_API int barrow_scope_leave(const struct barrow_scope *scope);

/* The heap that serves the calling thread's malloc; NULL for malloc's own. Never fails. */
BARROW_API void *barrow_scope_heap(void);

/* A block of the heap at a multiple of `alignment`, a power of two, in bytes; otherwise as
 * HeapAlloc. HeapFree, HeapSize and free take it; HeapReAlloc and realloc keep the alignment only when the
 * block stays where it is.
 * Result: the block, or NULL with errno EINVAL (bad handle, alignment is not a power of two) or
 * ENOMEM (the heap is full or at its limit). Threads as for HeapAlloc. */
BARROW_API void *barrow_heap_aligned_alloc(void *heap, size_t alignment, size_t size);

/* Called when a heap cannot get `wanted` bytes, because of its limit, its maximum, or because the
 * system refuses; in the thread whose call is about to fail. Result: not 0 to try again, 0 to let the
 * call fail. It is called again whenever the allocation fails again, so it must return 0 once it has
 * nothing to release.
 *
 * It may use the heap and malloc: it runs outside all of the library's locks (HeapLock's excepted,
 * when the program holds it) and outside the thread's scope. An allocation that
 * fails inside the call fails at once. Several threads may be in it at a time. It must return, not
 * leave by longjmp or an exception. */
typedef int barrow_limit_call(void *heap, size_t wanted, void *context);

/* Limits the heap's memory to `limit` bytes (0: no limit). At the limit, `call` is called with
 * `context`, unless it is NULL. The limit is on barrow_heap_stats' committed, less the page of the
 * heap's own record. Committed memory grows in steps of 64 KiB or more (in a heap with a maximum, of
 * 4 KiB or more). Threads of a serialized heap cannot exceed the limit together either. A limit below
 * what is already committed only refuses new memory: freed blocks are handed out again. Calls in
 * progress in other threads may use the previous limit. Result: 0, or -1 with errno EINVAL (bad handle)
 * or ENOTSUP (the process heap, whose limit is barrow_config's commit_limit, and heaps in files,
 * whose limit is their maximum). Any thread. */
BARROW_API int barrow_heap_set_limit(void *heap, size_t limit, barrow_limit_call *call,
                                     void *context);

#define BARROW_HEAP_NAME_SIZE 64 /* bytes of a heap's name, with the 0 at its end */

/* Gives the heap a name, in UTF-8, for reports; NULL or "": none. It is copied.
 * Result: 0, or -1 with errno EINVAL (bad handle) or ERANGE (it is too long). Any thread. */
BARROW_API int barrow_heap_set_name(void *heap, const char *name);

enum {
    BARROW_HEAP_SERIALIZED = 1, /* flags of barrow_heap_stats: any thread may use it at any time */
    BARROW_HEAP_BOUNDED = 2,    /* made with a maximum size */
    BARROW_HEAP_EXECUTABLE = 4, /* its blocks are executable memory */
    BARROW_HEAP_PROCESS = 8     /* GetProcessHeap() */
};

/* What a heap holds; sizes in bytes. Later versions add fields at the end. For the process heap,
 * malloc's blocks are counted (by malloc_usable_size), and committed, committed_peak and reserved
 * are those of barrow_stats, which count all memory except that of heaps with a maximum. */
struct barrow_heap_stats {
    size_t size;             /* set by the caller to sizeof(struct barrow_heap_stats) */
    uint64_t flags;          /* BARROW_HEAP_... */
    uint64_t live_blocks;    /* blocks held by the program */
    uint64_t live_bytes;     /* their bytes, as asked for */
    uint64_t committed;      /* memory taken for blocks */
    uint64_t committed_peak; /* its highest value (with a maximum: of the heap's end) */
    uint64_t reserved;       /* address space */
    uint64_t maximum;        /* HeapCreate's maximum size, 0 when there is none */
    uint64_t limit;          /* the limit on committed, 0 when there is none */
    uint64_t refused;        /* calls that failed because the heap was full or at its limit */
    char name[BARROW_HEAP_NAME_SIZE];
};

/* Fills *stats, no further than stats->size. Walks the heap: a time in proportion to its blocks,
 * some nanoseconds each.
 * Result: 0, or -1 with errno EINVAL (bad handle, stats is NULL or stats->size is 0). Threads: see
 * above. */
BARROW_API int barrow_heap_stats_get(void *heap, struct barrow_heap_stats *stats);

/* The same as a JSON object of one line: "handle" and "name", strings; "serialized", "bounded",
 * "executable", "process", each true or false; then the figures by their names above. Stores at
 * most `size` bytes at `buffer`, with a 0 at the end unless size is 0.
 * Result: the length of the whole text without its 0, as snprintf's; or -1 with errno EINVAL (bad
 * handle, or buffer is NULL and size is not 0). Threads: see above. */
BARROW_API int barrow_heap_json(void *heap, char *buffer, size_t size);

/* All heaps, the process heap first, as a JSON array of such objects. May be called at any time,
 * from any thread: of heaps of HEAP_NO_SERIALIZE, which another thread may be changing, it omits
 * live_blocks and live_bytes (and of those with a maximum committed and committed_peak too).
 * Time in proportion to the blocks of all other heaps. Result: as above. */
BARROW_API int barrow_heaps_json(char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
