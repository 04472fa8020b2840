/* SPDX-License-Identifier: MIT */
/* steps.h: the instructions of a piece of code, counted by stepping a child through it. */
#ifndef TESTS_UNIT_STEPS_H
#define TESTS_UNIT_STEPS_H

#include <stddef.h>

/* In a child: prepare(argument), then use(argument), whose instructions are counted. The child's
 * main thread is stepped; threads that prepare() has made run on. A child that can't prepare ends
 * with a status other than 0, which fails the test. */
size_t count_steps(void (*prepare)(void *argument), void (*use)(void *argument), void *argument);

#endif
