/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../tchar.h"
