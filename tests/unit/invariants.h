/* SPDX-License-Identifier: MIT */
/* invariants.h: walks over all that the library knows of its memory, and fails where two records of
 * the same thing disagree. No other thread may be at work meanwhile. */
#ifndef TESTS_UNIT_INVARIANTS_H
#define TESTS_UNIT_INVARIANTS_H

#include "heap/theap.h"

/* Every granule below the frontier belongs to one span or free run, which its neighbours, its tags
 * and the account agree with. */
void check_region(void);

/* A theap's groups, slabs and free lists; its inbox must be empty. */
void check_theap(struct theap *theap);

/* The cache of a theap, whose thread must be asleep or this one. */
void check_cache(struct theap *theap);

/* All of it. Broken theaps are left out. */
void check_heap(void);

#endif
