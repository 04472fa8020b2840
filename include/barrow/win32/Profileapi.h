/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../profileapi.h"
