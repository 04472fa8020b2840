/* SPDX-License-Identifier: MIT */
/* bounded_check.h: what tests of bounded heaps share. */
#ifndef TESTS_UNIT_BOUNDED_CHECK_H
#define TESTS_UNIT_BOUNDED_CHECK_H

#include "private/bounded.h"

/* The heap holds itself for sound, and a walk over it agrees with its figures. */
void check_bounded(const struct bounded *heap);

/* How the memory there may be used, from /proc/self/maps: such as "rw-". */
const char *access_of(const void *address);

#endif
