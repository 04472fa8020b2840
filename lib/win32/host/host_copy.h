/* SPDX-License-Identifier: MIT */
/* host_copy.h: copying between addresses that may not be accessible. */
#ifndef BARROW_WIN32_HOST_HOST_COPY_H
#define BARROW_WIN32_HOST_HOST_COPY_H

#include <stddef.h>

/* Copies up to the first byte that cannot be read or written; *done is how many bytes were copied.
 * Raises no signal. Returns 0, or an errno value when the system does not allow the call at all. */
int host_copy_memory(void *to, const void *from, size_t bytes, size_t *done);

#endif
