/* SPDX-License-Identifier: MIT */
/* host_file_io.c: sizes, positions and contents of files on Linux.
 *
 * The process's limit on the size of files (RLIMIT_FSIZE) makes the kernel send SIGXFSZ, which ends
 * the process. Changes of size are compared with the limit before; writes are made with the signal
 * blocked when there is a limit, and the signal that one of them caused is taken away. */
#include "win32/host/host_file.h"

#include "win32/host/host_call.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/uio.h>

#define TMPFS         0x01021994
#define GROWN_AT_MOST ((uint64_t)256 << 20)

#ifndef RWF_APPEND
#define RWF_APPEND 16 /* linux/fs.h's */
#endif

uint64_t host_file_limit(void)
{
    struct {
        uint64_t current, most;
    } limit = { UINT64_MAX, UINT64_MAX }; /* UINT64_MAX is the kernel's word for none */
    syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit);
    return limit.current;
}

int host_file_resize(int fd, uint64_t size)
{
    struct host_file_info info;
    int error = host_file_info(fd, &info);
    if (error != 0)
        return error;
    if (size > info.size && size > host_file_limit())
        return EFBIG;
    return (int)-syscall4(SYS_ftruncate, fd, (long)size, 0, 0);
}

/* Whether the file system is one of memory, and whether it has so much free space now. */
static bool is_memory(int fd)
{
    struct statfs s;
    return syscall4(SYS_fstatfs, fd, (long)&s, 0, 0) == 0 && s.f_type == TMPFS;
}

static bool has_room(int fd, uint64_t bytes)
{
    struct statfs s;
    return syscall4(SYS_fstatfs, fd, (long)&s, 0, 0) != 0 || s.f_blocks == 0 || s.f_bsize <= 0 ||
           bytes / (uint64_t)s.f_bsize <= s.f_bavail;
}

int host_file_reserve(int fd, uint64_t offset, uint64_t bytes)
{
    if (offset + bytes > host_file_limit())
        return EFBIG;
    return (int)-call_fallocate(fd, 0, offset, bytes);
}

/* fallocate extends the file in one step with looking at its size. On file systems that lack it the
 * caller's lock on the size has to do. */
int host_file_grow(int fd, uint64_t size)
{
    struct host_file_info info;
    int error = host_file_info(fd, &info);
    if (error != 0 || size <= info.size)
        return error;
    if (size > (uint64_t)INT64_MAX)
        return EFBIG;
    if (!has_room(fd, size - info.size))
        return ENOSPC;
    uint64_t from = info.size;
    if (size - from > GROWN_AT_MOST && is_memory(fd))
        from = size - 1; /* the last page makes the file as large as that */
    error = host_file_reserve(fd, from, size - from);
    return error == EOPNOTSUPP || error == ENOSYS ? host_file_resize(fd, size) : error;
}

int host_file_punch(int fd, uint64_t offset, uint64_t size)
{
    return (int)-call_fallocate(fd, 3 /* PUNCH_HOLE, KEEP_SIZE */, offset, size);
}

int host_memory_file(uint64_t size, int *fd)
{
    long made = syscall4(SYS_memfd_create, (long)"barrow", 1 /* MFD_CLOEXEC */, 0, 0);
    if (made < 0)
        return (int)-made;
    uint64_t limit = host_file_limit();
    *fd = (int)made;
    int error = host_file_resize(*fd, size < limit ? size : limit);
    if (error != 0)
        call_close(*fd);
    return error;
}

int host_file_sync(int fd)
{
    long result = syscall4(SYS_fsync, fd, 0, 0, 0);
    return result == -EINVAL ? 0 : (int)-result;
}

/* Not msync with MS_ASYNC, which does nothing on Linux. */
int host_file_start_writing(int fd, uint64_t offset, uint64_t size)
{
    long result =
        syscall4(SYS_sync_file_range, fd, (long)offset, (long)size, 2 /* SYNC_FILE_RANGE_WRITE */);
    return result == -ESPIPE || result == -EINVAL ? 0 : (int)-result;
}

int host_file_position(int fd, int64_t distance, unsigned method, uint64_t *position)
{
    struct host_file_info info;
    int64_t from = 0, at;
    if (method == SEEK_CUR)
        from = syscall4(SYS_lseek, fd, 0, SEEK_CUR, 0);
    if (from < 0)
        return (int)-from;
    if (method == SEEK_END) {
        int error = host_file_info(fd, &info);
        if (error != 0)
            return error;
        from = (int64_t)info.size;
    }
    if (__builtin_add_overflow(from, distance, &at))
        return EOVERFLOW;
    *position = (uint64_t)at;
    return at < 0 ? ERANGE : 0;
}

int host_file_seek(int fd, uint64_t position)
{
    long at = syscall4(SYS_lseek, fd, (long)position, SEEK_SET, 0);
    return at < 0 ? (int)-at : 0;
}

static long read_once(int fd, char *buffer, size_t bytes, int64_t offset)
{
    if (offset == HOST_AT_POSITION)
        return syscall4(SYS_read, fd, (long)buffer, (long)bytes, 0);
    return syscall4(SYS_pread64, fd, (long)buffer, (long)bytes, (long)offset);
}

static long append_once(int fd, const char *buffer, size_t bytes)
{
    struct iovec part = { (void *)(uintptr_t)buffer, bytes };
    long n = syscall6(SYS_pwritev2, fd, (long)&part, 1, -1, -1, RWF_APPEND);
    if (n != -ENOSYS && n != -EOPNOTSUPP)
        return n;
    n = syscall4(SYS_lseek, fd, 0, SEEK_END, 0); /* before Linux 4.16: two steps */
    return n < 0 ? n : syscall4(SYS_write, fd, (long)buffer, (long)bytes, 0);
}

static long write_once(int fd, const char *buffer, size_t bytes, int64_t offset)
{
    if (offset == HOST_AT_END)
        return append_once(fd, buffer, bytes);
    if (offset == HOST_AT_POSITION)
        return syscall4(SYS_write, fd, (long)buffer, (long)bytes, 0);
    return syscall4(SYS_pwrite64, fd, (long)buffer, (long)bytes, (long)offset);
}

int host_file_read(int fd, void *buffer, size_t bytes, int64_t offset, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        int64_t at = offset < 0 ? offset : offset + (int64_t)*done;
        long n = read_once(fd, (char *)buffer + *done, bytes - *done, at);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)-n;
        if (n == 0)
            break;
        *done += (size_t)n;
    }
    return 0;
}

static int write_all(int fd, const char *buffer, size_t bytes, int64_t offset, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        int64_t at = offset < 0 ? offset : offset + (int64_t)*done;
        long n = write_once(fd, buffer + *done, bytes - *done, at);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)-n;
        *done += (size_t)n;
    }
    return 0;
}

enum { SIGNAL_BYTES = 8 }; /* of the kernel's sets */

static int write_below_limit(int fd, const char *buffer, size_t bytes, int64_t offset, size_t *done)
{
    const uint64_t signal = UINT64_C(1) << (SIGXFSZ - 1);
    const int64_t no_time[2] = { 0, 0 };
    uint64_t before = 0, pending = 0;
    syscall4(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signal, (long)&before, SIGNAL_BYTES);
    syscall4(SYS_rt_sigpending, (long)&pending, SIGNAL_BYTES, 0, 0);
    int error = write_all(fd, buffer, bytes, offset, done);
    if (error == EFBIG && (pending & signal) == 0)
        syscall4(SYS_rt_sigtimedwait, (long)&signal, 0, (long)no_time, SIGNAL_BYTES);
    syscall4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGNAL_BYTES);
    return error;
}

int host_file_write(int fd, const void *buffer, size_t bytes, int64_t offset, size_t *done)
{
    return host_file_limit() == UINT64_MAX ? write_all(fd, buffer, bytes, offset, done)
                                           : write_below_limit(fd, buffer, bytes, offset, done);
}
