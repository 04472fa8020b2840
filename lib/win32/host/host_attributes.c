/* SPDX-License-Identifier: MIT */
/* host_attributes.c: see host_attributes.h. */
#include "win32/host/host_attributes.h"

#include "win32/host/host_call.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* The kernel's struct statx, which is not in every C library's headers. */
struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct statx_buffer {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, reserved;
    uint64_t inode, size, blocks, attributes_mask;
    struct statx_time accessed, born, changed, written;
    uint32_t device_of_file[2], device[2];
    uint64_t spare[14];
};

_Static_assert(sizeof(struct statx_buffer) == 256, "the kernel writes 256 bytes");

#define STATX_BASIC_AND_BIRTH        0x0FFFu
#define STATX_BIRTH                  0x0800u
#define NO_PERMISSION_TO(mode, bits) (((mode) & (bits)) == 0)
#define WRITERS                      (S_IWUSR | S_IWGRP | S_IWOTH)

#define TICKS_PER_SECOND INT64_C(10000000)
#define EPOCH_1970       INT64_C(11644473600) /* seconds from 1601 */

static uint64_t ticks_of(const struct statx_time *time)
{
    return (uint64_t)((time->seconds + EPOCH_1970) * TICKS_PER_SECOND + time->nanoseconds / 100);
}

static enum host_kind kind_of(unsigned mode)
{
    if (S_ISREG(mode))
        return HOST_REGULAR;
    if (S_ISDIR(mode))
        return HOST_DIRECTORY;
    if (S_ISCHR(mode))
        return HOST_CHARACTERS;
    return S_ISFIFO(mode) || S_ISSOCK(mode) ? HOST_PIPE : HOST_OTHER;
}

static int read_attributes(int fd, const char *path, int flags, struct host_attributes *out)
{
    struct statx_buffer s;
    long error = syscall6(SYS_statx, fd, (long)path, flags, STATX_BASIC_AND_BIRTH, (long)&s, 0);
    if (error != 0)
        return (int)-error;
    out->kind = kind_of(s.mode);
    out->read_only = NO_PERMISSION_TO(s.mode, WRITERS);
    out->links = s.links;
    out->size = s.size;
    out->device = (uint64_t)s.device[0] << 32 | s.device[1];
    out->inode = s.inode;
    out->accessed = ticks_of(&s.accessed);
    out->written = ticks_of(&s.written);
    out->created = (s.mask & STATX_BIRTH) != 0 ? ticks_of(&s.born) : out->written;
    return 0;
}

int host_attributes_of(int fd, struct host_attributes *out)
{
    return read_attributes(fd, "", AT_EMPTY_PATH, out);
}

int host_attributes_at(const char *path, struct host_attributes *out)
{
    return read_attributes(AT_FDCWD, path, 0, out);
}

int host_set_read_only(const char *path, bool read_only)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return errno;
    mode_t mode = s.st_mode & 07777;
    if (!read_only && (mode & WRITERS) != 0)
        return 0;
    mode = read_only ? mode & ~(mode_t)WRITERS : mode | S_IWUSR;
    return (int)-syscall4(SYS_fchmodat, AT_FDCWD, (long)path, mode, 0);
}

enum { RENAME_WITHOUT_REPLACING = 1 };

static int rename_with(const char *from, const char *to, unsigned flags)
{
    return (int)-syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, flags, 0);
}

/* For file systems without that flag: the second name is made, which fails when it is there, and
 * then the first one goes. */
static int link_and_unlink(const char *from, const char *to)
{
    long error = -syscall6(SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0, 0);
    return error != 0 ? (int)error : (int)-syscall4(SYS_unlinkat, AT_FDCWD, (long)from, 0, 0);
}

int host_rename(const char *from, const char *to, bool replace)
{
    if (replace)
        return rename_with(from, to, 0);
    int error = rename_with(from, to, RENAME_WITHOUT_REPLACING);
    return error == EINVAL || error == ENOSYS ? link_and_unlink(from, to) : error;
}

static int copy_contents(int from, int to)
{
    long n;
    do {
        n = syscall4(SYS_sendfile, to, from, 0, 1L << 30);
    } while (n > 0 || n == -EINTR);
    return (int)-n;
}

static int copy_open(int from, int to, const struct stat *s)
{
    struct timespec times[2] = { s->st_atim, s->st_mtim };
    int error = copy_contents(from, to);
    if (error == 0)
        error = (int)-syscall4(SYS_fchmod, to, (long)(s->st_mode & 07777), 0, 0);
    if (error == 0)
        error = (int)-syscall4(SYS_utimensat, to, 0, (long)times, 0);
    return error;
}

static int copy_from(int source, const char *to)
{
    struct stat s;
    if (fstat(source, &s) != 0)
        return errno;
    if (!S_ISREG(s.st_mode))
        return EISDIR;
    long target = call_openat(AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (target < 0)
        return (int)-target;
    int error = copy_open(source, (int)target, &s);
    call_close((int)target);
    if (error != 0)
        syscall4(SYS_unlinkat, AT_FDCWD, (long)to, 0, 0);
    return error;
}

int host_copy(const char *from, const char *to)
{
    long source = call_openat(AT_FDCWD, from, O_RDONLY | O_NONBLOCK, 0);
    if (source < 0)
        return (int)-source;
    int error = copy_from((int)source, to);
    call_close((int)source);
    return error;
}

int host_sync_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    snprintf(folder, sizeof(folder), "%.*s", (int)length, path);
    long fd = call_openat(AT_FDCWD, length == 0 ? "." : folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return (int)-fd;
    long error = -syscall4(SYS_fsync, fd, 0, 0, 0);
    call_close((int)fd);
    return error == EINVAL ? 0 : (int)error;
}

int host_make_folder(const char *path)
{
    return (int)-syscall4(SYS_mkdirat, AT_FDCWD, (long)path, 0777, 0);
}

int host_remove_folder(const char *path)
{
    return (int)-syscall4(SYS_unlinkat, AT_FDCWD, (long)path, AT_REMOVEDIR, 0);
}

int host_current_folder(char *path, size_t capacity)
{
    long length = syscall4(SYS_getcwd, (long)path, (long)capacity, 0, 0);
    return length < 0 ? (int)-length : 0;
}

int host_space_at(const char *path, struct host_space *out)
{
    struct statvfs s;
    if (statvfs(path, &s) != 0)
        return errno;
    out->total = (uint64_t)s.f_blocks * s.f_frsize;
    out->unused = (uint64_t)s.f_bfree * s.f_frsize;
    out->available = (uint64_t)s.f_bavail * s.f_frsize;
    return 0;
}

int host_range_lock(int fd, uint64_t start, uint64_t size, enum host_lock kind, bool wait)
{
    static const short types[] = { F_UNLCK, F_RDLCK, F_WRLCK };
    struct flock lock = {
        .l_type = types[kind], .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)size
    };
    long error;
    do {
        error = -syscall4(SYS_fcntl, fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, (long)&lock, 0);
    } while (error == EINTR);
    return error == EACCES ? EAGAIN : (int)error;
}
