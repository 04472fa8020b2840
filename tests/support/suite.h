/* SPDX-License-Identifier: MIT */
/* suite.h: cmocka with the headers it asks for, in the order it asks for. */
#ifndef BARROW_TESTS_SUITE_H
#define BARROW_TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

#endif
