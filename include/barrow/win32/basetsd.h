/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../basetsd.h"
