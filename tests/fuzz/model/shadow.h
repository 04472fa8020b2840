/* SPDX-License-Identifier: MIT */
/* shadow.h: a second record of which addresses are in use, so that no two blocks overlap unseen.
 *
 * One bit for each 16 bytes of the lower half of the address space: a terabyte of addresses, of
 * which only what is written takes memory. Any thread may call at any time; what orders two calls
 * about the same addresses is the allocator that is under test. */
#ifndef TESTS_FUZZ_SHADOW_H
#define TESTS_FUZZ_SHADOW_H

#include <stdbool.h>
#include <stddef.h>

enum { SHADOW_UNIT = 16 };

/* Before all else; false when the system has no such room. */
bool shadow_start(void);

/* [address, address+size), rounded up to whole units, comes into use; false when some of it was. */
bool shadow_claim(const void *address, size_t size);

/* The same range goes out of use; false when some of it was not in use. */
bool shadow_release(const void *address, size_t size);

#endif
