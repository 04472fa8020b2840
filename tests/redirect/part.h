/* SPDX-License-Identifier: MIT */
/* part.h: what part.c exports. */
#ifndef TESTS_REDIRECT_PART_H
#define TESTS_REDIRECT_PART_H

#include "ways.h"

#ifdef PART_BUILD
#define PART_API __declspec(dllexport)
#else
#define PART_API __declspec(dllimport)
#endif

PART_API void *part_at_load(void); /* a block made when the DLL was loaded */
PART_API void part_before(void);
PART_API int part_after(ways_owns *owns);
PART_API int part_check(ways_owns *owns);
PART_API int part_checks(void);

#endif
