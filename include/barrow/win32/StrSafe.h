/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../strsafe.h"
