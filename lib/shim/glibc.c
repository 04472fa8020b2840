/* SPDX-License-Identifier: MIT */
/* The calls by which programs for glibc tune and look at their malloc, in glibc's shapes and with
 * this heap's figures (glibc manual, "Statistics for Memory Allocation with malloc"). */
#if BARROW_OVERRIDE_MALLOC

#include "barrow/barrow.h"
#include "heap/figures.h"
#include "os/compiler.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

/* Declared here and not by <malloc.h>, which other C libraries lack in part. */
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

EXPORT struct mallinfo mallinfo(void);
EXPORT struct mallinfo2 mallinfo2(void);
EXPORT int mallopt(int parameter, int value);
EXPORT void malloc_stats(void);
EXPORT int malloc_info(int options, FILE *stream);

/* arena and the *ordblks speak of slabs, hblk* of blocks with a span of their own. */
struct mallinfo2 mallinfo2(void)
{
    struct barrow_stats stats;
    heap_figures(&stats);
    size_t arena = stats.committed > stats.large_bytes ? stats.committed - stats.large_bytes : 0;
    size_t in_use = stats.live_bytes - stats.large_bytes;
    return (struct mallinfo2){ .arena = arena,
                               .ordblks = stats.cached_blocks,
                               .hblks = stats.large_blocks,
                               .hblkhd = stats.large_bytes,
                               .uordblks = in_use,
                               .fordblks = arena > in_use ? arena - in_use : 0,
                               .keepcost = stats.cached_bytes };
}

struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){ .arena = (int)wide.arena,
                              .ordblks = (int)wide.ordblks,
                              .hblks = (int)wide.hblks,
                              .hblkhd = (int)wide.hblkhd,
                              .uordblks = (int)wide.uordblks,
                              .fordblks = (int)wide.fordblks,
                              .keepcost = (int)wide.keepcost };
}

/* glibc's parameters (malloc.h). Those that ask for a trade between time and memory are accepted:
 * the heap makes it by itself. Those that ask for a behaviour that is not here are refused. */
int mallopt(int parameter, int value)
{
    enum {
        MXFAST = 1,
        ARENA_MAX = -8,
        ARENA_TEST = -7,
        PERTURB = -6,
        MMAP_MAX = -4,
        MMAP_THRESHOLD = -3,
        TOP_PAD = -2,
        TRIM_THRESHOLD = -1
    };
    switch (parameter) {
    case MXFAST:
        return value >= 0 && value <= 160; /* glibc's bound on 64-bit systems */
    case ARENA_MAX:
    case ARENA_TEST:
    case MMAP_MAX:
    case MMAP_THRESHOLD:
    case TOP_PAD:
    case TRIM_THRESHOLD:
        return 1;
    case PERTURB:
        return value == 0;
    default:
        return 0;
    }
}

/* Neither malloc_stats nor malloc_info may end the calling thread: POSIX has no cancellation point
 * by these names, and a thread that ends in stdio keeps its lock. A request waits meanwhile. */
static int hold_cancellation(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static void restore_cancellation(int before)
{
    pthread_setcancelstate(before, &before);
}

static void print_stats(void)
{
    struct mallinfo2 info = mallinfo2();
    fprintf(stderr, "Arena 0:\nsystem bytes     = %10zu\nin use bytes     = %10zu\n", info.arena,
            info.uordblks);
    fprintf(stderr, "Total (incl. mmap):\nsystem bytes     = %10zu\nin use bytes     = %10zu\n",
            info.arena + info.hblkhd, info.uordblks + info.hblkhd);
    fprintf(stderr, "max mmap regions = %10zu\nmax mmap bytes   = %10zu\n", info.hblks,
            info.hblkhd);
}

void malloc_stats(void)
{
    int before = hold_cancellation();
    print_stats();
    restore_cancellation(before);
}

static void print_info(FILE *stream)
{
    struct barrow_stats stats;
    heap_figures(&stats);
    struct mallinfo2 info = mallinfo2();
    size_t arena = info.arena;
    size_t rest = info.fordblks > stats.cached_bytes ? info.fordblks - stats.cached_bytes : 0;
    fprintf(stream, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
    for (int total = 0; total < 2; total++) {
        fprintf(stream, "<total type=\"fast\" count=\"%" PRIu64 "\" size=\"%" PRIu64 "\"/>\n",
                stats.cached_blocks, stats.cached_bytes);
        fprintf(stream, "<total type=\"rest\" count=\"%" PRIu64 "\" size=\"%zu\"/>\n", stats.slabs,
                rest);
        if (total)
            fprintf(stream, "<total type=\"mmap\" count=\"%" PRIu64 "\" size=\"%" PRIu64 "\"/>\n",
                    stats.large_blocks, stats.large_bytes);
        fprintf(stream, "<system type=\"current\" size=\"%zu\"/>\n", arena);
        fprintf(stream, "<system type=\"max\" size=\"%" PRIu64 "\"/>\n", stats.committed_peak);
        fprintf(stream, "<aspace type=\"total\" size=\"%zu\"/>\n", arena);
        fprintf(stream, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", arena);
        if (!total)
            fprintf(stream, "</heap>\n");
    }
    fprintf(stream, "</malloc>\n");
}

int malloc_info(int options, FILE *stream)
{
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    int before = hold_cancellation();
    print_info(stream);
    restore_cancellation(before);
    return 0;
}

#endif
