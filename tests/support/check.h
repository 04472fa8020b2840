/* SPDX-License-Identifier: MIT */
/* check.h: a check for places where cmocka's asserts may not be used.
 *
 * cmocka leaves a failed test by longjmp, which only its own thread may do. REQUIRE works in any
 * thread, in children and in destructors: it names the place on standard error and aborts. */
#ifndef BARROW_TESTS_CHECK_H
#define BARROW_TESTS_CHECK_H

#ifdef __cplusplus
extern "C" {
#endif

#define REQUIRE(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Ends the process by SIGABRT after a line on standard error; allocates nothing. */
void check_failed(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#ifdef __cplusplus
}
#endif

#endif
