/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../errhandlingapi.h"
