/* SPDX-License-Identifier: MIT */
/* calls.h: the malloc family, with the means to keep the compiler from knowing it too well. */
#ifndef BARROW_TESTS_CALLS_H
#define BARROW_TESTS_CALLS_H

#include "face.h"
#include "support/opaque.h"

#endif
