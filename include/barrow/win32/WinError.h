/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../winerror.h"
