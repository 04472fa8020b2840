/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../memoryapi.h"
