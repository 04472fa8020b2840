/* SPDX-License-Identifier: MIT */
/* barrow.h: what the library offers beyond malloc and Win32: its version, its account of the
 * process heap, and the malloc family under names of its own.
 *
 * Every function here may be called from any thread at any time, unless it says otherwise. */
#ifndef BARROW_BARROW_H
#define BARROW_BARROW_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(BARROW_SHARED)
#define BARROW_API __declspec(dllimport)
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

/* A program's wishes for the process heap, as a Windows program states them with /HEAP. A program
 * that defines `const struct barrow_config barrow_process_heap` gives them; the environment
 * (BARROW_RESERVE, BARROW_COMMIT, BARROW_COMMIT_LIMIT) comes after it. Bytes; 0: the library's
 * choice. */
struct barrow_config {
    size_t reserve;      /* address space to reserve */
    size_t commit;       /* memory to commit at the start */
    size_t commit_limit; /* the most memory to commit; beyond, malloc fails with ENOMEM */
};

/* What the process heap has done and holds; sizes in bytes. Later versions add fields at the end.
 */
struct barrow_stats {
    size_t size;              /* set by the caller to sizeof(struct barrow_stats) */
    uint64_t live_blocks;     /* blocks held by the program */
    uint64_t live_bytes;      /* their bytes, as malloc_usable_size counts them */
    uint64_t cached_blocks;   /* free blocks in threads' caches */
    uint64_t cached_bytes;    /* their bytes */
    uint64_t committed;       /* memory that is readable and writable and charged to the heap */
    uint64_t committed_peak;  /* the most it has been */
    uint64_t commit_limit;    /* the limit on committed, 0 when there is none */
    uint64_t reserved;        /* address space */
    uint64_t purged;          /* bytes given back to the system so far */
    uint64_t reservations;    /* ranges of address space reserved */
    uint64_t spans;           /* spans in use: slabs and large blocks */
    uint64_t slabs;           /* of these, slabs */
    uint64_t large_blocks;    /* of these, large blocks */
    uint64_t large_bytes;     /* their bytes */
    uint64_t threads;         /* theaps in use by a thread */
    uint64_t theaps;          /* theaps made so far: the most threads that were alive at once */
    uint64_t allocations;     /* calls that allocated; counted only when statistics are on */
    uint64_t allocated_bytes; /* bytes asked for; counted only when statistics are on */
    uint64_t frees;           /* calls that freed; counted only when statistics are on */
};

/* Fills *stats, no further than stats->size.
 * Returns 0, or -1 with errno EINVAL when stats is NULL or stats->size is 0.
 * The figures are read while other threads go on: each is true, together they are approximate. */
BARROW_API int barrow_stats_get(struct barrow_stats *stats);

/* Looks at every block of the process heap, and ends the process with a message if something has
 * written outside of one or into a freed one. For processes in the checked mode (BARROW_CHECKS in
 * the environment, see the README). Returns 0, or -1 with errno ENOSYS outside of that mode. */
BARROW_API int barrow_check(void);

/* The malloc family. Same behaviour, errno and sources as the functions without the prefix
 * (POSIX.1-2024, C23, glibc's manual for the rest); they exist also in builds where the plain names
 * are left alone (CMake option BARROW_OVERRIDE_MALLOC=OFF). */
BARROW_API void *barrow_malloc(size_t size);
BARROW_API void *barrow_calloc(size_t count, size_t size);
BARROW_API void *barrow_realloc(void *block, size_t size);
BARROW_API void *barrow_reallocarray(void *block, size_t count, size_t size);
BARROW_API void barrow_free(void *block);
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

#ifdef __cplusplus
}
#endif

#endif
