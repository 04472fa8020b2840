/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../heapapi.h"
