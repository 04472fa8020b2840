/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../timezoneapi.h"
