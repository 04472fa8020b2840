/* SPDX-License-Identifier: MIT */
/* face.h: malloc's family for the tests of it, in every build.
 *
 * Where the library defines malloc itself (BARROW_OVERRIDE_MALLOC=1) the plain names are the ones
 * to test. In builds that leave malloc alone, as the sanitizers need, the plain names are mapped to
 * barrow_malloc and so on. Include it after every other header: the names become macros. */
#ifndef TESTS_FACE_H
#define TESTS_FACE_H

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include <barrow/barrow.h>

#if BARROW_OVERRIDE_MALLOC

#ifdef __cplusplus
extern "C" {
#define FACE_NOTHROW noexcept
#else
#define FACE_NOTHROW
#endif

/* Names that glibc 2.36 or musl do not declare. */
void cfree(void *block) FACE_NOTHROW;
void free_sized(void *block, size_t size) FACE_NOTHROW;
void free_aligned_sized(void *block, size_t alignment, size_t size) FACE_NOTHROW;
size_t memalignment(const void *address) FACE_NOTHROW;
void *pvalloc(size_t size) FACE_NOTHROW;
int malloc_trim(size_t pad) FACE_NOTHROW;

#ifdef __cplusplus
}
#endif

#else

#define malloc             barrow_malloc
#define calloc             barrow_calloc
#define realloc            barrow_realloc
#define reallocarray       barrow_reallocarray
#define free               barrow_free
#define cfree              barrow_free
#define free_sized         barrow_free_sized
#define free_aligned_sized barrow_free_aligned_sized
#define posix_memalign     barrow_posix_memalign
#define aligned_alloc      barrow_aligned_alloc
#define memalign           barrow_memalign
#define memalignment       barrow_memalignment
#define valloc             barrow_valloc
#define pvalloc            barrow_pvalloc
#define malloc_usable_size barrow_malloc_usable_size
#define malloc_trim        barrow_malloc_trim

#endif

#endif
