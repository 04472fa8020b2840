/* SPDX-License-Identifier: MIT */
/* host_copy.c: see host_copy.h. The process is its own peer in process_vm_readv. The kernel copies
 * whole pieces of the list for the other side or says how far it got, so each piece is within one
 * page of both sides. Where a sandbox refuses the call, a pipe takes each piece in and gives it out. */
#include "win32/host/host_copy.h"

#include "win32/host/host_call.h"

#include <errno.h>
#include <fcntl.h>
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

static int copy_by_peer(uintptr_t to, uintptr_t from, size_t bytes, size_t *copied)
{
    struct iovec here = { (void *)to, bytes }, there = { (void *)from, bytes };
    long n = syscall6(SYS_process_vm_readv, getpid(), (long)&here, 1, (long)&there, 1, 0);
    *copied = n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)-n : 0;
}

/* A piece fits into an empty pipe, so neither call waits. */
static int copy_by_pipe(uintptr_t to, uintptr_t from, size_t bytes, size_t *copied)
{
    int ends[2];
    long error = -syscall4(SYS_pipe2, (long)ends, O_CLOEXEC, 0, 0);
    *copied = 0;
    if (error != 0)
        return (int)error;
    long n = syscall4(SYS_write, ends[1], (long)from, (long)bytes, 0);
    if (n > 0)
        n = syscall4(SYS_read, ends[0], (long)to, n, 0);
    call_close(ends[0]);
    call_close(ends[1]);
    *copied = n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)-n : 0;
}

static int copy_piece(uintptr_t to, uintptr_t from, size_t bytes, size_t *copied)
{
    int error = copy_by_peer(to, from, bytes, copied);
    return error == ENOSYS || error == EPERM ? copy_by_pipe(to, from, bytes, copied) : error;
}

int host_copy_memory(void *to, const void *from, size_t bytes, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        uintptr_t target = (uintptr_t)to + *done, source = (uintptr_t)from + *done;
        size_t n = smallest(bytes - *done, to_page_end(target), to_page_end(source)), copied;
        int error = copy_piece(target, source, n, &copied);
        *done += copied;
        if (error != 0 && error != EFAULT)
            return error;
        if (copied < n)
            return 0;
    }
    return 0;
}
