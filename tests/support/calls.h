/* SPDX-License-Identifier: MIT */
/* calls.h: the whole malloc family declared, whatever the C library's headers leave out.
 *
 * glibc 2.36 has no C23 names, and its headers dropped cfree. face.h maps the names to barrow_*
 * where the library is built without the plain ones. */
#ifndef BARROW_TESTS_CALLS_H
#define BARROW_TESTS_CALLS_H

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "face.h"
#include "support/opaque.h"

#ifdef __cplusplus
extern "C" {
#endif

void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
size_t memalignment(const void *address);
void cfree(void *block);

#ifdef __cplusplus
}
#endif

#endif
