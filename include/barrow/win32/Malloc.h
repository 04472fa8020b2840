/* SPDX-License-Identifier: MIT */
/* Beside what the C library has under this name. */
#include_next <malloc.h>
#include "../msvc.h"

#include "../malloc.h"
