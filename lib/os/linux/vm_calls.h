/* SPDX-License-Identifier: MIT */
/* vm_calls.h: system calls after which other physical pages, or none, are behind an address.
 *
 * They go by the C library's functions, not directly to the kernel. Registration caches (UCX, Open
 * MPI and others that hand buffers to a network card) change the code of madvise, munmap, mremap
 * and mmap, or what libraries' references to them lead to, and so learn that a buffer's pages are
 * gone. Calls that only add memory or change access stay direct.
 *
 * Unlike the C library's functions they leave errno alone: the result is 0 or more, or -errno. The
 * function that is called may be the program's. It may allocate: the heap's locks are held, and the
 * allocation goes the way of one in a signal handler. */
#ifndef BARROW_OS_LINUX_VM_CALLS_H
#define BARROW_OS_LINUX_VM_CALLS_H

#include "os/compiler.h"

#include <errno.h>
#include <sys/mman.h>

ALWAYS_INLINE long call_madvise(void *address, size_t size, int advice)
{
    int saved = errno;
    long result = madvise(address, size, advice) == 0 ? 0 : -errno;
    errno = saved;
    return result;
}

ALWAYS_INLINE long call_munmap(void *address, size_t size)
{
    int saved = errno;
    long result = munmap(address, size) == 0 ? 0 : -errno;
    errno = saved;
    return result;
}

ALWAYS_INLINE long call_mremap(void *from, size_t size, int flags, void *to)
{
    int saved = errno;
    void *moved = mremap(from, size, size, flags, to);
    long result = moved == MAP_FAILED ? -errno : (long)moved;
    errno = saved;
    return result;
}

/* Fresh memory in place of what is mapped there. A cache that hears of madvise and munmap only
 * learns of it too, by the first call. */
ALWAYS_INLINE long call_map_over(void *address, size_t size, int access)
{
    int saved = errno, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    madvise(address, size, MADV_DONTNEED);
    void *mapped = mmap(address, size, access, flags, -1, 0);
    long result = mapped == MAP_FAILED ? -errno : (long)mapped;
    errno = saved;
    return result;
}

#endif
