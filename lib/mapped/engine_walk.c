/* SPDX-License-Identifier: MIT */
/* engine_walk.c: see engine.c. */
#define BOUNDED_JOURNALED 1
#include "private/bounded_walk.c"
