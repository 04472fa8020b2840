/* SPDX-License-Identifier: MIT */
/* layout.h: this folder's part of what diag/layout.h tells. */
#ifndef BARROW_REGION_LAYOUT_H
#define BARROW_REGION_LAYOUT_H

#include "os/compiler.h"

extern const struct region_layout region_layout HIDDEN;

#endif
