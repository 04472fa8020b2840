/* SPDX-License-Identifier: MIT */
/* psapi.h for sources that include it beside windows.h. */
#include "../psapi.h"
