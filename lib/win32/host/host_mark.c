/* SPDX-License-Identifier: MIT */
/* host_mark.c: locks on bytes of files, which belong to an opening and not to a process (fcntl's
 * F_OFD_ commands). None of them waits in the kernel. */
#include "win32/host/host_file.h"

#include "win32/host/host_call.h"

#include <sched.h>
#include <unistd.h>

/* Far above any contents; locks there cost nothing and meet no other program's. */
#define MARK_BYTE ((uint64_t)1 << 62)
#define SIZE_BYTE (MARK_BYTE + 8)

/* Waiting for the lock of a size: it is held while a file is extended, which may take seconds. */
#define SIZE_YIELDS 100
#define SIZE_TRIES  10000 /* some ten seconds */

static int lock_command(int fd, int command, short type, uint64_t first, uint64_t count,
                        struct flock *lock)
{
    *lock = (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)first, .l_len = (off_t)count
    };
    return (int)-syscall4(SYS_fcntl, fd, command, (long)lock, 0);
}

static int set_lock(int fd, short type, uint64_t first, uint64_t count)
{
    struct flock lock;
    return lock_command(fd, F_OFD_SETLK, type, first, count, &lock);
}

void host_mark_set(int fd, unsigned marks)
{
    for (unsigned i = 0; i < OS_MARKS; i++)
        if ((marks >> i & 1) != 0)
            set_lock(fd, F_RDLCK, MARK_BYTE + i, 1);
}

void host_mark_clear(int fd)
{
    set_lock(fd, F_UNLCK, MARK_BYTE, OS_MARKS);
}

bool host_mark_seen(int fd, unsigned marks)
{
    struct flock lock;
    for (unsigned i = 0; i < OS_MARKS; i++)
        if ((marks >> i & 1) != 0 &&
            lock_command(fd, F_OFD_GETLK, F_WRLCK, MARK_BYTE + i, 1, &lock) == 0 &&
            lock.l_type != F_UNLCK)
            return true;
    return false;
}

int host_size_lock(int fd, bool exclusive)
{
    for (unsigned i = 0; i < SIZE_TRIES; i++) {
        int error = set_lock(fd, exclusive ? F_WRLCK : F_RDLCK, SIZE_BYTE, 1);
        if (error != EAGAIN && error != EACCES)
            return 0; /* held, or there are no locks */
        if (i < SIZE_YIELDS)
            sched_yield();
        else
            call_sleep_a_millisecond();
    }
    return EBUSY;
}

void host_size_unlock(int fd)
{
    set_lock(fd, F_UNLCK, SIZE_BYTE, 1);
}

bool host_bytes_lock(int fd, uint64_t offset, uint64_t bytes)
{
    return set_lock(fd, F_WRLCK, offset, bytes) == 0;
}

void host_bytes_unlock(int fd, uint64_t offset, uint64_t bytes)
{
    set_lock(fd, F_UNLCK, offset, bytes);
}
