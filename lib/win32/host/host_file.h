/* SPDX-License-Identifier: MIT */
/* host_file.h: files, and the objects that processes share by name. Functions return 0 or an errno
 * value; no function is a point of thread cancellation, and none changes errno. Descriptors are
 * never inherited through an exec. */
#ifndef BARROW_WIN32_HOST_HOST_FILE_H
#define BARROW_WIN32_HOST_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- files --------------------------------------------------------------------------------- */

struct host_file_info {
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    uint32_t owner;
    uint32_t links;
    bool is_regular;
    bool is_directory;
    bool is_link; /* of host_file_info_of_link alone: others follow links */
};

enum host_open_flags {
    HOST_OPEN_READ = 0,
    HOST_OPEN_WRITE = 1,      /* and read */
    HOST_OPEN_WRITE_ONLY = 2, /* for files that may not be read */
    HOST_OPEN_NEW = 4,        /* EEXIST when there is one */
    HOST_OPEN_READ_ONLY_FILE = 8,
    HOST_OPEN_WRITE_THROUGH = 16,
    HOST_OPEN_APPEND = 32 /* every write is at the end, also when others write */
};

int host_file_open(const char *path, unsigned flags, int *fd);
/* Opens the file at path if it is the regular file described, and belongs to owner; HOST_ANY_OWNER:
 * to anybody. It is looked at before it is opened: to open a FIFO may wait, to open a device may act.
 */
#define HOST_ANY_OWNER UINT32_MAX
int host_file_open_same(const char *path, uint64_t device, uint64_t inode, uint32_t owner,
                        bool write, int *fd);
/* The same for a file that the process has open as number. */
int host_file_of_process(int process, int number, uint64_t device, uint64_t inode, bool write,
                         int *fd);
/* A second, independent opening of the same file. */
int host_file_reopen(int fd, bool write, int *out);
void host_file_close(int fd);
int host_file_info(int fd, struct host_file_info *out);
int host_file_info_at(const char *path, struct host_file_info *out);
int host_file_info_of_link(const char *path, struct host_file_info *out);
/* Replaces a path whose last part is a symbolic link by that of the link's target. */
int host_file_follow_link(char *path, size_t capacity);
/* Cuts or extends. Past the process's limit on the size of files: EFBIG, without a signal. */
int host_file_resize(int fd, uint64_t size);
/* Extends to size, and never cuts. What is added has memory or blocks of the disk from now on, so
 * that a later write through a mapping cannot find the file system full; of more than 256 MiB in a
 * file system of memory only the space that is free now is checked. ENOSPC, EFBIG. */
int host_file_grow(int fd, uint64_t size);
/* All of a part inside the file has memory or blocks from now on, however large it is: a committed page of
 * a section has memory (see view_open.c). */
int host_file_reserve(int fd, uint64_t offset, uint64_t bytes);
int host_file_sync(int fd);
/* Starts to write changed pages to the disk, and does not wait for it. */
int host_file_start_writing(int fd, uint64_t offset, uint64_t size);
/* The position that is distance from the start (method 0), the position (1) or the end (2).
 * ERANGE: it would be negative; EOVERFLOW: too large. host_file_seek goes there. */
int host_file_position(int fd, int64_t distance, unsigned method, uint64_t *position);
int host_file_seek(int fd, uint64_t position);
/* Transfer until all is done, the end of the file, or an error. The offset may also be: */
#define HOST_AT_POSITION INT64_C(-1) /* and move the position */
#define HOST_AT_END      INT64_C(-2) /* writes: in one step with finding the end */
int host_file_read(int fd, void *buffer, size_t bytes, int64_t offset, size_t *done);
int host_file_write(int fd, const void *buffer, size_t bytes, int64_t offset, size_t *done);
int host_file_remove(const char *path);
/* Removes the name by which the file was opened, wherever it was moved to, unless that is another
 * file's by now. */
int host_file_remove_open(int fd);
/* The path of an open file, if it has one. */
int host_file_path(int fd, char *path, size_t capacity);
/* Gives the memory behind a range of a shared memory file back, which then reads as zero. */
int host_file_punch(int fd, uint64_t offset, uint64_t size);

/* --- marks on a file --------------------------------------------------------------------------
 * Programs of this library tell each other what they do with a file by shared locks on bytes far
 * beyond any contents, one byte for each meaning. A lock goes when its opening is closed, also by
 * the death of the process. */
enum {
    OS_MARK_READS = 0,
    OS_MARK_WRITES = 1,
    OS_MARK_DELETES = 2,
    OS_MARK_DENIES_READ = 3,
    OS_MARK_DENIES_WRITE = 4,
    OS_MARK_DENIES_DELETE = 5,
    OS_MARK_MAPPED = 6,
    OS_MARKS = 7
};

/* Sets the marks whose bits are given. Errors are ignored: some file systems have no locks. */
void host_mark_set(int fd, unsigned marks);
void host_mark_clear(int fd);
/* Whether another opening has any of the marks. */
bool host_mark_seen(int fd, unsigned marks);

/* The lock of a file's size, between openings: held exclusively by who looks whether the file is
 * mapped and then cuts it, or extends it; shared by who maps it as it is. Waits some seconds, then
 * EBUSY. Where the file system has no locks it does nothing. */
int host_size_lock(int fd, bool exclusive);
void host_size_unlock(int fd);

/* Takes bytes of a file for this opening alone, without waiting. */
bool host_bytes_lock(int fd, uint64_t offset, uint64_t bytes);
void host_bytes_unlock(int fd, uint64_t offset, uint64_t bytes);

/* --- shared memory --------------------------------------------------------------------------- */

/* Of size bytes or, when the process may not make such large files, of what it may. */
int host_memory_file(uint64_t size, int *fd);
/* The limit on the size of files that the process makes; UINT64_MAX: none. */
uint64_t host_file_limit(void);

/* An object in a folder that all processes (of the user, or of the machine) share: a file with a
 * name. It is alive while any process holds its lock; a dead one is removed by the next process
 * that opens an object of any name. */
struct host_object {
    int lock_fd; /* holds a shared lock; never mapped, as a mapping would keep the lock */
    int data_fd;
    bool created;
    int holder; /* the process that took the lock: the child of a fork must not give it up */
};

/* What a new object is to be. */
struct host_object_plan {
    const void *head; /* the first bytes of the file; zeros follow */
    size_t head_size;
    uint64_t size;
    bool reserve; /* as host_file_grow; else the file is sparse */
};

/* Opens the live object of that name, else creates it. plan NULL: never create, ENOENT. name holds
 * no slash. */
int host_object_open(const char *name, bool global, const struct host_object_plan *plan,
                     struct host_object *out);
/* Gives the name up: removes it when no other process holds it. Keeps data_fd. */
void host_object_leave(struct host_object *object, const char *name, bool global);
/* For fork: another lock of the same object, for the child; -1 on failure. The child puts it in
 * place of the one that it shares with its parent. */
int host_object_lock_again(const struct host_object *object);
void host_object_use_lock(struct host_object *object, int lock_fd);

uint32_t host_user(void);
int host_process(void);
bool host_process_exists(int process);

#endif
