/* SPDX-License-Identifier: MIT */
/* layout.h: this folder's part of what diag/layout.h tells. */
#ifndef BARROW_MEDIUM_LAYOUT_H
#define BARROW_MEDIUM_LAYOUT_H

#include "os/compiler.h"

extern const struct medium_layout medium_layout HIDDEN;

#endif
