/* SPDX-License-Identifier: MIT */
/* engine_alloc.c: see engine.c. */
#define BOUNDED_JOURNALED 1
#include "private/bounded_alloc.c"
