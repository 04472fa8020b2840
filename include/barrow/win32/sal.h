/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../sal.h"
