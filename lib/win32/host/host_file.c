/* SPDX-License-Identifier: MIT */
/* host_file.c: files on Linux. */
#include "win32/host/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int open_retry(const char *path, int flags, mode_t mode, int *fd)
{
    do {
        *fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    } while (*fd < 0 && errno == EINTR);
    return *fd < 0 ? errno : 0;
}

int host_file_open(const char *path, bool write, enum host_open_mode mode, bool read_only_file,
                   bool write_through, int *fd)
{
    int flags = write ? O_RDWR : O_RDONLY;
    flags |= mode == OS_OPEN_NEW ? O_CREAT | O_EXCL : 0;
    flags |= write_through ? O_DSYNC : 0;
    return open_retry(path, flags, read_only_file ? 0444 : 0666, fd);
}

int host_file_open_blind(const char *path, int *fd)
{
    return open_retry(path, O_WRONLY, 0, fd);
}

int host_file_reopen(int fd, bool write, int *out)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (open_retry(path, write ? O_RDWR : O_RDONLY, 0, out) == 0)
        return 0;
    *out = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* no /proc, or rights taken away since */
    return *out < 0 ? errno : 0;
}

void host_file_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void take_info(const struct stat *s, struct host_file_info *out)
{
    out->size = (uint64_t)s->st_size;
    out->device = s->st_dev;
    out->inode = s->st_ino;
    out->owner = s->st_uid;
    out->links = (uint32_t)s->st_nlink;
    out->is_regular = S_ISREG(s->st_mode);
    out->is_directory = S_ISDIR(s->st_mode);
}

int host_file_info(int fd, struct host_file_info *out)
{
    struct stat s;
    if (fstat(fd, &s) != 0)
        return errno;
    take_info(&s, out);
    return 0;
}

int host_file_info_at(const char *path, struct host_file_info *out)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return errno;
    take_info(&s, out);
    return 0;
}

int host_file_resize(int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
}

bool host_file_has_room(int fd, uint64_t bytes)
{
    struct statvfs s;
    return fstatvfs(fd, &s) != 0 || s.f_blocks == 0 || bytes / s.f_frsize <= s.f_bavail;
}

int host_file_sync(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

/* Not msync with MS_ASYNC, which does nothing on Linux. */
int host_file_start_writing(int fd, uint64_t offset, uint64_t size)
{
    if (sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE) == 0)
        return 0;
    return errno == ESPIPE || errno == EINVAL ? 0 : errno;
}

int host_file_seek(int fd, int64_t distance, unsigned method, uint64_t *position)
{
    static const int methods[] = { SEEK_SET, SEEK_CUR, SEEK_END };
    off_t at = lseek(fd, (off_t)distance, methods[method]);
    if (at < 0)
        return errno;
    *position = (uint64_t)at;
    return 0;
}

static ssize_t read_once(int fd, void *buffer, size_t bytes, int64_t offset)
{
    return offset < 0 ? read(fd, buffer, bytes) : pread(fd, buffer, bytes, (off_t)offset);
}

static ssize_t write_once(int fd, const void *buffer, size_t bytes, int64_t offset)
{
    return offset < 0 ? write(fd, buffer, bytes) : pwrite(fd, buffer, bytes, (off_t)offset);
}

int host_file_read(int fd, void *buffer, size_t bytes, int64_t offset, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        int64_t at = offset < 0 ? -1 : offset + (int64_t)*done;
        ssize_t n = read_once(fd, (char *)buffer + *done, bytes - *done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        *done += (size_t)n;
    }
    return 0;
}

int host_file_write(int fd, const void *buffer, size_t bytes, int64_t offset, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        int64_t at = offset < 0 ? -1 : offset + (int64_t)*done;
        ssize_t n = write_once(fd, (const char *)buffer + *done, bytes - *done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        *done += (size_t)n;
    }
    return 0;
}

int host_file_remove(const char *path)
{
    return unlink(path) == 0 ? 0 : errno;
}

int host_file_path(int fd, char *path, size_t room)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, room - 1);
    if (n < 0)
        return errno;
    path[n] = '\0';
    return 0;
}

void host_file_punch(int fd, uint64_t offset, uint64_t size)
{
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
}

/* Far above any contents; locks there cost nothing and meet no other program's. */
#define MARK_BYTE ((off_t)1 << 62)

static struct flock mark_lock(short type, unsigned first, unsigned count)
{
    struct flock lock = { .l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = MARK_BYTE + (off_t)first,
                          .l_len = (off_t)count };
    return lock;
}

void host_mark_set(int fd, unsigned marks)
{
    for (unsigned i = 0; i < OS_MARKS; i++) {
        struct flock lock = mark_lock(F_RDLCK, i, 1);
        if ((marks >> i & 1) != 0)
            fcntl(fd, F_OFD_SETLK, &lock);
    }
}

void host_mark_clear(int fd)
{
    struct flock lock = mark_lock(F_UNLCK, 0, OS_MARKS);
    fcntl(fd, F_OFD_SETLK, &lock);
}

bool host_mark_seen(int fd, unsigned marks)
{
    for (unsigned i = 0; i < OS_MARKS; i++) {
        struct flock lock = mark_lock(F_WRLCK, i, 1);
        if ((marks >> i & 1) != 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
            return true;
    }
    return false;
}

int host_memory_file(uint64_t size, int *fd)
{
    *fd = memfd_create("barrow", MFD_CLOEXEC);
    if (*fd < 0)
        return errno;
    int error = host_file_resize(*fd, size);
    if (error != 0)
        close(*fd);
    return error;
}

int host_file_of_process(int process, int fd, uint64_t device, uint64_t inode, bool write, int *out)
{
    char path[64];
    struct host_file_info info;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", process, fd);
    int error = host_file_info_at(path, &info);
    if (error != 0)
        return error;
    if (!info.is_regular || info.device != device || info.inode != inode)
        return ENOENT;
    error = open_retry(path, write ? O_RDWR : O_RDONLY, 0, out);
    if (error != 0)
        return error;
    error = host_file_info(*out, &info);
    if (error == 0 && info.device == device && info.inode == inode)
        return 0;
    close(*out);
    return ENOENT;
}

uint32_t host_user(void)
{
    return geteuid();
}

int host_process(void)
{
    return (int)getpid();
}
