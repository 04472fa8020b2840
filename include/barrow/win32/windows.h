/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../windows.h"
