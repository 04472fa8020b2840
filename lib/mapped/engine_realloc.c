/* SPDX-License-Identifier: MIT */
/* engine_realloc.c: see engine.c. */
#define BOUNDED_JOURNALED 1
#include "private/bounded_realloc.c"
