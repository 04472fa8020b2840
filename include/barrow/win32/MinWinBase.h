/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../minwinbase.h"
