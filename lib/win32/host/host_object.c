/* SPDX-License-Identifier: MIT */
/* host_object.c: named objects on Linux: files in /dev/shm.
 *
 *     /dev/shm/barrow-UID[.N]/NAME[~N]      the user's own: folder 0700, files 0600
 *     /dev/shm/barrow-global[.N]/NAME[~N]   everyone's: folder 1777, files 0666
 *
 * Each process that has the object open holds a shared flock on the file, through an opening that
 * serves nothing else. The lock ends with the process however it dies, so:
 *   - a file that can be locked exclusively is dead, and is removed; a process that opens an object of any
 *     name looks through the folder for such files (host_object_sweep.c);
 *   - a process that gives its lock up tries to lock exclusively first: if that works it was the
 *     last, and removes the name;
 *   - a file appears under its name complete and locked (O_TMPFILE, then linkat), so nobody meets a
 *     half-made one, and a sweep never takes a new one for a dead one;
 *   - after locking, the link count tells whether the file was removed meanwhile: then start over.
 *
 * What lies under a name and is no object passes for occupied: a folder, a FIFO, a link, a file of
 * another user that is dead and cannot be removed, or that is locked by that user. Then the next N
 * serves, and looking up tries all. Two processes may find different N free at the same time; so
 * after its file has appeared a process looks at all N again, and steps back if there is another. */
#include "win32/host/host_object.h"

#include "win32/host/host_call.h"

#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_ROOM   256
#define NAME_TRIES  8
#define RACE_TRIES  2000 /* some two seconds ... */
#define RACE_YIELDS 100  /* ... from here on */

struct opening {
    int folder;
    bool global;
    const char *name;
    const struct host_object_plan *plan; /* NULL: nothing is created */
    struct host_object *out;
};

bool host_try_lock(int fd, int operation)
{
    return syscall4(SYS_flock, fd, operation | LOCK_NB, 0, 0) == 0;
}

static void close_pair(struct host_object *object)
{
    host_file_close(object->lock_fd);
    host_file_close(object->data_fd);
    object->lock_fd = object->data_fd = -1;
}

/* The two openings of a file that a descriptor has open. */
static int open_pair(int fd, struct host_object *out)
{
    out->data_fd = -1;
    out->lock_fd = (int)call_reopen(fd, O_RDWR | O_NONBLOCK);
    if (out->lock_fd < 0)
        return -out->lock_fd;
    out->data_fd = (int)call_reopen(fd, O_RDWR | O_NONBLOCK);
    if (out->data_fd >= 0)
        return 0;
    int error = -out->data_fd;
    close_pair(out);
    return error;
}

/* Looks at what lies under the name before it opens it. ENOENT: nothing. EEXIST: what can be no
 * object of ours, or may not be used. */
static int open_named(int folder, const char *name, struct host_file_info *info,
                      struct host_object *out)
{
    int seen = (int)call_openat(folder, name, O_PATH | O_NOFOLLOW, 0);
    if (seen < 0)
        return -seen;
    int error = host_file_info(seen, info);
    if (error == 0)
        error = info->is_regular ? open_pair(seen, out) : EEXIST;
    call_close(seen);
    return error == EACCES || error == EPERM || error == EAGAIN || error == ETXTBSY ? EEXIST
                                                                                    : error;
}

static bool is_linked(int fd)
{
    struct host_file_info info;
    return host_file_info(fd, &info) == 0 && info.links != 0;
}

bool host_remove_name(int folder, const char *name, int fd)
{
    struct stat there;
    struct host_file_info mine;
    if (host_file_info(fd, &mine) != 0 || mine.links == 0)
        return true;
    if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    if (there.st_ino != mine.inode || there.st_dev != mine.device)
        return true; /* it was renamed: not under this name any more */
    return syscall4(SYS_unlinkat, folder, (long)name, 0, 0) == 0;
}

/* Whether a file of that owner is used by programs that keep to the rules above. */
static bool is_trusted(const struct host_file_info *info)
{
    return info->owner == 0 || info->owner == host_user();
}

/* 0: alive, and locked. ENOENT: none, or a dead one that is now removed. EEXIST: occupied. EAGAIN:
 * try again. */
static int join(const struct opening *o, const char *name)
{
    struct host_file_info info;
    struct host_object *out = o->out;
    int error = open_named(o->folder, name, &info, out);
    if (error != 0)
        return error;
    if (host_try_lock(out->lock_fd, LOCK_EX)) {
        error = host_remove_name(o->folder, name, out->lock_fd) ? ENOENT : EEXIST;
    } else if (host_try_lock(out->lock_fd, LOCK_SH)) {
        if (is_linked(out->lock_fd))
            return 0;
        error = EAGAIN;
    } else {
        error = is_trusted(&info) ? EAGAIN : EEXIST; /* somebody is about to remove it */
    }
    close_pair(out);
    return error;
}

static int fill(int fd, const struct host_object_plan *plan, bool global)
{
    size_t done;
    int error = (int)-syscall4(SYS_fchmod, fd, global ? 0666 : 0600, 0, 0);
    if (error == 0)
        error = plan->reserve ? host_file_grow(fd, plan->size) : host_file_resize(fd, plan->size);
    return error != 0 ? error : host_file_write(fd, plan->head, plan->head_size, 0, &done);
}

static int publish(int folder, const char *name, int fd)
{
    char path[HOST_FD_PATH];
    if (!host_try_lock(fd, LOCK_SH))
        return EAGAIN;
    host_fd_path(fd, path);
    return (int)-syscall6(SYS_linkat, AT_FDCWD, (long)path, folder, (long)name, AT_SYMLINK_FOLLOW,
                          0);
}

static int create(const struct opening *o, const char *name)
{
    int fd = (int)call_openat(o->folder, ".", O_TMPFILE | O_RDWR, 0600);
    if (fd < 0)
        return -fd;
    int error = fill(fd, o->plan, o->global);
    if (error == 0)
        error = open_pair(fd, o->out);
    call_close(fd);
    if (error != 0)
        return error;
    error = publish(o->folder, name, o->out->lock_fd);
    if (error != 0)
        close_pair(o->out);
    o->out->created = error == 0;
    return error == EEXIST ? EAGAIN : error;
}

static void numbered(const char *name, unsigned n, char path[NAME_ROOM])
{
    if (n == 0)
        snprintf(path, NAME_ROOM, "%s", name);
    else
        snprintf(path, NAME_ROOM, "%s~%u", name, n);
}

/* Whether a live object has the name under another number. */
static bool has_double(const struct opening *o, unsigned number)
{
    char path[NAME_ROOM];
    struct host_object other;
    struct opening look = { .folder = o->folder, .global = o->global, .out = &other };
    for (unsigned n = 0; n < NAME_TRIES; n++) {
        numbered(o->name, n, path);
        if (n == number || join(&look, path) != 0)
            continue;
        close_pair(&other);
        return true;
    }
    return false;
}

static int create_alone(const struct opening *o, unsigned number)
{
    char path[NAME_ROOM];
    numbered(o->name, number, path);
    int error = create(o, path);
    if (error != 0 || !has_double(o, number))
        return error;
    if (host_try_lock(o->out->lock_fd, LOCK_EX))
        host_remove_name(o->folder, path, o->out->lock_fd);
    close_pair(o->out);
    o->out->created = false;
    return EAGAIN;
}

/* One round: looks for a live one under all numbers, then creates at the first free number. */
static int open_once(const struct opening *o)
{
    char path[NAME_ROOM];
    int number = -1;
    for (unsigned n = 0; n < NAME_TRIES; n++) {
        numbered(o->name, n, path);
        int error = join(o, path);
        if (error == ENOENT && number < 0)
            number = (int)n;
        if (error != ENOENT && error != EEXIST)
            return error;
    }
    if (o->plan == NULL)
        return ENOENT;
    return number < 0 ? EACCES : create_alone(o, (unsigned)number);
}

/* Somebody is about to remove the file, or to create it, and may have been stopped in the middle of
 * it. Two that step back from each other must not do it in step. */
static void let_others_finish(unsigned tries)
{
    if (tries < RACE_YIELDS)
        sched_yield();
    else
        call_sleep_a_millisecond();
    if ((unsigned)host_process() % 2 == tries % 2)
        sched_yield();
}

int host_object_open(const char *name, bool global, const struct host_object_plan *plan,
                     struct host_object *out)
{
    struct opening o = { .global = global, .name = name, .plan = plan, .out = out };
    int error = host_object_folder(global, &o.folder);
    if (error != 0)
        return error;
    host_object_sweep(o.folder, global);
    out->created = false;
    out->holder = host_process();
    error = EAGAIN;
    for (unsigned i = 0; i < RACE_TRIES && error == EAGAIN; i++) {
        if (i != 0)
            let_others_finish(i);
        error = open_once(&o);
    }
    call_close(o.folder);
    return error == EAGAIN ? EACCES : error;
}

/* Removes the name, under whatever number, if it still is this file. */
static void remove_numbered(int folder, const char *name, int fd)
{
    char path[NAME_ROOM];
    for (unsigned n = 0; n < NAME_TRIES && is_linked(fd); n++) {
        numbered(name, n, path);
        host_remove_name(folder, path, fd);
    }
}

/* The child of a fork that did not get a lock of its own shares its parent's, and leaves it alone. */
void host_object_leave(struct host_object *object, const char *name, bool global)
{
    int folder;
    if (object->holder == host_process()) {
        if (host_try_lock(object->lock_fd, LOCK_EX) && host_object_folder(global, &folder) == 0) {
            remove_numbered(folder, name, object->lock_fd);
            call_close(folder);
        }
        host_try_lock(object->lock_fd, LOCK_UN);
    }
    host_file_close(object->lock_fd);
    object->lock_fd = -1;
}

int host_object_lock_again(const struct host_object *object)
{
    int fd = (int)call_reopen(object->lock_fd, O_RDWR);
    if (fd >= 0 && !host_try_lock(fd, LOCK_SH)) {
        call_close(fd);
        fd = -1;
    }
    return fd < 0 ? -1 : fd;
}

void host_object_use_lock(struct host_object *object, int lock_fd)
{
    host_file_close(object->lock_fd);
    object->lock_fd = lock_fd;
    object->holder = host_process();
}
