/* SPDX-License-Identifier: MIT */
/* children.h: brings the library into the programs that this process starts (BARROW_CHILDREN=1). */
#ifndef BARROW_REDIRECT_CHILDREN_H
#define BARROW_REDIRECT_CHILDREN_H

#include "redirect/hooks.h"

/* For patch_add(), after children_start(). */
extern const struct named_hook children_hooks[];

/* The same of advapi32. */
extern const struct named_hook children_service_hooks[];

/* False after a message. */
bool children_start(HMODULE self);

#endif
