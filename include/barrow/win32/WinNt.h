/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../winnt.h"
