/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../handleapi.h"
