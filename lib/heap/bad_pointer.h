/* SPDX-License-Identifier: MIT */
/* bad_pointer.h: a pointer that the program must not have passed. */
#ifndef BARROW_HEAP_BAD_POINTER_H
#define BARROW_HEAP_BAD_POINTER_H

#include <stddef.h>

/* Says in one line on standard error what is known of the address, and ends the process. */
_Noreturn void bad_pointer(const char *call, const void *address);

/* The same for a free block whose words do not agree: the program wrote to it. */
_Noreturn void bad_list(const void *block);

/* A block that holds `holds` bytes was freed as one of `size` bytes, or of that alignment, and can't
 * be one. */
_Noreturn void bad_size(const char *call, const void *block, size_t size, size_t holds);
_Noreturn void bad_alignment(const char *call, const void *block, size_t alignment);

#endif
