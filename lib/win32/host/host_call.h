/* SPDX-License-Identifier: MIT */
/* host_call.h: system calls on files. The C library's functions of these names are points of thread
 * cancellation; these are not, and leave errno alone. Results are the kernel's: -errno on failure. */
#ifndef BARROW_WIN32_HOST_HOST_CALL_H
#define BARROW_WIN32_HOST_HOST_CALL_H

#include "os/linux/syscall.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#define HOST_FD_PATH 64

/* The path that leads to what a descriptor has open. */
static inline void host_fd_path(int fd, char path[HOST_FD_PATH])
{
    snprintf(path, HOST_FD_PATH, "/proc/self/fd/%d", fd);
}

/* Retries after a signal; never leaves the descriptor to a program that is started. */
static inline long call_openat(int folder, const char *path, int flags, unsigned mode)
{
    long fd;
    do {
        fd = syscall4(SYS_openat, folder, (long)path, flags | O_CLOEXEC | O_NOCTTY | O_LARGEFILE,
                      (long)mode);
    } while (fd == -EINTR);
    return fd;
}

/* Opens again what a descriptor has open, with flags of its own. */
static inline long call_reopen(int fd, int flags)
{
    char path[HOST_FD_PATH];
    host_fd_path(fd, path);
    return call_openat(AT_FDCWD, path, flags, 0);
}

static inline void call_close(int fd)
{
    syscall4(SYS_close, fd, 0, 0, 0);
}

static inline long call_read(int fd, void *buffer, size_t bytes)
{
    return syscall4(SYS_read, fd, (long)buffer, (long)bytes, 0);
}

static inline long call_pread(int fd, void *buffer, size_t bytes, uint64_t offset)
{
    return syscall4(SYS_pread64, fd, (long)buffer, (long)bytes, (long)offset);
}

static inline long call_fallocate(int fd, int mode, uint64_t offset, uint64_t bytes)
{
    long result;
    do {
        result = syscall4(SYS_fallocate, fd, mode, (long)offset, (long)bytes);
    } while (result == -EINTR);
    return result;
}

static inline void call_sleep_a_millisecond(void)
{
    const struct {
        int64_t seconds;
        int64_t nanoseconds;
    } time = { 0, 1000 * 1000 };
    syscall4(SYS_clock_nanosleep, 1 /* CLOCK_MONOTONIC */, 0, (long)&time, 0);
}

#endif
