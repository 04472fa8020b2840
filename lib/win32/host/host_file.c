/* SPDX-License-Identifier: MIT */
/* host_file.c: files on Linux: opening, looking, removing. What moves data and changes sizes is in
 * host_file_io.c, locks on files are in host_mark.c. */
#include "win32/host/host_file.h"

#include "win32/host/host_call.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int take_fd(long result, int *fd)
{
    *fd = result < 0 ? -1 : (int)result;
    return result < 0 ? (int)-result : 0;
}

int host_file_open(const char *path, unsigned flags, int *fd)
{
    int how = (flags & HOST_OPEN_WRITE) != 0 ? O_RDWR : O_RDONLY;
    if ((flags & HOST_OPEN_WRITE_ONLY) != 0)
        how = O_WRONLY;
    how |= (flags & HOST_OPEN_NEW) != 0 ? O_CREAT | O_EXCL : 0;
    how |= (flags & HOST_OPEN_WRITE_THROUGH) != 0 ? O_DSYNC : 0;
    how |= (flags & HOST_OPEN_APPEND) != 0 ? O_APPEND : 0;
    unsigned mode = (flags & HOST_OPEN_READ_ONLY_FILE) != 0 ? 0444 : 0666;
    return take_fd(call_openat(AT_FDCWD, path, how, mode), fd);
}

int host_file_reopen(int fd, bool write, int *out)
{
    if (take_fd(call_reopen(fd, write ? O_RDWR : O_RDONLY), out) == 0)
        return 0;
    /* no /proc, or rights taken away since */
    return take_fd(syscall4(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0, 0), out);
}

void host_file_close(int fd)
{
    if (fd >= 0)
        call_close(fd);
}

/* fstatat is no point of cancellation, but sets errno. */
static int stat_at(int folder, const char *path, int flags, struct host_file_info *out)
{
    struct stat s;
    int before = errno;
    int error = fstatat(folder, path, &s, flags) != 0 ? errno : 0;
    errno = before;
    if (error != 0)
        return error;
    out->size = (uint64_t)s.st_size;
    out->device = s.st_dev;
    out->inode = s.st_ino;
    out->owner = s.st_uid;
    out->links = (uint32_t)s.st_nlink;
    out->is_regular = S_ISREG(s.st_mode);
    out->is_directory = S_ISDIR(s.st_mode);
    out->is_link = S_ISLNK(s.st_mode);
    return 0;
}

int host_file_info(int fd, struct host_file_info *out)
{
    return stat_at(fd, "", AT_EMPTY_PATH, out);
}

int host_file_info_at(const char *path, struct host_file_info *out)
{
    return stat_at(AT_FDCWD, path, 0, out);
}

int host_file_info_of_link(const char *path, struct host_file_info *out)
{
    return stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out);
}

static int read_link(const char *path, char *target, size_t capacity)
{
    long n = syscall4(SYS_readlinkat, AT_FDCWD, (long)path, (long)target, (long)capacity - 1);
    if (n < 0)
        return (int)-n;
    target[n] = '\0';
    return (size_t)n < capacity - 1 ? 0 : ENAMETOOLONG;
}

int host_file_follow_link(char *path, size_t capacity)
{
    char target[4096];
    int error = read_link(path, target, sizeof(target));
    if (error != 0)
        return error;
    char *slash = strrchr(path, '/');
    size_t folder = target[0] == '/' || slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (folder + strlen(target) + 1 > capacity)
        return ENAMETOOLONG;
    strcpy(path + folder, target);
    return 0;
}

int host_file_path(int fd, char *path, size_t capacity)
{
    char link[HOST_FD_PATH];
    host_fd_path(fd, link);
    return read_link(link, path, capacity);
}

static bool is_same_file(const struct host_file_info *a, const struct host_file_info *b)
{
    return a->device == b->device && a->inode == b->inode;
}

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* Never takes a name's file away: what file system knows no such renaming has none of this name. */
static int rename_within(const char *from, const char *to)
{
    long error =
        -syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, RENAME_NOREPLACE, 0);
    if (error == EINVAL || error == ENOSYS)
        error = -syscall6(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0, 0);
    return (int)error;
}

static int compare_name(const char *path, const struct host_file_info *mine)
{
    struct host_file_info there;
    int error = host_file_info_of_link(path, &there);
    return error != 0 ? error : is_same_file(mine, &there) ? 0 : ENOENT;
}

/* A name beside path that nobody else uses: false, it would be too long. */
static bool private_name(const char *path, const struct host_file_info *mine, char *name,
                         size_t capacity)
{
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    int length = snprintf(name, capacity, "%.*s.barrow-delete-%x-%llx", folder, path,
                          (unsigned)host_process(), (unsigned long long)mine->inode);
    return length > 0 && (size_t)length < capacity;
}

/* The kernel has no call that removes the name of an open file, and another program may put its file in
 * the place of this one between a look and the removal. So the name's file is moved to a name of ours,
 * looked at there, and removed or moved back. A file that can't be moved back, since its name is taken
 * once more, keeps the name of ours. */
static int remove_name(const char *path, const struct host_file_info *mine)
{
    char moved[4096];
    if (!private_name(path, mine, moved, sizeof(moved)))
        return ENAMETOOLONG;
    int error = rename_within(path, moved);
    if (error != 0)
        return error;
    error = compare_name(moved, mine);
    if (error == 0)
        error = (int)-syscall4(SYS_unlinkat, AT_FDCWD, (long)moved,
                               mine->is_directory ? AT_REMOVEDIR : 0, 0);
    if (error != 0)
        rename_within(moved, path);
    return error;
}

int host_file_remove_open(int fd)
{
    char path[4096];
    struct host_file_info mine;
    int error = host_file_path(fd, path, sizeof(path));
    if (error == 0)
        error = host_file_info(fd, &mine);
    if (error == 0)
        error = compare_name(path, &mine);
    return error != 0 ? error : remove_name(path, &mine);
}

int host_file_remove(const char *path)
{
    return (int)-syscall4(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0);
}

/* O_NONBLOCK: another user's lease on his file must not make us wait. */
static int open_looked_at(int seen, uint64_t device, uint64_t inode, uint32_t owner, bool write,
                          int *fd)
{
    struct host_file_info info;
    int error = host_file_info(seen, &info);
    if (error != 0)
        return error;
    if (!info.is_regular || info.device != device || info.inode != inode)
        return ENOENT;
    if (owner != HOST_ANY_OWNER && owner != info.owner)
        return EACCES;
    return take_fd(call_reopen(seen, (write ? O_RDWR : O_RDONLY) | O_NONBLOCK), fd);
}

int host_file_open_same(const char *path, uint64_t device, uint64_t inode, uint32_t owner,
                        bool write, int *fd)
{
    int seen;
    int error = take_fd(call_openat(AT_FDCWD, path, O_PATH, 0), &seen);
    if (error != 0)
        return error;
    error = open_looked_at(seen, device, inode, owner, write, fd);
    call_close(seen);
    return error;
}

int host_file_of_process(int process, int number, uint64_t device, uint64_t inode, bool write,
                         int *fd)
{
    char path[HOST_FD_PATH];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", process, number);
    return host_file_open_same(path, device, inode, HOST_ANY_OWNER, write, fd);
}

uint32_t host_user(void)
{
    return geteuid();
}

int host_process(void)
{
    return (int)getpid();
}

bool host_process_exists(int process)
{
    return process > 0 && syscall4(SYS_kill, process, 0, 0, 0) != -ESRCH;
}
