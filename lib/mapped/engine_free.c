/* SPDX-License-Identifier: MIT */
/* engine_free.c: see engine.c. */
#define BOUNDED_JOURNALED 1
#include "private/bounded_free.c"
