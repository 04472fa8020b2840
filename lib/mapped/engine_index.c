/* SPDX-License-Identifier: MIT */
/* engine_index.c: see engine.c. */
#define BOUNDED_JOURNALED 1
#include "private/bounded_index.c"
