/* SPDX-License-Identifier: MIT */
/* host_copy.c: see host_copy.h. The process is its own peer in process_vm_readv. The kernel copies
 * whole pieces of the list for the other side or says how far it got, so each piece is within one
 * page of both sides. */
#include "win32/host/host_copy.h"

#include "os/linux/syscall.h"

#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE_BYTES 4096 /* no page is smaller */

static size_t to_page_end(uintptr_t address)
{
    return PIECE_BYTES - (address & (PIECE_BYTES - 1));
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

int host_copy_memory(void *to, const void *from, size_t bytes, size_t *done)
{
    long self = getpid();
    *done = 0;
    while (*done < bytes) {
        uintptr_t target = (uintptr_t)to + *done, source = (uintptr_t)from + *done;
        size_t n = smallest(bytes - *done, to_page_end(target), to_page_end(source));
        struct iovec here = { (void *)target, n }, there = { (void *)source, n };
        long copied = syscall6(SYS_process_vm_readv, self, (long)&here, 1, (long)&there, 1, 0);
        if (copied == -EFAULT || copied == 0)
            return 0;
        if (copied < 0)
            return (int)-copied;
        *done += (size_t)copied;
    }
    return 0;
}
