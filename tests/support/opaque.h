/* SPDX-License-Identifier: MIT */
/* opaque.h: values that the compiler cannot see through.
 *
 * Compilers know malloc: they drop a pair of malloc and free, answer an impossible size at compile
 * time and refuse a double free. Tests that do such things on purpose pass their values through
 * here. */
#ifndef BARROW_TESTS_OPAQUE_H
#define BARROW_TESTS_OPAQUE_H

#include <stddef.h>

static inline size_t opaque_size(size_t size)
{
    __asm__ volatile("" : "+r"(size));
    return size;
}

static inline void *opaque(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

#endif
