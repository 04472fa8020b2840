/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../winbase.h"
