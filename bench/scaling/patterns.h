/* SPDX-License-Identifier: MIT */
/* patterns.h: what programs do with malloc and free, in kinds: those of the micro benchmarks. */
#ifndef BARROW_BENCH_SCALING_PATTERNS_H
#define BARROW_BENCH_SCALING_PATTERNS_H

#include <stddef.h>
#include <stdint.h>

/* One thread's part in a pattern. */
struct work {
    uint64_t random;
    void **slots;        /* SLOTS of them */
    struct work *next;   /* the thread that gets this one's blocks, in patterns with a handover */
    void *_Atomic *mail; /* MAIL blocks for this thread */
    size_t sent, taken;
};

enum { SLOTS = 1 << 17, MAIL = 1 << 10 };

struct pattern {
    const char *name;
    void (*run)(struct work *work, size_t pairs);
    size_t pairs; /* a round */
};

extern const struct pattern patterns[];
extern const size_t patterns_count;

/* Frees what a pattern has left. */
void finish(struct work *work);

#endif
