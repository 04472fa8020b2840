/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../debugapi.h"
