/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../synchapi.h"
