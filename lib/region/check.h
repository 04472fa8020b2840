/* SPDX-License-Identifier: MIT */
/* check.h: whether all of this folder's records agree with each other. */
#ifndef BARROW_REGION_CHECK_H
#define BARROW_REGION_CHECK_H

#include "os/compiler.h"

/* NULL if the free runs of all arenas are sound, else what is wrong. Holds the arenas' locks. With
 * `alone`, no other thread uses the heap and no purge is under way: then each granule of each region
 * must be in one run or span, and the account must add up. */
const char *region_check(bool alone);

#endif
