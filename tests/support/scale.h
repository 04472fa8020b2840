/* SPDX-License-Identifier: MIT */
/* scale.h: how much work a test does.
 *
 * BARROW_TEST_SCALE is a percentage: the environment variable, else the compile definition, else
 * 100. Runs under a sanitizer or valgrind set it to 10 or less. */
#ifndef BARROW_TESTS_SCALE_H
#define BARROW_TESTS_SCALE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* count scaled, at least 1. */
size_t scaled(size_t count);

#ifdef __cplusplus
}
#endif

#endif
