/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../windef.h"
