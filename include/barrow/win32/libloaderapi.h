/* SPDX-License-Identifier: MIT */
#include "../msvc.h"

#include "../libloaderapi.h"
