/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../minwindef.h"
