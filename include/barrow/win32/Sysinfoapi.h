/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../sysinfoapi.h"
