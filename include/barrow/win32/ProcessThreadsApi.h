/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../processthreadsapi.h"
