/* SPDX-License-Identifier: MIT */
/* host_object.c: named objects on Linux: files in /dev/shm.
 *
 *     /dev/shm/barrow-UID[.N]/NAME     the user's own: folder 0700, files 0600
 *     /dev/shm/barrow-global/NAME[~N]  everyone's: folder 1777, files 0666
 *
 * Each process that has the object open holds a shared flock on the file, through an opening that
 * serves nothing else. The lock ends with the process however it dies, so:
 *   - who can lock a file exclusively has found a dead one, and removes it;
 *   - who gives his lock up tries to lock exclusively first: if that works he was the last, and
 *     removes the name;
 *   - a file appears under its name complete and locked (O_TMPFILE, then linkat), so nobody meets a
 *     half-made one;
 *   - after locking, the link count tells whether the file was removed meanwhile: then start over.
 *
 * Other users: a folder of ours is used only if it is a real folder, our own and closed to others;
 * when someone else took its name, the next N serves. In the shared folder, files of other users
 * can be opened, and cannot be removed (the folder is sticky): a dead one of theirs makes us use
 * the next N, and looking up tries all. Symbolic links are never followed. */
#include "win32/host/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT         "/dev/shm/barrow-"
#define GLOBAL       ROOT "global"
#define FOLDER_TRIES 64
#define NAME_TRIES   8
#define RACE_TRIES   2000 /* some two seconds ... */
#define RACE_YIELDS  100  /* ... from here on */

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1 /* linux/fs.h's: not every C library comes with the kernel's headers */
#endif

static bool folder_is_ours(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid() &&
           (s.st_mode & 077) == 0;
}

static void user_folder(unsigned n, char *path, size_t room)
{
    if (n == 0)
        snprintf(path, room, ROOT "%u", (unsigned)geteuid());
    else
        snprintf(path, room, ROOT "%u.%u", (unsigned)geteuid(), n);
}

/* All numbers are looked at before one is made, so that every process finds the same. */
static int open_user_folder(int *folder)
{
    char path[64];
    for (unsigned n = 0; n < FOLDER_TRIES; n++) {
        user_folder(n, path, sizeof(path));
        if (folder_is_ours(path))
            goto found;
    }
    for (unsigned n = 0; n < FOLDER_TRIES; n++) {
        user_folder(n, path, sizeof(path));
        if (mkdir(path, 0700) == 0 || folder_is_ours(path))
            goto found;
    }
    return EACCES;
found:
    *folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *folder < 0 ? errno : 0;
}

/* Under another name first, so that nobody meets it with the modes that the umask leaves. */
static void make_global_folder(void)
{
    char draft[] = ROOT "global.XXXXXX";
    if (mkdtemp(draft) == NULL)
        return;
    if (chmod(draft, 01777) != 0 ||
        syscall(SYS_renameat2, AT_FDCWD, draft, AT_FDCWD, GLOBAL, RENAME_NOREPLACE) != 0)
        rmdir(draft); /* somebody else was quicker */
}

static int open_global_folder(int *folder)
{
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct stat s;
    *folder = open(GLOBAL, flags);
    if (*folder < 0 && errno == ENOENT) {
        make_global_folder();
        *folder = open(GLOBAL, flags);
    }
    if (*folder < 0)
        return errno;
    if (fstat(*folder, &s) == 0 && (s.st_mode & 01777) == 01777)
        return 0;
    close(*folder);
    return EACCES;
}

/* The two openings of the file at a path below folder; or of a descriptor, by its path in /proc. */
static int open_pair(int folder, const char *path, int extra, struct host_object *out)
{
    out->lock_fd = openat(folder, path, O_RDWR | O_CLOEXEC | extra);
    if (out->lock_fd < 0)
        return errno;
    int error = host_file_reopen(out->lock_fd, true, &out->data_fd);
    if (error != 0)
        close(out->lock_fd);
    return error;
}

static void close_pair(struct host_object *object)
{
    close(object->lock_fd);
    close(object->data_fd);
}

static bool is_linked(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_nlink != 0;
}

/* 0: alive, and locked. ENOENT: none, or a dead one that is now removed. EEXIST: a dead one that
 * cannot be removed. EAGAIN: try again. */
static int join(int folder, const char *name, struct host_object *out)
{
    int error = open_pair(folder, name, O_NOFOLLOW, out);
    if (error != 0)
        return error;
    if (flock(out->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        bool removed = !is_linked(out->lock_fd) || unlinkat(folder, name, 0) == 0;
        close_pair(out);
        return removed ? ENOENT : EEXIST;
    }
    if (flock(out->lock_fd, LOCK_SH | LOCK_NB) == 0 && is_linked(out->lock_fd))
        return 0;
    close_pair(out);
    return EAGAIN;
}

static int fill(int fd, const void *head, size_t head_size, uint64_t size, bool global)
{
    size_t done;
    int error = fchmod(fd, global ? 0666 : 0600) == 0 ? 0 : errno;
    if (error == 0)
        error = host_file_resize(fd, size);
    return error != 0 ? error : host_file_write(fd, head, head_size, 0, &done);
}

static int publish(int folder, const char *name, int fd)
{
    char path[64];
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        return errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static int create(int folder, const char *name, bool global, const void *head, size_t head_size,
                  uint64_t size, struct host_object *out)
{
    int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int error = fill(fd, head, head_size, size, global);
    if (error == 0)
        error = open_pair(AT_FDCWD, path, 0, out);
    close(fd);
    if (error != 0)
        return error;
    error = publish(folder, name, out->lock_fd);
    if (error != 0)
        close_pair(out);
    out->created = error == 0;
    return error == EEXIST ? EAGAIN : error;
}

static void numbered(const char *name, unsigned n, char *path, size_t room)
{
    if (n == 0)
        snprintf(path, room, "%s", name);
    else
        snprintf(path, room, "%s~%u", name, n);
}

/* One round: looks for a live one under all numbers, then creates at the first free number. */
static int open_once(int folder, const char *name, bool global, const void *head, size_t head_size,
                     uint64_t size, struct host_object *out)
{
    char path[256];
    int place = -1;
    unsigned tries = global ? NAME_TRIES : 1;
    for (unsigned n = 0; n < tries; n++) {
        numbered(name, n, path, sizeof(path));
        int error = join(folder, path, out);
        if (error == ENOENT && place < 0)
            place = (int)n;
        if (error != ENOENT && error != EEXIST)
            return error;
    }
    if (head == NULL)
        return ENOENT;
    if (place < 0)
        return EACCES;
    numbered(name, (unsigned)place, path, sizeof(path));
    return create(folder, path, global, head, head_size, size, out);
}

/* Somebody is about to take the file away, or to come first, and may have been stopped in the
 * middle of it. */
static void let_others_finish(unsigned tries)
{
    if (tries < RACE_YIELDS)
        sched_yield();
    else
        usleep(1000);
}

int host_object_open(const char *name, bool global, const void *head, size_t head_size,
                     uint64_t size, struct host_object *out)
{
    int folder;
    int error = global ? open_global_folder(&folder) : open_user_folder(&folder);
    if (error != 0)
        return error;
    out->created = false;
    error = EAGAIN;
    for (unsigned i = 0; i < RACE_TRIES && error == EAGAIN; i++) {
        if (i != 0)
            let_others_finish(i);
        error = open_once(folder, name, global, head, head_size, size, out);
    }
    close(folder);
    return error == EAGAIN ? EACCES : error;
}

/* Removes the name, under whatever number, if it still is this file. */
static void remove_name(int folder, const char *name, bool global, int fd)
{
    struct stat mine, there;
    char path[256];
    if (fstat(fd, &mine) != 0)
        return;
    for (unsigned n = 0; n < (global ? NAME_TRIES : 1); n++) {
        numbered(name, n, path, sizeof(path));
        if (fstatat(folder, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            there.st_ino == mine.st_ino && there.st_dev == mine.st_dev)
            unlinkat(folder, path, 0);
    }
}

void host_object_leave(struct host_object *object, const char *name, bool global)
{
    int folder;
    if (flock(object->lock_fd, LOCK_EX | LOCK_NB) == 0 &&
        (global ? open_global_folder(&folder) : open_user_folder(&folder)) == 0) {
        remove_name(folder, name, global, object->lock_fd);
        close(folder);
    }
    flock(object->lock_fd, LOCK_UN);
    close(object->lock_fd);
    object->lock_fd = -1;
}

int host_object_lock_again(const struct host_object *object)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", object->lock_fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}
