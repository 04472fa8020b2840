/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../psapi.h"
