/* SPDX-License-Identifier: MIT */
/* check.h: whether all records of a theap's medium blocks agree with each other. */
#ifndef BARROW_MEDIUM_CHECK_H
#define BARROW_MEDIUM_CHECK_H

#include "medium/medium.h"

/* NULL if they do, else what is wrong. The lock of the theap is held. */
const char *medium_check(const struct medium *medium);

#endif
