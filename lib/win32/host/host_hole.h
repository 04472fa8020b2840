/* SPDX-License-Identifier: MIT */
/* host_hole.h: holes of shared memory that may not be accessed. On Linux: userfaultfd for missing
 * pages of shared memory (kernel 5.11). */
#ifndef BARROW_WIN32_HOST_HOST_HOLE_H
#define BARROW_WIN32_HOST_HOST_HOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In a mapping of a file of shared memory, opened for writing: from now on the program's access to a
 * page for which the file has no memory is a SIGBUS, and a page becomes accessible at the moment at
 * which any process allocates it. Returns 0, or ENOSYS where that cannot be had; then nothing has
 * changed. win32_lock is held. */
int host_hole_trap(uintptr_t address, size_t size);
/* In the child of a fork: no hole is trapped there until host_hole_trap is called again. Returns
 * whether any was. */
bool host_hole_forget(void);

#endif
