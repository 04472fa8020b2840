/* SPDX-License-Identifier: MIT */
/* resident.h: bounds of resident memory, in a child that says on standard error what was too much.
 */
#ifndef BARROW_TESTS_RESIDENT_H
#define BARROW_TESTS_RESIDENT_H

#include <stdio.h>

#include "support/check.h"
#include "support/memory.h"
#include "support/suite.h"

/* How long to wait for memory to fall, in milliseconds; as a rule one or two thousand do. */
enum { PATIENCE = 30000 };

static inline void must_be(size_t resident, size_t limit, const char *when)
{
    if (resident > limit)
        dprintf(2, "%s: %zu KiB resident, %zu allowed\n", when, resident / KIB, limit / KIB);
    REQUIRE(resident <= limit);
}

static inline void must_fall(size_t limit, const char *when)
{
    must_be(memory_settles(limit, PATIENCE), limit, when);
}

#endif
