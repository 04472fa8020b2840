/* SPDX-License-Identifier: MIT */
/* meta.h: memory for the tables of the Win32 face. It comes from the kernel and never from malloc:
 * VirtualAlloc may be called where malloc must not, in a fault handler or below a preloaded malloc.
 */
#ifndef BARROW_WIN32_HOST_META_H
#define BARROW_WIN32_HOST_META_H

#include <stddef.h>

/* Zeroed memory, aligned to 32 bytes, or NULL. Any thread; takes a lock of its own. */
void *meta_alloc(size_t size);

/* size is that of the allocation. NULL is ignored. */
void meta_free(void *block, size_t size);

void meta_fork_prepare(void);
void meta_fork_release(void);

#endif
