/* SPDX-License-Identifier: MIT */
/* host_userfault.h: the part of the kernel's userfaultfd that host_watch.c and host_hole.c share. No
 * message is ever read: both ask for features with which the kernel needs no answer. */
#ifndef BARROW_WIN32_HOST_HOST_USERFAULT_H
#define BARROW_WIN32_HOST_HOST_USERFAULT_H

#include <stddef.h>
#include <stdint.h>

/* The kernel's interface, as not every C library comes with the kernel's headers, or new ones. */
#define USERFAULT_MISSING         (UINT64_C(1) << 0) /* modes of a registration */
#define USERFAULT_WRITE_PROTECTED (UINT64_C(1) << 1)
#define USERFAULT_MISSING_SHARED  (UINT64_C(1) << 5) /* features */
#define USERFAULT_SIGBUS          (UINT64_C(1) << 7)
#define USERFAULT_WP_UNPOPULATED  (UINT64_C(1) << 13)
#define USERFAULT_WP_ASYNC        (UINT64_C(1) << 15)

struct userfault_range {
    uint64_t start, size;
};

/* Opens the descriptor at *fd with all of these features, unless it is open (not negative). Only
 * accesses of the program count, so no privilege is needed. Returns 0, or ENOSYS where the kernel or
 * a sandbox refuses. The caller holds the lock that guards *fd. */
int host_userfault_open(int *fd, uint64_t features);
/* Returns 0 or ENOSYS. */
int host_userfault_register(int fd, uintptr_t address, size_t size, uint64_t mode);
/* In the child of a fork: no registration has come along. Closes *fd, which becomes -1. */
void host_userfault_forget(int *fd);

#endif
