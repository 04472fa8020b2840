/* SPDX-License-Identifier: MIT */
/* pattern.h: bytes that a block can be filled with and recognised by.
 *
 * Byte i of a pattern depends on the seed and on i alone, so a block may move, and a part of it may
 * be checked. Blocks above PATTERN_DENSE are marked at the start of each 4 KiB and at their end
 * only: it finds a lost or swapped page and keeps tests of large blocks quick. */
#ifndef BARROW_TESTS_PATTERN_H
#define BARROW_TESTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PATTERN_DENSE ((size_t)1 << 20)

/* Writes the pattern over a block of size bytes. */
void pattern_fill(void *block, size_t size, uint64_t seed);

/* Whether the first kept bytes of a block that was filled with size bytes still hold the pattern.
 */
bool pattern_holds(const void *block, size_t kept, size_t size, uint64_t seed);

/* Whether all bytes are zero. */
bool bytes_are_zero(const void *block, size_t size);

#ifdef __cplusplus
}
#endif

#endif
