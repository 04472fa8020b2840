/* SPDX-License-Identifier: MIT */
/* rng.h: a small random generator with its state in the caller's hands, so that runs repeat.
 * The step is splitmix64: a counter of odd stride, and a mixing of its bits. */
#ifndef BARROW_TESTS_RNG_H
#define BARROW_TESTS_RNG_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* A number in [0, limit); limit is not 0. */
static inline uint64_t rng_below(uint64_t *state, uint64_t limit)
{
    return rng_next(state) % limit;
}

/* A size in [1, 2^bits), each power of two as likely as the next: as programs ask. */
static inline size_t rng_size(uint64_t *state, unsigned bits)
{
    unsigned width = 1 + (unsigned)rng_below(state, bits);

    return (size_t)(1 + rng_below(state, ((uint64_t)1 << width) - 1));
}

#endif
