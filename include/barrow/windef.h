/* SPDX-License-Identifier: MIT */
/* windef.h: minwindef.h and winnt.h, under the name that older sources include. */
#ifndef BARROW_WINDEF_H
#define BARROW_WINDEF_H

#include "minwindef.h"
#include "winnt.h"

#endif
