/* SPDX-License-Identifier: MIT */
/* shared_file.c: files that processes map and share. System calls are made directly, so that errno
 * stays the program's. */
#include "os/shared_file.h"

#include "os/linux/syscall.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* of <linux/fs.h>, <linux/falloc.h> and <bits/fcntl.h>, which are not there for every C library */
enum {
    FICLONE_CALL = 0x40049409,
    PUNCH_HOLE = 2,
    KEEP_SIZE = 1,
    GETLK = 36,
    SETLK = 37,
    SETLKW = 38
};

static int error_of(long result)
{
    return result < 0 && result > -4096 ? (int)-result : 0;
}

/* Of a call that signals may interrupt. */
#define RETRIED(result, call)                                                                      \
    do                                                                                             \
        result = (call);                                                                           \
    while (result == -EINTR)

/* ---- openings ------------------------------------------------------------------------------- */

int shared_file_open(const char *path, enum shared_file_mode mode, int *fd)
{
    static const int flags[] = { [SHARED_READ] = O_RDONLY,
                                 [SHARED_WRITE] = O_RDWR,
                                 [SHARED_CREATE] = O_RDWR | O_CREAT,
                                 [SHARED_NEW] = O_RDWR | O_CREAT | O_EXCL };
    long result;
    RETRIED(result, syscall4(SYS_openat, AT_FDCWD, (long)path,
                             flags[mode] | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666));
    *fd = (int)result;
    return error_of(result);
}

static void number_text(char *out, unsigned number)
{
    char digits[12];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count != 0)
        *out++ = digits[--count];
    *out = 0;
}

static void fd_path(char *out, int fd)
{
    static const char folder[] = "/proc/self/fd/";
    memcpy(out, folder, sizeof folder);
    number_text(out + sizeof folder - 1, (unsigned)fd);
}

int shared_file_reopen(int fd, bool write, int *out)
{
    char path[40];
    fd_path(path, fd);
    return shared_file_open(path, write ? SHARED_WRITE : SHARED_READ, out);
}

int shared_file_duplicate(int fd, int *out)
{
    long result = syscall4(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0);
    *out = (int)result;
    return error_of(result);
}

int shared_file_close(int fd)
{
    int error = error_of(syscall4(SYS_close, fd, 0, 0, 0));
    return error == EINTR ? 0 : error;
}

bool shared_file_path(int fd, char *path, size_t capacity)
{
    char link[40];
    fd_path(link, fd);
    long length = syscall4(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, (long)capacity);
    if (length <= 0 || (size_t)length >= capacity || path[0] != '/')
        return false;
    path[length] = 0;
    return true;
}

/* ---- storage -------------------------------------------------------------------------------- */

int shared_file_size(int fd, uint64_t *size)
{
    ASSERT(fd >= 0);
    struct stat stat;
    int error = error_of(syscall4(SYS_fstat, fd, (long)&stat, 0, 0));
    if (error == 0 && !S_ISREG(stat.st_mode))
        error = EINVAL;
    *size = error == 0 ? (uint64_t)stat.st_size : 0;
    return error;
}

/* Beyond this limit the system would send SIGXFSZ. */
static bool is_within_limit(uint64_t size)
{
    struct rlimit limit;
    long result = syscall4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit);
    return result != 0 || size <= limit.rlim_cur;
}

int shared_file_set_size(int fd, uint64_t size)
{
    ASSERT(fd >= 0);
    uint64_t before;
    int error = shared_file_size(fd, &before);
    if (error != 0)
        return error;
    if (size > before && !is_within_limit(size))
        return EFBIG;
    long result;
    RETRIED(result, syscall4(SYS_ftruncate, fd, (long)size, 0, 0));
    return error_of(result);
}

/* For file systems that can't promise storage: it is had by writing. */
static int write_zeros(int fd, uint64_t start, uint64_t size)
{
    static const char zeros[4096];
    while (size != 0) {
        size_t bytes = size < sizeof zeros ? (size_t)size : sizeof zeros;
        long result;
        RETRIED(result, syscall4(SYS_pwrite64, fd, (long)zeros, (long)bytes, (long)start));
        if (result <= 0)
            return result == 0 ? ENOSPC : error_of(result);
        start += (uint64_t)result;
        size -= (uint64_t)result;
    }
    return 0;
}

int shared_file_back(int fd, uint64_t start, uint64_t size)
{
    ASSERT(fd >= 0 && size != 0);
    uint64_t end;
    int error = shared_file_size(fd, &end);
    if (error != 0)
        return error;
    if (start + size > end && !is_within_limit(start + size))
        return EFBIG;
    long result;
    RETRIED(result, syscall4(SYS_fallocate, fd, 0, (long)start, (long)size));
    /* where there is no such call, there are no holes before the end either */
    if (result == -EOPNOTSUPP || result == -ENOSYS)
        return start >= end ? write_zeros(fd, start, size) : 0;
    return error_of(result);
}

int shared_file_punch(int fd, uint64_t start, uint64_t size)
{
    ASSERT(fd >= 0);
    long result;
    RETRIED(result, syscall4(SYS_fallocate, fd, PUNCH_HOLE | KEEP_SIZE, (long)start, (long)size));
    return error_of(result);
}

int shared_file_sync(int fd)
{
    ASSERT(fd >= 0);
    long result;
    RETRIED(result, syscall4(SYS_fdatasync, fd, 0, 0, 0));
    return error_of(result);
}

int shared_file_remove(const char *path)
{
    return error_of(syscall4(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0));
}

int shared_file_rename(const char *from, const char *to)
{
    return error_of(syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0, 0));
}

int shared_file_sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof folder)
        return ENAMETOOLONG;
    memcpy(folder, slash == NULL ? "." : path, slash == NULL ? 1 : length);
    folder[slash == NULL ? 1 : length] = 0;
    long fd = syscall4(SYS_openat, AT_FDCWD, (long)folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return error_of(fd);
    int error = error_of(syscall4(SYS_fsync, fd, 0, 0, 0));
    int closed = shared_file_close((int)fd);
    return error == EINVAL ? closed : error != 0 ? error : closed; /* EINVAL: not supported */
}

int shared_file_read(int fd, uint64_t start, void *buffer, size_t size)
{
    ASSERT(fd >= 0 && buffer != NULL);
    for (size_t done = 0; done < size;) {
        long result;
        RETRIED(result, syscall4(SYS_pread64, fd, (long)((char *)buffer + done),
                                 (long)(size - done), (long)(start + done)));
        if (result <= 0)
            return result == 0 ? ENODATA : error_of(result);
        done += (size_t)result;
    }
    return 0;
}

/* ---- copies --------------------------------------------------------------------------------- */

int shared_file_write(int fd, uint64_t start, const void *buffer, size_t size)
{
    ASSERT(fd >= 0 && buffer != NULL);
    for (size_t done = 0; done < size;) {
        long result;
        RETRIED(result, syscall4(SYS_pwrite64, fd, (long)((const char *)buffer + done),
                                 (long)(size - done), (long)(start + done)));
        if (result <= 0)
            return result == 0 ? ENOSPC : error_of(result);
        done += (size_t)result;
    }
    return 0;
}

static int copy_range(int fd, uint64_t from, int out, uint64_t start, uint64_t end)
{
    char buffer[16384];
    while (start < end) {
        size_t bytes = end - start < sizeof buffer ? (size_t)(end - start) : sizeof buffer;
        int error = shared_file_read(fd, from + start, buffer, bytes);
        if (error == 0)
            error = shared_file_write(out, start, buffer, bytes);
        if (error != 0)
            return error;
        start += bytes;
    }
    return 0;
}

/* Where the next data begins, or ends; `end` where that can't be told. */
static uint64_t next_edge(int fd, uint64_t start, bool data, uint64_t end)
{
    long result = syscall4(SYS_lseek, fd, (long)start, data ? SEEK_DATA : SEEK_HOLE, 0);
    if (result == -ENXIO)
        return end;
    if (result < 0)
        return data ? start : end;
    return (uint64_t)result < end ? (uint64_t)result : end;
}

int shared_file_copy(int fd, uint64_t from, int out, uint64_t size)
{
    ASSERT(fd >= 0 && out >= 0 && fd != out);
    int error = shared_file_set_size(out, 0);
    if (error != 0)
        return error;
    if (from == 0 && syscall4(SYS_ioctl, out, FICLONE_CALL, fd, 0) == 0)
        return shared_file_set_size(out, size);
    error = shared_file_set_size(out, size);
    for (uint64_t at = 0; error == 0 && at < size;) {
        uint64_t start = next_edge(fd, from + at, true, from + size) - from;
        uint64_t end = next_edge(fd, from + start, false, from + size) - from;
        error = start < end ? copy_range(fd, from, out, start, end) : 0;
        at = end > at ? end : size;
    }
    return error;
}

void shared_file_boot(void *id)
{
    char text[64];
    int fd;
    memset(id, 0, 16);
    if (shared_file_open("/proc/sys/kernel/random/boot_id", SHARED_READ, &fd) != 0)
        return;
    long length = syscall4(SYS_read, fd, (long)text, sizeof text, 0);
    shared_file_close(fd);
    /* 36 characters; any fixed mixing into 16 bytes will do */
    for (long i = 0; i < length; i++)
        ((unsigned char *)id)[i % 16] =
            (unsigned char)(((unsigned char *)id)[i % 16] * 31 + text[i]);
}

/* ---- mapping -------------------------------------------------------------------------------- */

static bool is_error(long result)
{
    return (unsigned long)result > -4096UL;
}

static void *map_at(int fd, uint64_t start, void *address, size_t size, bool write, int flags)
{
    long result =
        syscall6(SYS_mmap, (long)address, (long)size, PROT_READ | (write ? PROT_WRITE : 0),
                 flags | MAP_NORESERVE, fd, (long)start);
    return is_error(result) ? NULL : (void *)result;
}

static void unmap(uintptr_t start, uintptr_t end)
{
    if (end > start)
        syscall4(SYS_munmap, (long)start, (long)(end - start), 0, 0);
}

void *shared_file_map(int fd, uint64_t offset, void *address, size_t size, size_t align, bool write,
                      bool private)
{
    ASSERT(fd >= 0 && size != 0 && (align & (align - 1)) == 0);
    int flags = private ? MAP_PRIVATE : MAP_SHARED;
    if (address != NULL) {
        void *mapped = map_at(fd, offset, address, size, write, flags | MAP_FIXED_NOREPLACE);
        if (mapped != NULL && mapped != address) { /* a kernel that does not know the flag */
            unmap((uintptr_t)mapped, (uintptr_t)mapped + size);
            mapped = NULL;
        }
        return mapped;
    }
    long reserved = syscall6(SYS_mmap, 0, (long)(size + align), PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (is_error(reserved))
        return NULL;
    uintptr_t start = round_up((uintptr_t)reserved, align);
    void *mapped = map_at(fd, offset, (void *)start, size, write, flags | MAP_FIXED);
    unmap((uintptr_t)reserved, mapped == NULL ? (uintptr_t)reserved + size + align : start);
    if (mapped != NULL)
        unmap(start + size, (uintptr_t)reserved + size + align);
    return mapped;
}

void shared_file_unmap(void *address, size_t size)
{
    ASSERT(address != NULL && size != 0);
    unmap((uintptr_t)address, (uintptr_t)address + size);
}

int shared_file_sync_map(void *address, size_t size)
{
    return error_of(syscall4(SYS_msync, (long)address, (long)size, MS_SYNC, 0));
}

/* ---- locks of bytes ------------------------------------------------------------------------- */

static struct flock byte_lock(short type, uint64_t byte, uint64_t count)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = (off_t)count
    };
}

int shared_file_lock_byte(int fd, uint64_t byte, bool exclusive, bool wait)
{
    ASSERT(fd >= 0);
    struct flock lock = byte_lock(exclusive ? F_WRLCK : F_RDLCK, byte, 1);
    long result;
    RETRIED(result, syscall4(SYS_fcntl, fd, wait ? SETLKW : SETLK, (long)&lock, 0));
    return error_of(result);
}

void shared_file_unlock_byte(int fd, uint64_t byte)
{
    ASSERT(fd >= 0);
    struct flock lock = byte_lock(F_UNLCK, byte, 1);
    syscall4(SYS_fcntl, fd, SETLK, (long)&lock, 0);
}

bool shared_file_byte_is_locked(int fd, uint64_t byte, uint64_t count)
{
    ASSERT(fd >= 0 && count != 0);
    struct flock lock = byte_lock(F_WRLCK, byte, count);
    return syscall4(SYS_fcntl, fd, GETLK, (long)&lock, 0) != 0 || lock.l_type != F_UNLCK;
}
