/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../fileapi.h"
