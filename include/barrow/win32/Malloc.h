/* SPDX-License-Identifier: MIT */
/* Beside what the C library has under this name. */
#pragma GCC system_header
#include "../msvc.h"

#include "../malloc.h"
#include_next <malloc.h>
