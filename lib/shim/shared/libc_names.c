/* SPDX-License-Identifier: MIT */
/* libc_names.c: glibc's own names for malloc's family, which some programs and libraries call. Only
 * in the shared library: in a static program the C library defines them too. */
#include "os/compiler.h"

#if BARROW_OVERRIDE_MALLOC && defined(__GLIBC__)

#include "barrow/barrow.h"

#define SAME(result, name, of, parameters, arguments)                                              \
    EXPORT result name parameters;                                                                 \
    result name parameters                                                                         \
    {                                                                                              \
        return of arguments;                                                                       \
    }

SAME(void *, __libc_malloc, barrow_malloc, (size_t size), (size))
SAME(void *, __libc_calloc, barrow_calloc, (size_t count, size_t size), (count, size))
SAME(void *, __libc_realloc, barrow_realloc, (void *block, size_t size), (block, size))
SAME(void *, __libc_memalign, barrow_memalign, (size_t align, size_t size), (align, size))
SAME(void *, __libc_valloc, barrow_valloc, (size_t size), (size))
SAME(void *, __libc_pvalloc, barrow_pvalloc, (size_t size), (size))

EXPORT void __libc_free(void *block);
void __libc_free(void *block)
{
    barrow_free(block);
}

#endif
