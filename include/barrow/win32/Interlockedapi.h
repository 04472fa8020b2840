/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../interlockedapi.h"
