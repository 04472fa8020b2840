/* SPDX-License-Identifier: MIT */
/* test.h: what every unit test includes first, and a random number generator whose seed is fixed,
 * so that a failure can be had again. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

/* clang-format off: cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct random {
    uint64_t state;
};

/* xorshift64* */
static inline uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1dULL;
}

/* 0 to below - 1 */
static inline size_t random_below(struct random *random, size_t below)
{
    return (size_t)((random_next(random) >> 11) % below);
}

#endif
